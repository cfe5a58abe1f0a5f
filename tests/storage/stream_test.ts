import { SQLiteError } from "bun:sqlite";
import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { type Kysely, sql } from "kysely";
import { Database, DatabaseClosedError } from "../../lib/storage/mod.ts";
import {
  createEntries,
  insert,
  type Tables,
  TemporaryFolder,
  testOnEach,
  texts,
} from "./databases.ts";

function stream(db: Kysely<Tables>): AsyncIterableIterator<{ text: string }> {
  return db.selectFrom("entries").select("text").orderBy("id").stream();
}

/** Whether some connection still reads an older state of the file. */
async function heldBack(database: Database): Promise<boolean> {
  const checkpoint = sql<{ busy: number }>`pragma wal_checkpoint(truncate)`;
  return (await checkpoint.execute(database.kysely())).rows[0]?.busy === 1;
}

testOnEach(
  "stream() gives the rows one by one, of the state at its beginning",
  async (database) => {
    const db = database.kysely<Tables>();
    for (const text of ["a", "b", "c"]) await insert(db, text);
    const seen: string[] = [];
    for await (const { text } of stream(db)) {
      seen.push(text);
      await insert(db, `${text}2`);
    }
    assertEquals(seen, ["a", "b", "c"]);
    assertEquals(await texts(db), ["a", "b", "c", "a2", "b2", "c2"]);
  },
);

testOnEach("stream() reads no further than its consumer", async (database) => {
  const db = database.kysely<Tables>();
  const numbers = sql<{ n: number }>`(
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 1000000000000)
    select n from numbers
  )`.as("numbers");
  let count = 0;
  for await (const { n } of db.selectFrom(numbers).select("numbers.n").stream()) {
    count += 1;
    if (n === 5_000) break;
  }
  assertEquals(count, 5_000);
});

testOnEach("a stream that is abandoned half-way lets go of the file", async (database) => {
  const db = database.kysely<Tables>();
  for (const text of ["a", "b", "c"]) await insert(db, text);
  for await (const _row of stream(db)) {
    await insert(db, "d");
    assertEquals(await heldBack(database), true);
    break;
  }
  assertEquals(await heldBack(database), false);
  await assertRejects(async () => {
    for await (const _row of stream(db)) throw new RangeError("consumer");
  }, RangeError);
  await insert(db, "e");
  assertEquals(await heldBack(database), false);
});

testOnEach(
  "a stream that fails rejects with the error and lets go of the file",
  async (database) => {
    const db = database.kysely<Tables>();
    for (const text of ["1", "2", "{"]) await insert(db, text);
    const parsed = sql<string>`json(text)`.as("parsed");
    const seen: string[] = [];
    await assertRejects(
      async () => {
        const rows = db.selectFrom("entries").select(parsed).orderBy("id").stream();
        for await (const row of rows) seen.push(row.parsed);
      },
      SQLiteError,
      "malformed JSON",
    );
    assertEquals(seen, ["1", "2"]);
    await insert(db, "later");
    assertEquals(await heldBack(database), false);
    await assertRejects(
      () => sql<never>`selekt`.execute(db).then(() => stream(db).next()),
      SQLiteError,
    );
  },
);

testOnEach("a stream of what a write returns writes once", async (database) => {
  const db = database.kysely<Tables>();
  const seen: number[] = [];
  const rows = db
    .insertInto("entries")
    .values([{ text: "a" }, { text: "b" }])
    .returning("id")
    .stream();
  for await (const row of rows) seen.push(row.id);
  assertEquals(seen, [1, 2]);
  assertEquals(await texts(db), ["a", "b"]);
});

testOnEach(
  "a stream inside a transaction sees what was written, and may be abandoned",
  async (database) => {
    await insert(database, "before");
    await database.transaction(async (tx) => {
      const db = tx.kysely<Tables>();
      for (const text of ["a", "b"]) await insert(tx, text);
      const seen: string[] = [];
      for await (const { text } of stream(db)) {
        seen.push(text);
        await insert(tx, `${text}2`);
      }
      assertEquals(seen, ["before", "a", "b"]);
      for await (const _row of stream(db)) break;
      await db.schema.createTable("made_after").addColumn("id", "integer").execute();
    });
    assertEquals(await texts(database), ["before", "a", "b", "before2", "a2", "b2"]);
  },
);

testOnEach("a stream inside Kysely's transaction() may fail and be abandoned", async (database) => {
  const db = database.kysely<Tables>();
  await db.transaction().execute(async (trx) => {
    await insert(trx, "{");
    await insert(trx, "b");
    for await (const _row of stream(trx)) break;
    const parsed = sql<string>`json(text)`.as("parsed");
    await assertRejects(
      async () => {
        for await (const _row of trx.selectFrom("entries").select(parsed).stream());
      },
      SQLiteError,
      "malformed JSON",
    );
    await insert(trx, "c");
  });
  assertEquals(await texts(db), ["{", "b", "c"]);
});

testOnEach("close() ends a stream in progress", async (database) => {
  const db = database.kysely<Tables>();
  for (const text of ["a", "b", "c"]) await insert(db, text);
  const rows = stream(db);
  assertEquals((await rows.next()).value, { text: "a" });
  await database.close();
  await assertRejects(() => rows.next(), DatabaseClosedError);
  await assertRejects(() => stream(db).next(), DatabaseClosedError);
});

test("a stream finds a file with a relative path after the working directory has changed", async () => {
  await using folder = await TemporaryFolder.create();
  const before = process.cwd();
  process.chdir(folder.path);
  try {
    await using database = Database.sqlite("app.db");
    await createEntries(database);
    await insert(database, "a");
    process.chdir(before);
    assertEquals((await stream(database.kysely<Tables>()).next()).value, { text: "a" });
  } finally {
    process.chdir(before);
  }
});
