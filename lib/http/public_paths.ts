import { segmentsOf } from "./segments.ts";

/** Where the path leads: to a route, or to a handler that reads the path by itself. */
export type PathEnd = "route" | "handler";

/**
 * The paths that are open to everybody: one path, or with `/*` at its end all below it.
 *
 * They are compared with the segments that a router finds its routes by, decoded once and never cut
 * anew: `/open/..%2fjobs` is a path of two segments below `/open`, and leads to no other route.
 */
export class PublicPaths {
  readonly #paths: readonly { readonly segments: readonly string[]; readonly below: boolean }[];

  /** @throws {TypeError} for what is no such path. */
  constructor(paths: readonly string[] = []) {
    this.#paths = paths.map((path) => {
      const below = path.endsWith("/*");
      const segments = segmentsOf(below ? path.slice(0, -2) || "/" : path);
      const isPath = /^\/([^?#\s*]+(\/\*)?|\*)?$/.test(path) && !path.includes("//");
      if (!isPath || segments === undefined) {
        throw new TypeError(
          `Cannot open "${path}" to everybody: public paths are like "/docs" or "/docs/*"`,
        );
      }
      return { segments: below && path === "/*" ? [] : segments, below };
    });
  }

  /** Whether `path`, as the router has found it, is open. */
  has(path: string, end: PathEnd): boolean {
    if (this.#paths.length === 0) return false;
    const sent = segmentsOf(path);
    if (sent === undefined || (end === "handler" && !isPlain(sent))) return false;
    return this.#paths.some(
      ({ segments, below }) =>
        (below ? sent.length > segments.length : sent.length === segments.length) &&
        segments.every((segment, index) => segment === sent[index]),
    );
  }
}

/**
 * Whether there is but one way to read a path. What a mounted handler makes of `..%2f`, `//` or `;x`
 * nobody knows: it may see a path there that is not open.
 */
function isPlain(segments: readonly string[]): boolean {
  return segments.every((segment, index) => {
    if (segment === "") return index === segments.length - 1;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    return segment !== "." && segment !== ".." && !/[/\\%;\x00-\x1f\x7f]/.test(segment);
  });
}
