import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import type { Route } from "../../../lib/http/mod.ts";

/** What was answered, with its whole body; null where that is a stream, or the request was a HEAD. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string | null;
}

const DOCS = join(import.meta.dir, "../../../docs");

/** The ends of the `type`s of problem documents that the guides tell of, by their status. */
function documentedProblems(): ReadonlySet<string> {
  const documented = readdirSync(DOCS)
    .filter((name) => name.endsWith(".md"))
    .flatMap((name) => [
      ...readFileSync(join(DOCS, name), "utf8").matchAll(/^\| (`.+?) +\| ([45]\d\d)/gm),
    ])
    .flatMap(([, types = "", status]) =>
      [...types.matchAll(/`([a-z-]+)`/g)].map(([, type]) => `${status} ${type}`),
    );
  return new Set(documented);
}

const DOCUMENTED = documentedProblems();
/** What a path that leads nowhere, or not by this method, may be. */
const NOWHERE = [401, 403, 404];
const NOT_SO = [401, 403, 405];

/** Asserts that an answer is one that the guides tell of. */
export function assertDocumented({ status, headers, text }: Answer): void {
  assert(status < 500 || status === 503, `${status} is answered`);
  if (status >= 400) {
    assertEquals(headers.get("content-type"), "application/problem+json");
    if (status === 503) assert(headers.has("retry-after"), "503 without Retry-After");
    if (status === 401) assert(headers.has("www-authenticate"), "401 without WWW-Authenticate");
    if (status === 405) assert(headers.has("allow"), "405 without Allow");
    if (text === null) return;
    const problem: Record<string, unknown> = JSON.parse(text);
    const type = /^urn:taskmount:error:([a-z-]+)$/.exec(String(problem["type"]))?.[1];
    assert(DOCUMENTED.has(`${status} ${type}`), `${status} ${type} stands in no guide`);
    assertEquals(problem["status"], status);
    for (const key of ["title", "detail", "instance"]) {
      assert(typeof problem[key] === "string" && problem[key] !== "", `a problem without ${key}`);
    }
  } else if (
    text !== null &&
    status !== 206 &&
    headers.get("content-type") === "application/json"
  ) {
    JSON.parse(text);
  }
}

/** Asserts that what no route is for is refused as such. */
export function assertRouted(
  { status }: Answer,
  { method, path, routes }: { method: string; path: string; routes: readonly Route[] },
): void {
  const found = routes.filter(({ pattern }) => fits(path, pattern, routes));
  if (found.length === 0) {
    assert(NOWHERE.includes(status), `${status} where there is nothing`);
    return;
  }
  const isKnown = found.some((route) => route.method === (method === "HEAD" ? "GET" : method));
  if (isKnown || (method === "OPTIONS" && status === 204)) return;
  assert(NOT_SO.includes(status), `${status} where this method is not known`);
}

/** Written out, and not by the router's own tree. */
function fits(path: string, pattern: string, routes: readonly Route[]): boolean {
  const segments = path.split("/").map(decodeSegment);
  const expected = pattern.split("/");
  if (segments.length !== expected.length) return false;
  return expected.every((part, index) => {
    const segment = segments[index];
    if (!part.startsWith("{")) return part === segment;
    // What stands there by its own name comes first.
    const before = expected.slice(0, index);
    const isTaken = routes.some((other) => {
      const parts = other.pattern.split("/");
      return parts[index] === segment && before.every((each, at) => each === parts[at]);
    });
    return segment !== undefined && segment !== "" && !isTaken;
  });
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    // What is no UTF-8 names nothing.
    return undefined;
  }
}
