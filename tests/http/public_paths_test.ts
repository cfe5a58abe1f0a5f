import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { PublicPaths } from "../../lib/http/mod.ts";

test("a public path is that path alone, and with /* what is below it", () => {
  const paths = new PublicPaths(["/docs", "/site/*", "/a/b/*", "/", "/with%20space"]);
  for (const [path, isPublic] of [
    ["/docs", true],
    ["/%64ocs", true],
    ["/with%20space", true],
    ["/", true],
    ["/site/", true],
    ["/site/a", true],
    ["/site/a/b/c", true],
    ["/a/b/c", true],
    ["/docs/", false],
    ["/docs/a", false],
    ["/doc", false],
    ["/docsx", false],
    ["/Docs", false],
    ["/site", false],
    ["/sitex/a", false],
    ["/a/bc/d", false],
    ["/b/a/b/c", false],
    ["//site/a", false],
    ["//docs", false],
    ["/site%2fa", false],
    ["/a%2fb/c", false],
    ["/docs%2f", false],
    ["/docs%00", false],
    ["/%ff", false],
    ["/site/%ff", false],
  ] as const) {
    for (const end of ["route", "handler"] as const) {
      assertEquals(paths.has(path, end), isPublic, `${path} to a ${end}`);
    }
  }
});

test("what can be read in two ways is public where a route says which, and not for a handler", () => {
  const paths = new PublicPaths(["/site/*"]);
  for (const path of [
    "/site/..",
    "/site/../secret",
    "/site/.",
    "/site/..%2fsecret",
    "/site/%2e%2e%2fsecret",
    "/site/%252e%252e%252fsecret",
    "/site/..%5csecret",
    "/site/..;/secret",
    "/site/a;x=1",
    "/site//secret",
    "/site/a%00",
    "/site/a%0ab",
    "/site/100%25",
  ]) {
    assertEquals(paths.has(path, "handler"), false, path);
    assertEquals(paths.has(path, "route"), true, path);
  }
});

test("no paths are public where none are named, and all with /*", () => {
  for (const path of ["/", "/a", "/a/b"]) {
    assertEquals(new PublicPaths().has(path, "route"), false);
    assertEquals(new PublicPaths(["/*"]).has(path, "route"), true);
  }
});

test("PublicPaths refuses what is no path, or has * elsewhere", () => {
  for (const path of [
    "docs",
    "",
    "*",
    "/docs*",
    "/*/docs",
    "/a//b",
    "/a?b",
    "/a#b",
    "/a b",
    "/%ff",
  ]) {
    assertThrows(
      () => new PublicPaths([path]),
      TypeError,
      `Cannot open "${path}" to everybody: public paths are like "/docs" or "/docs/*"`,
    );
  }
});
