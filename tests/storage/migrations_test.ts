import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { Database } from "../../lib/storage/mod.ts";
import { Child } from "./child.ts";
import { insert, TemporaryFolder, testOnEach, texts } from "./databases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

async function tableNames(database: Database): Promise<string[]> {
  const tables = await database
    .kysely()
    .introspection.getTables({ withInternalKyselyTables: true });
  return tables.map((table) => table.name).toSorted();
}

function createTable(name: string): Migration {
  return {
    up: async (db) => {
      await db.schema.createTable(name).addColumn("text", "text").execute();
    },
  };
}

/** A user's own migrator, with Kysely's default names. */
function usersMigrator(database: Database, migrations: Record<string, Migration>): Migrator {
  return new Migrator({
    db: database.kysely(),
    provider: { getMigrations: async () => migrations },
  });
}

testOnEach("every table of taskmount's begins with taskmount_", async (database) => {
  await database.migrate();
  const names = (await tableNames(database)).filter((name) => name !== "entries");
  assert(names.includes("taskmount_migration"));
  assert(names.includes("taskmount_migration_lock"));
  for (const name of names) assert(name.startsWith("taskmount_"), name);
});

testOnEach(
  "every table of taskmount's begins with tablePrefix where that is given",
  async (database) => {
    assertEquals(database.tablePrefix, "Mine_2");
    await database.migrate();
    const names = (await tableNames(database)).filter((name) => name !== "entries");
    assert(names.includes("Mine_2migration"));
    for (const name of names) assert(name.startsWith("Mine_2"), name);
  },
  { tablePrefix: "Mine_2" },
);

testOnEach("database.migrate() runs once, however often it is called", async (database) => {
  await Promise.all([database.migrate(), database.migrate()]);
  const names = await tableNames(database);
  // Running once more would need the writer, which this transaction holds.
  await database.transaction(() => database.migrate());
  assertEquals(await tableNames(database), names);
});

test("database.migrate() finds a file that has been migrated before", async () => {
  await using folder = await TemporaryFolder.create();
  for (let run = 0; run < 3; run += 1) {
    await using database = Database.sqlite(folder.file("app.db"));
    await database.migrate();
  }
  await using first = Database.sqlite(folder.file("app.db"));
  await using second = Database.sqlite(folder.file("app.db"));
  await Promise.all([first.migrate(), second.migrate()]);
});

test("two prefixes in one file live side by side", async () => {
  await using folder = await TemporaryFolder.create();
  await using first = Database.sqlite(folder.file("app.db"), { tablePrefix: "one_" });
  await using second = Database.sqlite(folder.file("app.db"), { tablePrefix: "two_" });
  await Promise.all([first.migrate(), second.migrate()]);
  const names = await tableNames(first);
  assert(names.includes("one_migration"));
  assert(names.includes("two_migration"));
});

testOnEach("the user's own Migrator lives in the same file", async (database) => {
  const migrator = usersMigrator(database, { a: createTable("notes") });
  const [{ error, results }] = await Promise.all([migrator.migrateToLatest(), database.migrate()]);
  assertEquals(error, undefined);
  assertEquals(
    results?.map((result) => result.status),
    ["Success"],
  );
  await database.migrate();
  const later = usersMigrator(database, { a: createTable("notes"), b: createTable("labels") });
  const second = await later.migrateToLatest();
  assertEquals(
    second.results?.map((result) => result.migrationName),
    ["b"],
  );
  assertEquals((await usersMigrator(database, { a: createTable("x") }).getMigrations()).length, 1);
  const names = await tableNames(database);
  for (const name of ["kysely_migration", "kysely_migration_lock", "labels", "notes"]) {
    assert(names.includes(name), name);
  }
});

testOnEach("a migration that fails leaves nothing of the whole run behind", async (database) => {
  const failing: Migration = {
    up: async (db: Kysely<unknown>) => {
      await db.schema.createTable("half").addColumn("text", "text").execute();
      throw new RangeError("no");
    },
  };
  const migrations = { a: createTable("notes"), b: failing };
  const { error } = await usersMigrator(database, migrations).migrateToLatest();
  assert(error instanceof RangeError);
  const names = await tableNames(database);
  assertEquals(
    names.filter((name) => name === "half" || name === "notes"),
    [],
  );
  await insert(database, "later");
  assertEquals(await texts(database), ["later"]);
});

testOnEach("a migration that bypasses its handle is refused at once", async (database) => {
  const bypassing: Migration = { up: () => insert(database, "stray") };
  const { error } = await usersMigrator(database, { a: bypassing }).migrateToLatest();
  assert(error instanceof Error);
  assertEquals(error.name, "NestedWriteError");
});

testOnEach("a migration may rebuild a table with foreign keys off", async (database) => {
  await insert(database, "parent");
  const rebuild: Migration = {
    up: async (db) => {
      const { sql } = await import("kysely");
      await sql`create table children (
        parent integer references entries (id) on delete cascade
      )`.execute(db);
      await sql`insert into children values (1)`.execute(db);
      await sql`pragma foreign_keys = off`.execute(db);
      await sql`create table rebuilt (id integer primary key, text text)`.execute(db);
      await sql`insert into rebuilt select id, text from entries`.execute(db);
      await sql`drop table entries`.execute(db);
      await sql`alter table rebuilt rename to entries`.execute(db);
      await sql`pragma foreign_keys = on`.execute(db);
    },
  };
  const migrator = new Migrator({
    db: database.kysely(),
    provider: { getMigrations: async () => ({ rebuild }) },
    disableTransactions: true,
  });
  const { error } = await migrator.migrateToLatest();
  assertEquals(error, undefined);
  const db = database.kysely<{ children: { parent: number } }>();
  assertEquals(await db.selectFrom("children").selectAll().execute(), [{ parent: 1 }]);
  await assertRejects(() => db.insertInto("children").values({ parent: 9 }).execute());
});

test("two processes that migrate at the same time both succeed", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using first = new Child("migrate.ts", [path]);
  await using second = new Child("migrate.ts", [path]);
  assertEquals([await first.line(), await second.line()], ["ready", "ready"]);
  first.send("go");
  second.send("go");
  const ran = [await first.line(), await second.line()];
  assertEquals([await first.exited, await second.exited], [0, 0]);
  assertEquals(ran.toSorted(), ["", "1_notes,2_labels"]);
  await using database = Database.sqlite(path);
  await database.migrate();
  const names = await tableNames(database);
  for (const name of ["kysely_migration", "labels", "notes", "taskmount_migration"]) {
    assert(names.includes(name), name);
  }
});
