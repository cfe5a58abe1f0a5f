import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { CompiledQuery, sql } from "kysely";
import {
  Database,
  MultipleStatementsError,
  TransactionStatementError,
} from "../../lib/storage/mod.ts";
import { insert, type Tables, TemporaryFolder, testOnEach, texts } from "./databases.ts";

const TRANSACTION_STATEMENTS = [
  "begin",
  "BEGIN IMMEDIATE",
  "  -- now\n/* really */ ; Begin exclusive transaction",
  "commit",
  "end transaction",
  "rollback",
];

testOnEach("a raw statement that begins or ends a transaction is refused", async (database) => {
  const db = database.kysely<Tables>();
  for (const text of [...TRANSACTION_STATEMENTS, "savepoint mine"]) {
    await assertRejects(() => sql.raw(text).execute(db), TransactionStatementError, text.trim());
    await insert(db, text);
    assertEquals((await texts(db)).at(-1), text);
  }
});

testOnEach(
  "inside a transaction it is refused too, and the transaction goes on",
  async (database) => {
    for (const text of TRANSACTION_STATEMENTS) {
      await database.transaction(async (tx) => {
        await insert(tx, text);
        await assertRejects(
          () => sql.raw(text).execute(tx.kysely()),
          TransactionStatementError,
          text.trim(),
        );
        assertEquals((await texts(database)).includes(text), false);
        await insert(tx, `after ${text}`);
      });
    }
    assertEquals((await texts(database)).length, 2 * TRANSACTION_STATEMENTS.length);
  },
);

testOnEach("inside a transaction raw savepoints work", async (database) => {
  await database.transaction(async (tx) => {
    const run = (text: string) => sql.raw(text).execute(tx.kysely());
    await run("savepoint mine");
    await insert(tx, "gone");
    await run("rollback transaction to savepoint mine");
    await insert(tx, "kept");
    await run("release mine");
  });
  assertEquals(await texts(database), ["kept"]);
});

testOnEach("several statements in one text are refused before the first runs", async (database) => {
  const db = database.kysely<Tables>();
  const several = [
    "insert into entries (text) values ('a'); insert into entries (text) values ('b')",
    "create table one (x); create table two (x)",
    "select 1; delete from entries",
    "insert into entries (text) values ('a;b') -- c;\n; /* d */ select 'e'",
    `create trigger t after insert on entries begin select 1; select 2; end; select 3`,
  ];
  for (const text of several) {
    await assertRejects(() => sql.raw(text).execute(db), MultipleStatementsError);
    await database.transaction(async (tx) => {
      await assertRejects(() => sql.raw(text).execute(tx.kysely()), MultipleStatementsError);
    });
  }
  const select = CompiledQuery.raw("select ?, '?;', ?2, :x; select 2", ["a", "b", "c"]);
  await assertRejects(() => db.executeQuery(select), MultipleStatementsError, '"select 2" follows');
  assertEquals(await texts(db), []);
  const tables = await db.introspection.getTables();
  assertEquals(
    tables.map((table) => table.name),
    ["entries"],
  );
});

testOnEach(
  "semicolons in strings, names, comments and triggers are no second statement",
  async (database) => {
    const db = database.kysely<Tables>();
    const single = [
      "insert into entries (text) values ('a; b'); -- and; done",
      "insert into entries (text) values ('it''s; c') /* ; ; */ ; ;\n",
      `create table "odd; name" ([a; b] text, \`c; d\` text)`,
      `create trigger copy after insert on entries when new.text = 'd'
      begin insert into entries (text) values ('e; f'); update entries set text = text; end`,
      "; insert into entries (text) values ('d')",
    ];
    for (const text of single) await sql.raw(text).execute(db);
    await database.transaction(async (tx) => {
      await sql`insert into entries (text) values (${"g"}) /* ; h */`.execute(tx.kysely());
    });
    assertEquals(await texts(db), ["a; b", "it's; c", "d", "e; f", "g"]);
  },
);

testOnEach("a stream of several statements is refused", async (database) => {
  const db = database.kysely<Tables>();
  const rows = db
    .selectFrom("entries")
    .select(sql<string>`text from entries; select text`.as("text"))
    .stream();
  await assertRejects(() => rows.next(), MultipleStatementsError);
});

testOnEach("a setting holds for writes and reads", async (database) => {
  const db = database.kysely<Tables>();
  await sql`create table children (parent integer references entries (id))`.execute(db);
  await sql`pragma foreign_keys = off`.execute(db);
  await sql`insert into children values (99)`.execute(db);
  await sql`pragma foreign_keys = on`.execute(db);
  await assertRejects(() => sql`insert into children values (98)`.execute(db));
  const size = sql<{ cache_size: number }>`pragma cache_size`;
  for (const value of [-1234, -99, -1234, -99]) {
    await sql.raw(`pragma cache_size = ${value}`).execute(db);
    assertEquals((await size.execute(db)).rows, [{ cache_size: value }]);
    await database.transaction(async (tx) => {
      assertEquals((await size.execute(tx.kysely())).rows, [{ cache_size: value }]);
    });
  }
  const { rows } = await sql`pragma foreign_keys`.execute(db);
  assertEquals(rows, [{ foreign_keys: 1 }]);
});

testOnEach("a setting that writes to the file is written once", async (database) => {
  const db = database.kysely<Tables>();
  // What it says changes whenever another connection has written.
  const foreignWrites = () =>
    database.transaction(async (tx) => {
      const version = sql<{ data_version: number }>`pragma data_version`;
      return (await version.execute(tx.kysely())).rows[0]?.data_version;
    });
  const before = await foreignWrites();
  await sql`pragma user_version = 7`.execute(db);
  assertEquals((await sql`pragma user_version`.execute(db)).rows, [{ user_version: 7 }]);
  assertEquals(await foreignWrites(), before);
});

testOnEach(
  "switching foreign keys inside a transaction is refused, since SQLite ignores it",
  async (database) => {
    await database.transaction(async (tx) => {
      await assertRejects(
        () => sql`PRAGMA foreign_keys = off`.execute(tx.kysely()),
        TransactionStatementError,
        "disableTransactions",
      );
      assertEquals((await sql`PRAGMA foreign_keys`.execute(tx.kysely())).rows, [
        { foreign_keys: 1 },
      ]);
    });
  },
);

test("an attached file can be written and read", async () => {
  await using folder = await TemporaryFolder.create();
  await using database = Database.sqlite(folder.file("app.db"));
  const db = database.kysely();
  await sql`attach ${folder.file("other.db")} as other`.execute(db);
  await sql`create table other.notes (text)`.execute(db);
  await sql`insert into other.notes values ('a')`.execute(db);
  assertEquals((await sql`select text from other.notes`.execute(db)).rows, [{ text: "a" }]);
  await sql`detach other`.execute(db);
  await assertRejects(() => sql`select text from other.notes`.execute(db), Error, "no such table");
});
