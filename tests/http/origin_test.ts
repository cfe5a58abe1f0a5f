import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { HttpProblem } from "../../lib/http/mod.ts";
import { refuseCrossSite } from "../../lib/http/origin.ts";

const OWN = "http://localhost:8000";
const FOREIGN = "https://evil.example";

function isRefused(
  method: string,
  headers: Record<string, string>,
  { url = `${OWN}/x`, allowed = [] as string[] } = {},
): boolean {
  try {
    refuseCrossSite(new Request(url, { method, headers }), new Set(allowed));
    return false;
  } catch (error) {
    if (error instanceof HttpProblem) return true;
    throw error;
  }
}

test("refuseCrossSite() looks at Sec-Fetch-Site first, then at Origin", () => {
  const sites = ["same-origin", "none", "same-site", "cross-site", undefined] as const;
  const origins = [undefined, OWN, FOREIGN, "null", "no origin"];
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    for (const site of sites) {
      for (const origin of origins) {
        const expected =
          site === undefined
            ? origin !== undefined && origin !== OWN
            : site === "same-site" || site === "cross-site";
        const headers = {
          ...(site === undefined ? {} : { "sec-fetch-site": site }),
          ...(origin === undefined ? {} : { origin }),
        };
        assertEquals(isRefused(method, headers), expected, `${method} ${site} ${origin}`);
      }
    }
  }
});

test("refuseCrossSite() lets pass what changes nothing", () => {
  for (const method of ["GET", "HEAD", "OPTIONS"]) {
    for (const site of ["same-site", "cross-site"]) {
      assertEquals(isRefused(method, { "sec-fetch-site": site, origin: FOREIGN }), false);
    }
    assertEquals(isRefused(method, { origin: FOREIGN }), false);
  }
});

test("refuseCrossSite() compares hosts with their ports, whatever the scheme", () => {
  const cases: [string, string, boolean][] = [
    ["http://localhost:8000/x", "http://localhost:8000", false],
    ["http://localhost:8000/x", "https://localhost:8000", false],
    ["http://localhost:8000/x", "http://LOCALHOST:8000", false],
    ["http://localhost:8000/x", "http://localhost:8001", true],
    ["http://localhost:8000/x", "http://localhost", true],
    ["http://localhost:8000/x", "http://127.0.0.1:8000", true],
    ["http://example.org/x", "https://example.org", false],
    ["http://example.org/x", "https://example.org.evil.example", true],
    ["http://example.org/x", "https://evil.example/example.org", true],
    ["http://[::1]:8000/x", "http://[::1]:8000", false],
  ];
  for (const [url, origin, refused] of cases) {
    assertEquals(isRefused("POST", { origin }, { url }), refused, `${url} ${origin}`);
  }
});

test("refuseCrossSite() refuses every Origin where the request has no host", () => {
  // Bun gives a bare path for a Host header that is no host.
  const request = {
    method: "POST",
    url: "/x",
    headers: new Headers({ origin: OWN }),
  } as Request;
  assertThrows(() => refuseCrossSite(request, new Set()), HttpProblem);
});

test("refuseCrossSite() lets allowed origins pass, exactly", () => {
  const allowed = [FOREIGN, "capacitor://localhost"];
  for (const site of ["cross-site", "same-site", undefined]) {
    for (const [origin, refused] of [
      [FOREIGN, false],
      ["capacitor://localhost", false],
      [`${FOREIGN}:444`, true],
      ["http://evil.example", true],
      [`${FOREIGN}.org`, true],
    ] as const) {
      const headers = { origin, ...(site === undefined ? {} : { "sec-fetch-site": site }) };
      assertEquals(isRefused("POST", headers, { allowed }), refused, `${site} ${origin}`);
    }
  }
  assertEquals(isRefused("POST", { "sec-fetch-site": "cross-site" }, { allowed }), true);
});

test("refuseCrossSite() names who sent what", () => {
  const problem = (headers: Record<string, string>) =>
    assertThrows(
      () => refuseCrossSite(new Request(OWN, { method: "DELETE", headers }), new Set()),
      HttpProblem,
    );
  const { status, code, message } = problem({ origin: FOREIGN });
  assertEquals([status, code], [403, "cross-site-request"]);
  assertEquals(message, "A page of https://evil.example may not send DELETE requests here");
  assertEquals(
    problem({ "sec-fetch-site": "cross-site" }).message,
    "A page of another site may not send DELETE requests here",
  );
});
