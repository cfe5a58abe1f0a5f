import { Database as Sqlite } from "bun:sqlite";
import { test } from "bun:test";
import { rename } from "node:fs/promises";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { sql } from "kysely";
import {
  Database,
  DatabaseBusyError,
  DatabaseClosedError,
  DatabaseMovedError,
  DatabaseReadOnlyError,
} from "../../../lib/storage/mod.ts";
import { createEntries, insert, TemporaryFolder, texts } from "../databases.ts";

/** What changes whenever anybody else has committed. */
function versionOf(connection: Sqlite): unknown {
  return connection.query("PRAGMA data_version").values()[0]?.[0];
}

async function setReadOnly(database: Database, isReadOnly: boolean): Promise<void> {
  await sql`pragma query_only = ${sql.lit(isReadOnly ? 1 : 0)}`.execute(database.kysely());
}

test("probe() writes nothing while all goes well", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  using other = new Sqlite(path, { readwrite: true });
  const version = versionOf(other);
  const log = await Bun.file(`${path}-wal`).bytes();
  for (let times = 0; times < 10; times++) assertEquals(await database.probe(), undefined);
  assertEquals(versionOf(other), version);
  assert(Bun.deepEquals(await Bun.file(`${path}-wal`).bytes(), log));
});

test("probe() commits something after a statement that failed, once, and changes nothing", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await sql`pragma user_version = 7`.execute(database.kysely());
  await setReadOnly(database, true);
  await assertRejects(() => insert(database, "a"), DatabaseReadOnlyError);
  await assertRejects(() => database.probe(), DatabaseReadOnlyError, "can only be read");
  await setReadOnly(database, false);
  using other = new Sqlite(path, { readwrite: true });
  const versions = [versionOf(other)];
  for (let times = 0; times < 3; times++) {
    assertEquals(await database.probe(), undefined);
    versions.push(versionOf(other));
  }
  assert(versions[0] !== versions[1], "nothing was committed");
  assertEquals(versions.slice(2), [versions[1], versions[1]]);
  assertEquals(other.query("PRAGMA user_version").values(), [[7]]);
  assertEquals(await texts(database), []);
});

test("probe() tells of another program's lock, and throws when it lets statements fail", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path, { busyTimeout: 3 });
  await createEntries(database);
  using other = new Sqlite(path, { readwrite: true });
  other.run("BEGIN IMMEDIATE");
  assertMatch(
    (await database.probe()) ?? "",
    /^another process has kept it locked for \d seconds$/,
  );
  await assertRejects(async () => {
    for (;;) await database.probe();
  }, DatabaseBusyError);
  other.run("ROLLBACK");
  assertEquals(await database.probe(), undefined);
  await insert(database, "a");
});

test("probe() does not wait for an open transaction", async () => {
  await using database = Database.sqlite(":memory:");
  await createEntries(database);
  await database.transaction(async (tx) => {
    await insert(tx, "a");
    assertEquals(await database.probe(), undefined);
  });
  assertEquals(await texts(database), ["a"]);
});

test("probe() tells when the file was moved away, and a closed database", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const database = Database.sqlite(path);
  await createEntries(database);
  await rename(path, folder.file("elsewhere.db"));
  await assertRejects(() => database.probe(), DatabaseMovedError);
  await rename(folder.file("elsewhere.db"), path);
  assertEquals(await database.probe(), undefined);
  await database.close();
  await assertRejects(() => database.probe(), DatabaseClosedError);
});
