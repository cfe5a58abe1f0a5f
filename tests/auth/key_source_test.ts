import { afterAll, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { keySource } from "../../lib/auth/key_source.ts";
import { InvalidKeysError } from "../../lib/mod.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmount-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

test("a list of keys is what it is", () => {
  const { keys, load } = keySource(["one", "two"]);
  assertEquals(keys?.find("two")?.name, "key-2");
  assertEquals(load, undefined);
  assertThrows(() => keySource([]), InvalidKeysError, "the list: there are none");
});

test("a variable has keys between spaces or line ends", () => {
  process.env["TASKMOUNT_TEST_KEYS"] = "ci:abc:tasks:read ops:def:*\nplain";
  try {
    const { keys, load } = keySource({ env: "TASKMOUNT_TEST_KEYS" });
    assertEquals(keys?.find("abc"), { name: "ci", scopes: ["tasks:read"] });
    assertEquals(keys?.find("def"), { name: "ops", scopes: ["*"] });
    assertEquals(keys?.find("plain"), { name: "key-3", scopes: ["*"] });
    assertEquals(load, undefined);
    process.env["TASKMOUNT_TEST_KEYS"] = "  ";
    const reason = "the variable TASKMOUNT_TEST_KEYS: there are none";
    assertThrows(() => keySource({ env: "TASKMOUNT_TEST_KEYS" }), InvalidKeysError, reason);
  } finally {
    delete process.env["TASKMOUNT_TEST_KEYS"];
  }
  assertThrows(
    () => keySource({ env: "TASKMOUNT_TEST_KEYS" }),
    InvalidKeysError,
    "Cannot use the keys of the variable TASKMOUNT_TEST_KEYS: it is not set",
  );
});

test("what is no source is refused, and not shown, as it may be the key", () => {
  for (const wrong of ["the-secret", 17, null, true]) {
    const error = assertThrows(() => keySource(wrong as never), InvalidKeysError, "neither a list");
    assert(!error.message.includes("the-secret"));
  }
  const error = assertThrows(() => keySource({ env: "the-secret" }), InvalidKeysError);
  assertEquals(error.message, "Cannot use the keys of the variable that env names: it is not set");
});

test("a file is read again when it has changed, and only then", async () => {
  const file = write("changing", "ci:first:*");
  const { keys, load } = keySource({ file });
  assertEquals(keys?.find("first")?.name, "ci");
  assertStrictEquals(await load?.(), keys);
  write("changing", "ci:other:*");
  const changed = await load?.();
  assertEquals([changed?.find("first"), changed?.find("other")?.name], [undefined, "ci"]);
  assertStrictEquals(await load?.(), changed);
  // As long, and written at the same time, but another file.
  renameSync(write("moved", "ci:third:*"), file);
  assertEquals((await load?.())?.find("third")?.name, "ci");
  // Whoever empties it wants nobody let in.
  write("changing", "");
  assertEquals((await load?.())?.size, 0);
});

test("a file that is missing, empty or wrong is an error that says so, without the key", async () => {
  const missing = join(folder, "missing");
  assertThrows(
    () => keySource({ file: missing }),
    InvalidKeysError,
    `Cannot use the keys of the file ${missing}: it can't be read: ENOENT`,
  );
  assertThrows(() => keySource({ file: write("empty", "") }), InvalidKeysError, "there are none");
  const file = write("wrong", "ci:the-secret");
  const error = assertThrows(() => keySource({ file }), InvalidKeysError, "line 1 is not like");
  assert(!error.message.includes("the-secret"));
  write("wrong", "ci:the-secret:*");
  const { load } = keySource({ file });
  write("wrong", "ci:the-secret:nothing,");
  await assertRejects(async () => await load?.(), InvalidKeysError, "a scope is text");
  rmSync(file);
  await assertRejects(async () => await load?.(), InvalidKeysError, "it can't be read: ENOENT");
});

test("a function is asked each time, and may answer later", async () => {
  let key = "one";
  const { keys, load } = keySource(() => Promise.resolve([key]));
  assertEquals(keys, undefined);
  assertEquals((await load?.())?.find("one")?.name, "key-1");
  key = "two";
  assertEquals((await load?.())?.find("one"), undefined);
  key = "t w o";
  await assertRejects(async () => await load?.(), InvalidKeysError, "the function: of key 1");
});
