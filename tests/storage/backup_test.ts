import { test } from "bun:test";
import { chmod, readdir, stat, writeFile } from "node:fs/promises";
import { assertEquals, assertRejects } from "@std/assert";
import { sql } from "kysely";
import {
  Database,
  DatabaseBackupError,
  DatabaseClosedError,
  DatabaseCorruptError,
  DatabaseOpenError,
} from "../../lib/storage/mod.ts";
import { createEntries, insert, TemporaryFolder, testOnEach, texts } from "./databases.ts";

/** What is in a backup, which is sound. */
async function textsOf(path: string): Promise<string[]> {
  await using database = Database.sqlite(path);
  const { rows } = await sql`pragma integrity_check`.execute(database.kysely());
  assertEquals(rows, [{ integrity_check: "ok" }]);
  return await texts(database);
}

testOnEach("backup() copies what is committed, beside an open transaction", async (database) => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("backup.db");
  await insert(database, "committed");
  await database.transaction(async (tx) => {
    await insert(tx, "open");
    await database.backup(path);
  });
  await insert(database, "later");
  assertEquals(await readdir(folder.path), ["backup.db"]);
  assertEquals(await textsOf(path), ["committed"]);
  assertEquals(await texts(database), ["committed", "open", "later"]);
});

test("backup() needs no statement before it, and keeps settings and the file's mode", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  {
    await using database = Database.sqlite(path);
    await createEntries(database);
    await sql`pragma user_version = 7`.execute(database.kysely());
  }
  await chmod(path, 0o600);
  await using database = Database.sqlite(path);
  await database.backup(folder.file("backup.db"));
  assertEquals((await stat(folder.file("backup.db"))).mode & 0o777, 0o600);
  await using backup = Database.sqlite(folder.file("backup.db"));
  const { rows } = await sql`pragma user_version`.execute(backup.kysely());
  assertEquals(rows, [{ user_version: 7 }]);
});

test("backup() overwrites nothing, and leaves nothing where it fails", async () => {
  await using folder = await TemporaryFolder.create();
  await using database = Database.sqlite(folder.file("app.db"));
  await assertRejects(() => database.backup(folder.file("b.db")), DatabaseOpenError, "no such");
  await createEntries(database);
  await writeFile(folder.file("taken"), "precious");
  const files = (await readdir(folder.path)).toSorted();
  await assertRejects(
    () => database.backup(folder.file("taken")),
    DatabaseBackupError,
    "there is a file of that name already",
  );
  await assertRejects(
    () => database.backup(folder.file("missing/b.db")),
    DatabaseBackupError,
    `the folder "${folder.file("missing")}" doesn't exist`,
  );
  assertEquals(await Bun.file(folder.file("taken")).text(), "precious");
  assertEquals((await readdir(folder.path)).toSorted(), files);
});

test("of two backups to one name one is made, and the other one refused", async () => {
  await using folder = await TemporaryFolder.create();
  await using target = await TemporaryFolder.create();
  await using database = Database.sqlite(folder.file("app.db"));
  await createEntries(database);
  await insert(database, "a");
  const path = target.file("backup.db");
  const outcomes = await Promise.allSettled([database.backup(path), database.backup(path)]);
  assertEquals(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
  assertEquals(await readdir(target.path), ["backup.db"]);
  assertEquals(await textsOf(path), ["a"]);
});

test("backup() ends with the reason of its signal, and leaves nothing", async () => {
  await using folder = await TemporaryFolder.create();
  await using target = await TemporaryFolder.create();
  await using database = Database.sqlite(folder.file("app.db"));
  await createEntries(database);
  const path = target.file("backup.db");
  const reason = new Error("enough");
  const gone = AbortSignal.abort(reason);
  assertEquals(await database.backup(path, { signal: gone }).catch((error) => error), reason);
  const controller = new AbortController();
  const backup = database.backup(path, { signal: controller.signal });
  controller.abort(reason);
  assertEquals(await backup.catch((error) => error), reason);
  assertEquals(await readdir(target.path), []);
});

test("backup() refuses a damaged database, and a closed one", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("letter"), "This is a letter, not a database. ".repeat(100));
  const database = Database.sqlite(folder.file("letter"));
  await assertRejects(() => database.backup(folder.file("b.db")), DatabaseCorruptError);
  await database.close();
  await assertRejects(() => database.backup(folder.file("b.db")), DatabaseClosedError);
  assertEquals(await readdir(folder.path), ["letter"]);
});
