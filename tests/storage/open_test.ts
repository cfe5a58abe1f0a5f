import { test } from "bun:test";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  Database,
  DatabaseOpenError,
  DatabaseReadOnlyError,
  UnsupportedDatabaseError,
} from "../../lib/storage/mod.ts";
import { createEntries, insert, TemporaryFolder, texts } from "./databases.ts";

test("Database.open() takes a path, :memory: and sqlite:PATH", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  {
    await using database = Database.open(path);
    assertEquals(database.url, `sqlite:${path}`);
    await createEntries(database);
    await insert(database, "a");
  }
  for (const url of [`sqlite:${path}`, `SQLite:${path}`, path]) {
    await using database = Database.open(url);
    assertEquals(database.url, `sqlite:${path}`);
    assertEquals(await texts(database), ["a"]);
  }
  for (const url of [":memory:", "sqlite::memory:"]) {
    await using database = Database.open(url);
    assertEquals(database.url, "sqlite::memory:");
    await createEntries(database);
    await insert(database, "b");
    assertEquals(await texts(database), ["b"]);
  }
});

test("Database.open() takes the url of a database, and its options", async () => {
  await using folder = await TemporaryFolder.create();
  await using first = Database.sqlite(folder.file("app.db"));
  await createEntries(first);
  await using second = Database.open(first.url, { tablePrefix: "mine_" });
  assertEquals(second.tablePrefix, "mine_");
  await insert(second, "a");
  assertEquals(await texts(first), ["a"]);
});

test("Database.open() takes names with odd characters as they are", async () => {
  await using folder = await TemporaryFolder.create();
  for (const name of ["with space.db", "query?mode=memory", "percent%20.db", "ünï.db", "it's.db"]) {
    await using database = Database.open(`sqlite:${folder.file(name)}`);
    await createEntries(database);
    await insert(database, name);
    assertEquals((await readdir(folder.path)).includes(name), true);
  }
});

test("Database.open() takes a Windows path for a path", () => {
  for (const path of ["C:\\data\\app.db", "d:/data/app.db"]) {
    assertEquals(Database.open(path).url, `sqlite:${path}`);
  }
});

test("Database.open() refuses other databases, and what looks like one", () => {
  const refused: Record<string, string> = {
    "postgres://host/db": '"postgres://host/db"',
    "postgresql:db": '"postgresql:db"',
    "mysql://host": "sqlite:PATH",
    "file:app.db": "sqlite:PATH",
    "http://host/app.db": "sqlite:PATH",
    "sqlite://app.db": 'without "//"',
    "sqlite:///data/app.db": 'without "//"',
    "sqlite:": "give a path",
    "": "give a path",
    "a\0b": "give a path",
  };
  for (const [url, hint] of Object.entries(refused)) {
    assertThrows(() => Database.open(url), UnsupportedDatabaseError, hint);
  }
  assertThrows(() => Database.sqlite(""), UnsupportedDatabaseError, "give a path");
});

test("Database.open() keeps a password out of its error", () => {
  for (const url of ["postgres://ann:secret@host/db", "postgres://ann:se@cret:x@host/db"]) {
    const error = assertThrows(() => Database.open(url), UnsupportedDatabaseError);
    assertFalse(error.message.includes("cret"), error.message);
    assertStringIncludes(error.message, "postgres://ann:***@host/db");
  }
});

test("Database.sqlite() refuses a tablePrefix that is no name", () => {
  for (const tablePrefix of ["", "1a", "a-b", 'a"', "a b", "ä_"]) {
    assertThrows(() => Database.sqlite(":memory:", { tablePrefix }), TypeError, "tablePrefix");
  }
});

test("a missing folder is a DatabaseOpenError that names it, until somebody makes it", async () => {
  await using folder = await TemporaryFolder.create();
  const missing = folder.file("missing");
  const path = `${missing}/app.db`;
  await using database = Database.sqlite(path);
  const error = await assertRejects(() => texts(database), DatabaseOpenError);
  assertStringIncludes(error.message, `Cannot open sqlite:${path}`);
  assertStringIncludes(error.message, `the folder "${missing}" doesn't exist`);
  assertInstanceOf(error.cause, Error);
  await assertRejects(() => insert(database, "a"), DatabaseOpenError);
  await assertRejects(() => database.transaction(() => {}), DatabaseOpenError);
  await assertRejects(() => database.migrate(), DatabaseOpenError);
  await mkdir(missing);
  await createEntries(database);
  await insert(database, "a");
  await database.migrate();
  assertEquals(await texts(database), ["a"]);
});

test("a folder as path is a DatabaseOpenError that says so", async () => {
  await using folder = await TemporaryFolder.create();
  await using database = Database.sqlite(folder.path);
  await assertRejects(() => texts(database), DatabaseOpenError, "it is a folder");
});

test("a file as folder is a DatabaseOpenError", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("file"), "");
  await using database = Database.sqlite(folder.file("file/app.db"));
  await assertRejects(() => texts(database), DatabaseOpenError);
});

test("a file that is no database is a DatabaseOpenError, and stays as it is", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("notes.txt");
  const content = "This is a letter, not a database. ".repeat(100);
  await writeFile(path, content);
  await using database = Database.sqlite(path);
  await assertRejects(() => texts(database), DatabaseOpenError, "not a database");
  assertEquals(await Bun.file(path).text(), content);
  await rm(path);
  await createEntries(database);
  assertEquals(await texts(database), []);
});

test.skipIf(process.getuid?.() === 0)(
  "a file that may only be read is a DatabaseReadOnlyError",
  async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await writeFile(path, "");
    await chmod(path, 0o400);
    await using database = Database.sqlite(path);
    await assertRejects(() => texts(database), DatabaseReadOnlyError);
  },
);

test("an empty file is a new database", async () => {
  await using folder = await TemporaryFolder.create();
  await writeFile(folder.file("app.db"), "");
  await using database = Database.sqlite(folder.file("app.db"));
  await createEntries(database);
  assertEquals(await texts(database), []);
});

test("a database that nobody uses makes no file", async () => {
  await using folder = await TemporaryFolder.create();
  const database = Database.sqlite(folder.file("app.db"));
  database.kysely();
  database.session()[Symbol.dispose]();
  await database.close();
  assertEquals(await readdir(folder.path), []);
});
