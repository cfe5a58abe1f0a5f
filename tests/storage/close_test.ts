import { setDefaultTimeout, test } from "bun:test";
import { copyFile, mkdir, readdir } from "node:fs/promises";
import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Database, DatabaseClosedError, DatabaseOpenError } from "../../lib/storage/mod.ts";
import { Child } from "./child.ts";
import {
  createEntries,
  insert,
  type Tables,
  TemporaryFolder,
  testOnEach,
  texts,
} from "./databases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

testOnEach("a closed database refuses everything", async (database) => {
  using session = database.session();
  const handle = session.kysely<Tables>();
  await database.migrate();
  await database.close();
  await assertRejects(() => texts(database), DatabaseClosedError, "is closed");
  await assertRejects(() => insert(database, "stray"), DatabaseClosedError);
  await assertRejects(() => texts(handle), DatabaseClosedError);
  await assertRejects(() => insert(handle, "stray"), DatabaseClosedError);
  await assertRejects(() => database.transaction(() => {}), DatabaseClosedError);
  await assertRejects(() => session.transaction(() => {}), DatabaseClosedError);
  await assertRejects(
    () => database.kysely<Tables>().startTransaction().execute(),
    DatabaseClosedError,
  );
  await assertRejects(() => database.migrate(), DatabaseClosedError);
  assertThrows(() => session.kysely(), DatabaseClosedError);
});

testOnEach("close() may be called again, also while it is closing", async (database) => {
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const settled: string[] = [];
  const transaction = database.transaction(async () => {
    opened.resolve();
    await gate.promise;
    settled.push("transaction");
  });
  await opened.promise;
  const closing = [
    database.close().then(() => settled.push("close")),
    database.close().then(() => settled.push("close")),
  ];
  await new Promise((resolve) => setTimeout(resolve, 0));
  gate.resolve();
  await Promise.all([transaction, ...closing]);
  assertEquals(settled, ["transaction", "close", "close"]);
  await database.close();
});

test("close() waits for the open transaction, which commits", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const database = Database.sqlite(path);
  await createEntries(database);
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const transaction = database.transaction(async (tx) => {
    await insert(tx, "before");
    opened.resolve();
    await gate.promise;
    await insert(tx, "while closing");
    await tx.transaction((inner) => insert(inner, "savepoint"));
    assertEquals((await texts(tx)).length, 3);
  });
  await opened.promise;
  const waiting = [insert(database, "stray"), database.transaction((tx) => insert(tx, "stray"))];
  const refused = Promise.all(
    waiting.map((write) => assertRejects(() => write, DatabaseClosedError)),
  );
  const closing = database.close();
  await assertRejects(() => texts(database), DatabaseClosedError);
  await assertRejects(() => insert(database, "stray"), DatabaseClosedError);
  gate.resolve();
  await Promise.all([transaction, closing, refused]);
  await using again = Database.sqlite(path);
  assertEquals(await texts(again), ["before", "while closing", "savepoint"]);
});

testOnEach("statements in flight when close() is called run or are refused", async (database) => {
  const outcomes = Array.from({ length: 20 }, async (_, index) => {
    for (let hop = 0; hop < index; hop += 1) await Promise.resolve();
    await texts(database);
    await insert(database, `${index}`);
  });
  for (let hop = 0; hop < 12; hop += 1) await Promise.resolve();
  await database.close();
  for (const outcome of await Promise.allSettled(outcomes)) {
    if (outcome.status === "rejected") assertEquals(outcome.reason.name, "DatabaseClosedError");
  }
});

test("a transaction that begins when close() is called runs whole or is refused", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const committed: string[] = [];
  const start = performance.now();
  for (let hops = 0; hops < 40; hops += 1) {
    const database = Database.sqlite(path);
    if (hops === 0) await createEntries(database);
    await texts(database);
    const transaction = database.transaction(async (tx) => {
      await insert(tx, `${hops}`);
      await insert(tx, `${hops} again`);
      committed.push(`${hops}`, `${hops} again`);
    });
    const outcome = transaction.catch((error: unknown) => {
      assertInstanceOf(error, DatabaseClosedError);
    });
    for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
    await database.close();
    await outcome;
  }
  // One that was begun and left open would have held up close() for 10 seconds.
  assertLess(performance.now() - start, 8_000);
  await using database = Database.sqlite(path);
  assertEquals(await texts(database), committed);
});

test("await using closes the database", async () => {
  let kept: Database;
  {
    await using database = Database.sqlite(":memory:");
    await createEntries(database);
    kept = database;
  }
  await assertRejects(() => texts(kept), DatabaseClosedError);
});

test("close() writes everything into the one file, which can then be copied", async () => {
  await using folder = await TemporaryFolder.create();
  const database = Database.sqlite(folder.file("app.db"));
  await createEntries(database);
  for (const text of ["a", "b"]) await insert(database, text);
  for await (const _row of database.kysely<Tables>().selectFrom("entries").selectAll().stream()) {
    break;
  }
  await assertRejects(() => insert(database, "a"));
  await database.close();
  assertEquals(await readdir(folder.path), ["app.db"]);
  await copyFile(folder.file("app.db"), folder.file("copy.db"));
  await using copy = Database.sqlite(folder.file("copy.db"));
  assertEquals(await texts(copy), ["a", "b"]);
});

test("close() is quiet about a database that couldn't be opened", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("missing/app.db");
  const database = Database.sqlite(path);
  const read = assertRejects(() => texts(database), DatabaseOpenError);
  await database.close();
  await read;
  await mkdir(folder.file("missing"));
  await assertRejects(() => texts(database), DatabaseClosedError);
});

test("two databases in memory know nothing of each other", async () => {
  await using first = Database.sqlite(":memory:");
  await using second = Database.sqlite(":memory:");
  await createEntries(first);
  await createEntries(second);
  await insert(first, "a");
  assertEquals(await texts(second), []);
  await first.close();
  await insert(second, "b");
  assertEquals(await texts(second), ["b"]);
});

test("a folder for temporary files that is missing is a DatabaseOpenError", async () => {
  await using folder = await TemporaryFolder.create();
  await using child = new Child("use_memory.ts", ["open"], {
    env: { TMPDIR: folder.file("missing") },
  });
  assertEquals(await child.line(), "DatabaseOpenError");
});

for (const [ending, code] of Object.entries({ close: 0, end: 0, exit: 3, throw: 1 })) {
  test(`a database in memory leaves no file behind after ${ending}`, async () => {
    await using folder = await TemporaryFolder.create();
    await using child = new Child("use_memory.ts", [ending], {
      env: { TMPDIR: folder.path },
      stderr: ending === "throw" ? "ignore" : "inherit",
    });
    assertEquals(await child.line(), "0 files");
    assertEquals(await child.line(), "1 files");
    if (ending === "close") assertEquals(await child.line(), "0 files");
    assertEquals(await child.exited, code);
    assertEquals(await readdir(folder.path), []);
  });
}
