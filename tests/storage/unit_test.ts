import { SQLiteError } from "bun:sqlite";
import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { sql } from "kysely";
import {
  Database,
  DatabaseBusyError,
  DatabaseClosedError,
  NestedWriteError,
  SessionClosedError,
  type Statements,
  TransactionLostError,
  TransactionTimeoutError,
} from "../../lib/storage/mod.ts";
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

/** Inserts an entry, and gives its row. */
async function add(
  on: Database,
  tx: Statements,
  text: string,
): Promise<{ id: number; text: string } | undefined> {
  const query = on.kysely<Tables>().insertInto("entries").values({ text }).returningAll();
  const [row] = await tx.all(query.compile());
  return row;
}

/** Resolves when all has happened that needs no event from outside. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

testOnEach("unit() commits its statements together, and gives its value", async (database) => {
  const value = await database.unit(async (tx) => {
    assertEquals(await add(database, tx, "a"), { id: 1, text: "a" });
    assertEquals(await texts(database), []);
    assertEquals(await add(database, tx, "b"), { id: 2, text: "b" });
    return 7;
  });
  assertEquals(value, 7);
  assertEquals(await texts(database), ["a", "b"]);
});

testOnEach("unit() commits nothing where its work throws", async (database) => {
  const failure = new RangeError("no");
  const error = await assertRejects(() =>
    database.unit(async (tx) => {
      await add(database, tx, "gone");
      throw failure;
    }),
  );
  assertStrictEquals(error, failure);
  await assertRejects(
    () =>
      database.unit(() => {
        throw new TypeError("not async");
      }),
    TypeError,
  );
  assertEquals(await texts(database), []);
  assertEquals(await database.unit(() => "not async"), "not async");
  await insert(database, "later");
});

testOnEach("unit() commits nothing where a statement fails", async (database) => {
  await insert(database, "taken");
  await assertRejects(
    () =>
      database.unit(async (tx) => {
        await add(database, tx, "gone");
        await add(database, tx, "taken");
      }),
    SQLiteError,
    "UNIQUE",
  );
  await database.unit((tx) => add(database, tx, "later"));
  assertEquals(await texts(database), ["taken", "later"]);
});

testOnEach("unit() rolls back where its COMMIT fails", async (database) => {
  await sql`create table children (
    parent integer references entries (id) deferrable initially deferred
  )`.execute(database.kysely());
  const orphan = sql`insert into children values (99)`.compile(database.kysely());
  await assertRejects(() => database.unit((tx) => tx.all(orphan)), SQLiteError, "FOREIGN KEY");
  await database.unit((tx) => add(database, tx, "later"));
  assertEquals(await texts(database), ["later"]);
});

testOnEach("units queue up, with other writes, in the order of their calls", async (database) => {
  const order: string[] = [];
  const unit = (name: string) =>
    database.unit(async (tx) => {
      order.push(`${name} begins`);
      await settled();
      await add(database, tx, name);
      order.push(`${name} ends`);
    });
  await Promise.all([
    unit("a"),
    unit("b"),
    insert(database, "statement"),
    database.transaction((tx) => insert(tx, "transaction")),
    unit("c"),
  ]);
  assertEquals(order, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  const written = await texts(database);
  assertEquals(written.toSorted(), ["a", "b", "c", "statement", "transaction"]);
});

testOnEach("unit() waits for an open transaction", async (database) => {
  const isOpen = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const transaction = database.transaction(async (tx) => {
    isOpen.resolve();
    await end.promise;
    await insert(tx, "a");
  });
  await isOpen.promise;
  const unit = database.unit((tx) => add(database, tx, "b"));
  await settled();
  assertEquals(await texts(database), []);
  end.resolve();
  await Promise.all([transaction, unit]);
  assertEquals(await texts(database), ["a", "b"]);
});

testOnEach("unit() refuses to wait for the transaction around it", async (database) => {
  await database.transaction(async (tx) => {
    await assertRejects(() => database.unit(() => {}), NestedWriteError);
    assertThrows(() => database.refuseNested(), NestedWriteError);
    using session = database.session();
    await assertRejects(() => session.unit(() => {}), NestedWriteError);
    await tx.unit((statements) => add(database, statements, "a"));
  });
  database.refuseNested();
  assertEquals(await texts(database), ["a"]);
});

testOnEach("refuseNested() refuses inside the transaction, while it is open", async (database) => {
  const isOpen = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const hasEnded = Promise.withResolvers<void>();
  let later: Promise<void> | undefined;
  const transaction = database.transaction(async () => {
    later = hasEnded.promise.then(() => database.refuseNested());
    assertThrows(() => database.refuseNested(), NestedWriteError);
    isOpen.resolve();
    await end.promise;
  });
  await isOpen.promise;
  database.refuseNested();
  end.resolve();
  await transaction;
  hasEnded.resolve();
  await later;
});

testOnEach("a session's unit() is a unit of its own", async (database) => {
  using session = database.session();
  await session.unit((tx) => add(database, tx, "a"));
  assertEquals(await texts(database), ["a"]);
  await assertRejects(
    () =>
      session.unit(async (tx) => {
        await add(database, tx, "gone");
        throw new RangeError("no");
      }),
    RangeError,
  );
  assertEquals(await texts(database), ["a"]);
});

testOnEach("a session that has ended refuses a unit", async (database) => {
  const session = database.session();
  session[Symbol.dispose]();
  let called = false;
  const call = () => {
    called = true;
  };
  await assertRejects(() => session.unit(call), SessionClosedError);
  const kept = await database.transaction((tx) => tx);
  await assertRejects(() => kept.unit(call), SessionClosedError);
  assertEquals(called, false);
});

testOnEach("a session that ends while its unit waits refuses it", async (database) => {
  const session = database.session();
  let called = false;
  const first = database.unit(settled);
  const waiting = session.unit(() => {
    called = true;
  });
  session[Symbol.dispose]();
  await assertRejects(() => waiting, SessionClosedError);
  await first;
  assertEquals(called, false);
  await insert(database, "later");
});

testOnEach("close() waits for a unit, and refuses later ones", async (database) => {
  let hasEnded = false;
  const unit = database.unit(async (tx) => {
    await settled();
    await add(database, tx, "a");
    hasEnded = true;
  });
  // It has begun by now.
  await database.kysely<Tables>().selectFrom("entries").selectAll().execute();
  const closing = database.close();
  await assertRejects(() => database.unit(() => {}), DatabaseClosedError);
  await closing;
  assert(hasEnded);
  await unit;
  await assertRejects(() => database.unit(() => {}), DatabaseClosedError);
});

testOnEach("within a transaction a unit commits or vanishes with it", async (database) => {
  await database.transaction(async (tx) => {
    assertEquals(await tx.unit((statements) => add(database, statements, "a")), {
      id: 1,
      text: "a",
    });
    assertEquals(await texts(tx), ["a"]);
    assertEquals(await texts(database), []);
  });
  assertEquals(await texts(database), ["a"]);
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await tx.unit((statements) => add(database, statements, "gone"));
        throw new RangeError("no");
      }),
    RangeError,
  );
  assertEquals(await texts(database), ["a"]);
});

testOnEach("within a transaction a unit that fails rolls back alone", async (database) => {
  await database.transaction(async (tx) => {
    await insert(tx, "a");
    await assertRejects(
      () =>
        tx.unit(async (statements) => {
          await add(database, statements, "gone");
          await add(database, statements, "a");
        }),
      SQLiteError,
      "UNIQUE",
    );
    await tx.transaction(async (inner) => {
      await inner.unit((statements) => add(database, statements, "b"));
      await assertRejects(
        () =>
          inner.unit(async (statements) => {
            await add(database, statements, "gone too");
            throw new RangeError("no");
          }),
        RangeError,
      );
    });
    await insert(tx, "c");
  });
  assertEquals(await texts(database), ["a", "b", "c"]);
});

testOnEach("what bypasses a unit within a transaction is refused", async (database) => {
  await database.transaction(async (tx) => {
    await tx.unit(async (statements) => {
      await assertRejects(() => insert(tx, "bypasses"), NestedWriteError);
      await assertRejects(() => tx.unit(() => {}), NestedWriteError);
      await add(database, statements, "a");
    });
  });
  assertEquals(await texts(database), ["a"]);
});

testOnEach("a unit loses the transaction around it with an error that does", async (database) => {
  await insert(database, "taken");
  const replace = sql`insert or rollback into entries (text) values ('taken')`;
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await insert(tx, "gone");
        await tx.unit((statements) => statements.all(replace.compile(tx.kysely())));
      }),
    TransactionLostError,
  );
  await database.unit((tx) => add(database, tx, "later"));
  assertEquals(await texts(database), ["taken", "later"]);
});

testOnEach(
  "a unit can write no more once its transaction has timed out",
  async (database) => {
    const timedOut = Promise.withResolvers<void>();
    let unit: Promise<unknown> | undefined;
    await assertRejects(
      () =>
        database.transaction(async (tx) => {
          unit = tx.unit(async (statements) => {
            await add(database, statements, "gone");
            await timedOut.promise;
            await add(database, statements, "gone too");
          });
          await unit;
        }),
      TransactionTimeoutError,
    );
    timedOut.resolve();
    await assertRejects(async () => await unit, TransactionTimeoutError);
    assertEquals(await texts(database), []);
  },
  { transactionTimeout: 0.05 },
);

test("unit() waits for another process's lock while timers run on", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  let isWritten = false;
  const unit = database
    .unit((tx) => add(database, tx, "a"))
    .then(() => {
      isWritten = true;
    });
  for (let tick = 0; tick < 20; tick += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(isWritten, false);
  await holder.order("release");
  await unit;
  assertEquals(await texts(database), ["a"]);
});

test("unit() gives up waiting after busyTimeout, before its work has begun", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path, { busyTimeout: 0.05 });
  await createEntries(database);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  let called = false;
  const unit = () =>
    database.unit(() => {
      called = true;
    });
  await assertRejects(unit, DatabaseBusyError, "0.05 seconds");
  assertEquals(called, false);
  await holder.order("release");
  await unit();
  assertEquals(called, true);
});
