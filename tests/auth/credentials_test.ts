import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { credentialsOf } from "../../lib/auth/credentials.ts";

function read(headers: Record<string, string>, query = "") {
  return credentialsOf(new Request(`http://localhost/${query}`, { headers }));
}

test("credentialsOf() reads X-API-Key, and Authorization: Bearer", () => {
  assertEquals(read({ "x-api-key": "abc" }), { text: "abc", isBearer: false });
  for (const authorization of ["Bearer abc", "bearer abc", "BEARER   abc", " Bearer abc "]) {
    assertEquals(read({ authorization }), { text: "abc", isBearer: true }, authorization);
  }
});

test("X-API-Key goes before Authorization, which may be for a proxy", () => {
  const key = { text: "abc", isBearer: false };
  assertEquals(read({ "x-api-key": "abc", authorization: "Bearer def" }), key);
  assertEquals(read({ "x-api-key": "abc", authorization: "Basic def" }), key);
  const bearer = { text: "def", isBearer: true };
  assertEquals(read({ "x-api-key": "", authorization: "Bearer def" }), bearer);
});

test("credentialsOf() reads nothing else: no other scheme, no query, no cookie", () => {
  for (const authorization of [
    "Basic abc",
    "Bearer",
    "Bearer ",
    "abc",
    "Bearer a b",
    "Bearerabc",
  ]) {
    assertEquals(read({ authorization }), undefined, authorization);
  }
  assertEquals(read({ cookie: "x-api-key=abc" }), undefined);
  assertEquals(read({}, "?x-api-key=abc&api_key=abc&access_token=abc"), undefined);
});
