import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { readKeys } from "../../lib/auth/keys_text.ts";
import { InvalidKeysError } from "../../lib/mod.ts";

test("readKeys() reads names, keys, hashes and scopes, and passes over comments", () => {
  const text = `# who may do what
ci:abc:tasks:read,tasks:execute:greet

  # indented
ops:sha256=0123:*\r
plain
a:b:jobs:read c:d:jobs:write`;
  assertEquals(readKeys(text, "the file"), [
    { name: "ci", key: "abc", scopes: ["tasks:read", "tasks:execute:greet"] },
    { name: "ops", sha256: "0123", scopes: ["*"] },
    "plain",
    { name: "a", key: "b", scopes: ["jobs:read"] },
    { name: "c", key: "d", scopes: ["jobs:write"] },
  ]);
  assertEquals(readKeys(" \n# nothing\n", "the file"), []);
});

test("readKeys() refuses what is half a key, naming the line and not what is in it", () => {
  for (const wrong of ["ci:secret", "ci:secret:", ":secret:*", "ci::*", ":secret", "::"]) {
    const error = assertThrows(
      () => readKeys(`# keys\ngood:key:*\n${wrong}`, "the file keys.txt"),
      InvalidKeysError,
      "Cannot use the keys of the file keys.txt: line 3 is not like name:key:tasks:read,jobs:read",
    );
    assert(!error.message.includes("secret"));
  }
});
