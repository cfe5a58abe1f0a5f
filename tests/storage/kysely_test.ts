import { SQLiteError } from "bun:sqlite";
import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { CamelCasePlugin, type Generated, sql } from "kysely";
import { Database } from "../../lib/storage/mod.ts";
import {
  createEntries,
  insert,
  type Tables,
  TemporaryFolder,
  testOnEach,
  texts,
} from "./databases.ts";

testOnEach("insertId and numAffectedRows tell what a write did", async (database) => {
  const db = database.kysely<Tables>();
  const inserted = await db
    .insertInto("entries")
    .values([{ text: "a" }, { text: "b" }])
    .executeTakeFirstOrThrow();
  assertEquals([inserted.insertId, inserted.numInsertedOrUpdatedRows], [2n, 2n]);
  const updated = await db
    .updateTable("entries")
    .set((eb) => ({ text: sql`${eb.ref("text")} || '!'` }))
    .executeTakeFirstOrThrow();
  assertEquals(updated.numUpdatedRows, 2n);
  const deleted = await db.deleteFrom("entries").where("id", "=", 1).executeTakeFirstOrThrow();
  assertEquals(deleted.numDeletedRows, 1n);
  const none = await db.deleteFrom("entries").where("id", "=", 9).executeTakeFirstOrThrow();
  assertEquals(none.numDeletedRows, 0n);
});

testOnEach("returning gives the rows that were written, once", async (database) => {
  const db = database.kysely<Tables>();
  const row = await db
    .insertInto("entries")
    .values({ text: "a" })
    .returningAll()
    .executeTakeFirstOrThrow();
  assertEquals(row, { id: 1, text: "a" });
  await database.transaction(async (tx) => {
    const rows = await tx
      .kysely<Tables>()
      .updateTable("entries")
      .set({ text: "b" })
      .returning(["id", "text"])
      .execute();
    assertEquals(rows, [{ id: 1, text: "b" }]);
  });
  assertEquals(await texts(db), ["b"]);
});

testOnEach("foreign keys are checked", async (database) => {
  const db = database.kysely<Tables>();
  await sql`create table children (
    parent integer references entries (id) on delete cascade
  )`.execute(db);
  await insert(db, "parent");
  await sql`insert into children values (1)`.execute(db);
  await assertRejects(
    () => sql`insert into children values (2)`.execute(db),
    SQLiteError,
    "FOREIGN KEY",
  );
  await db.deleteFrom("entries").execute();
  assertEquals((await sql`select * from children`.execute(db)).rows, []);
});

testOnEach("values of every kind that SQLite holds come back as they went", async (database) => {
  interface Values {
    samples: { whole: number; real: number; words: string; bytes: Uint8Array; missing: null };
  }
  const db = database.kysely<Values>();
  await sql`create table samples (whole, real, words, bytes, missing)`.execute(db);
  const sample = {
    whole: 2 ** 40,
    real: 1.5,
    words: "naïve 日本 😀\n'\"",
    bytes: new Uint8Array([0, 1, 255]),
    missing: null,
  };
  await db.insertInto("samples").values(sample).execute();
  assertEquals(await db.selectFrom("samples").selectAll().executeTakeFirstOrThrow(), sample);
  await assertRejects(
    () => sql`insert into samples (whole) values (${new Date()})`.execute(db),
    TypeError,
  );
});

testOnEach("a syntax error or a missing table rejects and harms nothing", async (database) => {
  const db = database.kysely<Tables>();
  await assertRejects(() => sql`selekt 1`.execute(db), SQLiteError, "syntax error");
  await assertRejects(() => sql`select * from missing`.execute(db), SQLiteError, "no such table");
  await database.transaction(async (tx) => {
    await insert(tx, "a");
    await assertRejects(() => sql`selekt 1`.execute(tx.kysely()), SQLiteError, "syntax error");
  });
  assertEquals(await texts(db), ["a"]);
});

testOnEach("a changed schema is seen by statements that ran before", async (database) => {
  interface Changing {
    changing: { id: Generated<number>; a?: number; b?: number };
  }
  const db = database.kysely<Changing>();
  const all = (): Promise<unknown> => db.selectFrom("changing").selectAll().execute();
  await assertRejects(all, SQLiteError, "no such table");
  const table = db.schema.createTable("changing").addColumn("id", "integer", (c) => c.primaryKey());
  await table.execute();
  await db.insertInto("changing").defaultValues().execute();
  assertEquals(await all(), [{ id: 1 }]);
  await db.schema
    .alterTable("changing")
    .addColumn("a", "integer", (c) => c.defaultTo(5))
    .execute();
  assertEquals(await all(), [{ id: 1, a: 5 }]);
  await db.transaction().execute(async (trx) => {
    await trx.schema.alterTable("changing").renameColumn("a", "b").execute();
    assertEquals(await all(), [{ id: 1, a: 5 }]);
  });
  assertEquals(await all(), [{ id: 1, b: 5 }]);
  await db.schema.alterTable("changing").dropColumn("b").execute();
  assertEquals(await all(), [{ id: 1 }]);
  await db.schema.dropTable("changing").execute();
  await table.execute();
  assertEquals(await all(), []);
  await db.schema.dropTable("changing").execute();
  await assertRejects(all, SQLiteError, "no such table");
  await db.schema.createTable("other").addColumn("id", "integer").execute();
  await db.schema.alterTable("other").renameTo("changing").execute();
  assertEquals(await all(), []);
});

test("a schema that somebody else has changed is seen too", async () => {
  await using folder = await TemporaryFolder.create();
  await using first = Database.sqlite(folder.file("app.db"));
  await using second = Database.sqlite(folder.file("app.db"));
  await createEntries(first);
  await sql`create table rebuilt (id integer primary key, text text)`.execute(first.kysely());
  await insert(second, "a");
  await first.kysely().schema.dropTable("entries").execute();
  await second.transaction(async (tx) => {
    await tx.kysely().schema.alterTable("rebuilt").renameTo("entries").execute();
  });
  await insert(second, "b");
  assertEquals(await texts(first), ["b"]);
});

testOnEach(
  "destroying a handle leaves the database and its other handles open",
  async (database) => {
    {
      await using db = database.kysely<Tables>();
      await insert(db, "a");
    }
    await database.kysely().destroy();
    using session = database.session();
    await session.kysely().destroy();
    await insert(session, "b");
    assertEquals(await texts(database), ["a", "b"]);
  },
);

testOnEach("plugins hold in transactions too", async (database) => {
  interface CamelTables {
    longNames: { longId: Generated<number>; someText: string };
  }
  const db = database.kysely<CamelTables>().withPlugin(new CamelCasePlugin());
  await sql`create table long_names (long_id integer primary key, some_text text)`.execute(db);
  await db.transaction().execute(async (trx) => {
    await trx.insertInto("longNames").values({ someText: "a" }).execute();
  });
  assertEquals(await db.selectFrom("longNames").selectAll().execute(), [
    { longId: 1, someText: "a" },
  ]);
});

testOnEach("introspection tells the tables", async (database) => {
  const [table] = await database.kysely().introspection.getTables();
  assertEquals(table?.name, "entries");
  assertEquals(
    table?.columns.map((column) => [column.name, column.dataType, column.isNullable]),
    [
      ["id", "INTEGER", true],
      ["text", "TEXT", false],
    ],
  );
});

testOnEach("a statement of more than 64 KB runs", async (database) => {
  const db = database.kysely<Tables>();
  const values = Array.from({ length: 10_000 }, (_, index) => ({ text: `${index}` }));
  await db.insertInto("entries").values(values).execute();
  assertEquals((await texts(db)).length, 10_000);
});
