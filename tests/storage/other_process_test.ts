import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertGreaterOrEqual, assertLess, assertRejects } from "@std/assert";
import { sql } from "kysely";
import { Database, DatabaseBusyError, SessionClosedError } from "../../lib/storage/mod.ts";
import { Child } from "./child.ts";
import { createEntries, insert, type Tables, TemporaryFolder, texts } from "./databases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Lets timers run as often as this, which a blocked event loop wouldn't. */
async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick += 1)
    await new Promise((resolve) => setTimeout(resolve, 1));
}

async function integrity(database: Database): Promise<unknown> {
  return (await sql`pragma integrity_check`.execute(database.kysely())).rows;
}

test("another process's lock is awaited while timers run on and reads go on", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  const settled: string[] = [];
  const waiting = [
    insert(database, "statement").then(() => settled.push("statement")),
    database.transaction((tx) => insert(tx, "transaction")).then(() => settled.push("transaction")),
    database
      .kysely<Tables>()
      .transaction()
      .execute((trx) => insert(trx, "Kysely's transaction"))
      .then(() => settled.push("Kysely's transaction")),
  ];
  await ticks(30);
  assertEquals(await texts(database), []);
  assertEquals(settled, []);
  await holder.order("release");
  await Promise.all(waiting);
  assertEquals((await texts(database)).toSorted(), [
    "Kysely's transaction",
    "statement",
    "transaction",
  ]);
});

test("busyTimeout gives up with DatabaseBusyError, and the next write works", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path, { busyTimeout: 0.05 });
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  await assertRejects(() => insert(database, "a"), DatabaseBusyError, "0.05 seconds");
  const called: string[] = [];
  await assertRejects(
    () =>
      database.transaction(() => {
        called.push("callback");
      }),
    DatabaseBusyError,
  );
  assertEquals(called, []);
  await holder.order("release");
  assertEquals(await texts(database), []);
  await insert(database, "later");
  await database.transaction((tx) => insert(tx, "later still"));
  assertEquals(await texts(database), ["later", "later still"]);
});

test("writes that queue up behind another process's lock give up together", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path, { busyTimeout: 0.5 });
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  const start = performance.now();
  const waiting = Array.from({ length: 30 }, (_, index) =>
    index % 2 === 0
      ? insert(database, `${index}`)
      : database.transaction((tx) => insert(tx, `${index}`)),
  );
  await Promise.all(waiting.map((write) => assertRejects(() => write, DatabaseBusyError)));
  // One after the other they would take 15 seconds.
  assertLess(performance.now() - start, 7_000);
  const late = insert(database, "late");
  await ticks(5);
  await holder.order("release");
  await late;
  assertEquals(await texts(database), ["late"]);
});

test("a write that waits for another process when its session ends is never run", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  const session = database.session();
  const statement = insert(session, "stray");
  const transaction = session.transaction((tx) => insert(tx, "stray too"));
  await ticks(5);
  session[Symbol.dispose]();
  await Promise.all([
    assertRejects(() => statement, SessionClosedError),
    assertRejects(() => transaction, SessionClosedError),
  ]);
  await holder.order("release");
  await insert(database, "later");
  assertEquals(await texts(database), ["later"]);
});

test("a database opens, reads and streams once another process lets it in", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  {
    await using database = Database.sqlite(path);
    await createEntries(database);
    await insert(database, "a");
  }
  for (const mode of ["wal", "delete"]) {
    await using holder = new Child("hold_lock.ts", [path, mode]);
    assertEquals(await holder.line(), "ready");
    await holder.order("lock out");
    await using impatient = Database.sqlite(path, { busyTimeout: 0.02 });
    await assertRejects(() => insert(impatient, "b"), DatabaseBusyError);
    await using database = Database.sqlite(path);
    const rows = database.kysely<Tables>().selectFrom("entries").select("text").stream();
    const first = rows.next();
    const read = texts(database);
    await ticks(5);
    await holder.order("release");
    assertEquals((await first).value, { text: "a" });
    assertEquals(await read, ["a"]);
    assertEquals(await texts(impatient), ["a"]);
  }
});

test("two processes count in one file and lose nothing", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  const db = database.kysely<{ counters: { name: string; value: number } }>();
  await sql`create table counters (name text primary key, value integer)`.execute(db);
  await db
    .insertInto("counters")
    .values([
      { name: "single", value: 0 },
      { name: "transaction", value: 0 },
    ])
    .execute();
  await using first = new Child("count.ts", [path, "1000"]);
  await using second = new Child("count.ts", [path, "1000"]);
  assertEquals([await first.line(), await second.line()], ["ready", "ready"]);
  first.send("go");
  second.send("go");
  assertEquals([await first.line(), await second.line()], ["done", "done"]);
  assertEquals(await db.selectFrom("counters").selectAll().orderBy("name").execute(), [
    { name: "single", value: 2_000 },
    { name: "transaction", value: 2_000 },
  ]);
  assertEquals(await integrity(database), [{ integrity_check: "ok" }]);
});

test("a process killed inside a transaction leaves the file intact and the writer free", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using child = new Child("die_in_transaction.ts", [path]);
  assertEquals(await child.line(), "open");
  const waiting = insert(database, "later");
  child.kill("SIGKILL");
  await child.exited;
  await waiting;
  assertEquals(await texts(database), ["committed", "later"]);
  assertEquals(await integrity(database), [{ integrity_check: "ok" }]);
});

test("a process killed while it writes loses nothing that it had written", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using child = new Child("write_until_killed.ts", [path]);
  let acknowledged = 0;
  while (acknowledged < 300) acknowledged = Number(await child.line());
  child.kill("SIGKILL");
  await child.exited;
  const stored = await texts(database);
  assertGreaterOrEqual(stored.length, acknowledged + 1);
  assertEquals(
    stored,
    stored.map((_text, index) => `${index}`),
  );
  assertEquals(await integrity(database), [{ integrity_check: "ok" }]);
  await insert(database, "later");
});
