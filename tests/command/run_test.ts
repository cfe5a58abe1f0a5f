import { test } from "bun:test";
import { readdir } from "node:fs/promises";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../lib/command/run.ts";
import { Database } from "../../lib/mod.ts";
import { createEntries, insert, TemporaryFolder, texts } from "../storage/databases.ts";

/** Runs the command; its exit code, and what it has printed and complained of. */
async function called(...args: string[]) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const code = await run(args, {
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  });
  return { code, printed: printed.join("\n"), complaints: complaints.join("\n") };
}

test("taskmount backup copies a database, by its path and by its URL", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await insert(database, "a");
  for (const [url, file] of [
    [path, folder.file("one.db")],
    [`sqlite:${path}`, folder.file("two.db")],
  ] as const) {
    assertEquals(await called("backup", url, file), {
      code: 0,
      printed: `sqlite:${path} is backed up to ${file}`,
      complaints: "",
    });
    await using backup = Database.sqlite(file);
    assertEquals(await texts(backup), ["a"]);
  }
});

test("taskmount backup says what is wrong, with 1, and makes no file", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const target = folder.file("backup.db");
  const missing = await called("backup", path, target);
  assertEquals([missing.code, missing.printed], [1, ""]);
  assertEquals(missing.complaints, `taskmount: Cannot open sqlite:${path}: there is no such file`);
  assertEquals(await readdir(folder.path), []);
  assertStringIncludes((await called("backup", ":memory:", target)).complaints, "private");
  assertStringIncludes((await called("backup", "mysql://host", target)).complaints, "mysql://host");
  await Bun.write(path, "");
  await Bun.write(target, "precious");
  const taken = await called("backup", path, target);
  assertEquals(taken.code, 1);
  assertStringIncludes(taken.complaints, "there is a file of that name already");
  assertEquals(await Bun.file(target).text(), "precious");
});

test("taskmount shows how it is used: with 0 where asked, with 2 where it can't tell what is meant", async () => {
  for (const args of [["help"], ["--help"], ["backup", "--help"], ["backup", "-h"]]) {
    const { code, printed } = await called(...args);
    assertEquals(code, 0);
    assertStringIncludes(printed, "Usage: taskmount backup DATABASE FILE");
  }
  for (const args of [
    [],
    ["restore", "a", "b"],
    ["backup"],
    ["backup", "a"],
    ["backup", "a", "b", "c"],
    ["backup", "--force", "b"],
  ]) {
    const { code, printed, complaints } = await called(...args);
    assertEquals([code, printed], [2, ""]);
    assertStringIncludes(complaints, "Usage: taskmount backup DATABASE FILE");
  }
});
