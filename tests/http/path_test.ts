import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { pathOf, queryOf } from "../../lib/http/mod.ts";

test("pathOf() gives the path of a URL, as it was sent", () => {
  const cases: [string, string][] = [
    ["http://localhost/", "/"],
    ["http://localhost", "/"],
    ["https://example.org:8443/api/v1/tasks", "/api/v1/tasks"],
    ["http://localhost/a/%24execute?tag=a/b#c", "/a/%24execute"],
    ["http://localhost/?a=/b", "/"],
    ["http://localhost/a#b?c", "/a"],
    ["http://[::1]:80/a//b/", "/a//b/"],
  ];
  for (const [url, path] of cases) assertEquals(pathOf(url), path, url);
});

test("pathOf() gives the path where Bun has no origin for it", () => {
  assertEquals(pathOf("/api/v1/tasks?tag=http://a/b"), "/api/v1/tasks");
  assertEquals(pathOf("/"), "/");
});

test("queryOf() gives the query, where Bun has no origin for it too", () => {
  const cases: [string, string[]][] = [
    ["http://localhost/a?tag=a&tag=b%20c#d", ["a", "b c"]],
    ["http://localhost/a", []],
    ["/a?tag=a", ["a"]],
    ["//a/b?tag=%E0%A4%A", ["\ufffd%A"]],
    ["/?tag=?tag=b", ["?tag=b"]],
    // What Bun makes of "Host: a:b", of "Host: a b" and of none.
    ["http://a:b/a?tag=a", ["a"]],
    ["http://[/a?tag=a", ["a"]],
    ["http:///a?tag=a#?tag=b", ["a"]],
  ];
  for (const [url, tags] of cases) assertEquals(queryOf(url).getAll("tag"), tags, url);
});
