import { SQLiteError } from "bun:sqlite";
import { assertEquals, assertRejects } from "@std/assert";
import { sql } from "kysely";
import {
  type Database,
  type Session,
  TransactionLostError,
  TransactionTimeoutError,
} from "../../lib/storage/mod.ts";
import { insert, testOnEach, texts } from "./databases.ts";

/** What was called after a commit, in order. */
class Calls {
  readonly all: string[] = [];

  after(session: Session, name: string): void {
    session.afterCommit(() => this.all.push(name));
  }
}

/** A transaction that fails with a RangeError, after what `fn` does. */
async function fail(
  on: Database | Session,
  fn: (tx: Session) => void | Promise<void>,
): Promise<void> {
  await assertRejects(
    () =>
      on.transaction(async (tx) => {
        await fn(tx);
        throw new RangeError("no");
      }),
    RangeError,
  );
}

testOnEach("outside a transaction afterCommit() calls at once", async (database) => {
  const calls = new Calls();
  using session = database.session();
  calls.after(session, "a");
  assertEquals(calls.all, ["a"]);
});

testOnEach("in a transaction afterCommit() calls once that has committed", async (database) => {
  const calls = new Calls();
  let seen: Promise<string[]> | undefined;
  await database.transaction(async (tx) => {
    tx.afterCommit(() => {
      // A reader sees what was written.
      seen = texts(database);
    });
    for (const name of ["a", "b"]) calls.after(tx, name);
    await insert(tx, "entry");
    assertEquals(calls.all, []);
  });
  assertEquals(calls.all, ["a", "b"]);
  assertEquals(await seen, ["entry"]);
});

testOnEach("in a transaction within one it waits for the outermost", async (database) => {
  const calls = new Calls();
  await database.transaction(async (tx) => {
    await tx.transaction(async (inner) => {
      calls.after(inner, "a");
      await inner.transaction((innermost) => calls.after(innermost, "b"));
    });
    await tx.unit(() => calls.after(tx, "c"));
    assertEquals(calls.all, []);
  });
  assertEquals(calls.all, ["a", "b", "c"]);
});

testOnEach("afterCommit() calls nothing after a rollback", async (database) => {
  const calls = new Calls();
  await fail(database, async (tx) => {
    calls.after(tx, "outer");
    await tx.transaction((inner) => calls.after(inner, "inner"));
  });
  await insert(database, "later");
  assertEquals(calls.all, []);
});

testOnEach("afterCommit() calls nothing where the COMMIT fails", async (database) => {
  const calls = new Calls();
  await sql`create table children (
    parent integer references entries (id) deferrable initially deferred
  )`.execute(database.kysely());
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        calls.after(tx, "a");
        await sql`insert into children values (99)`.execute(tx.kysely());
      }),
    SQLiteError,
    "FOREIGN KEY",
  );
  assertEquals(calls.all, []);
});

testOnEach("afterCommit() calls nothing where an error lost it all", async (database) => {
  const calls = new Calls();
  await insert(database, "taken");
  const replace = sql`insert or rollback into entries (text) values ('taken')`;
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        calls.after(tx, "a");
        await replace.execute(tx.kysely());
      }),
    TransactionLostError,
  );
  assertEquals(calls.all, []);
});

testOnEach(
  "afterCommit() calls nothing after a time-out",
  async (database) => {
    const calls = new Calls();
    const { promise, resolve } = Promise.withResolvers<void>();
    await assertRejects(
      () =>
        database.transaction((tx) => {
          calls.after(tx, "a");
          return promise;
        }),
      TransactionTimeoutError,
    );
    resolve();
    await insert(database, "later");
    assertEquals(calls.all, []);
  },
  { transactionTimeout: 0.05 },
);

testOnEach("afterCommit() calls nothing of what was rolled back alone", async (database) => {
  const calls = new Calls();
  await database.transaction(async (tx) => {
    calls.after(tx, "before");
    await fail(tx, async (inner) => {
      calls.after(inner, "gone");
      await inner.transaction((innermost) => calls.after(innermost, "gone too"));
    });
    calls.after(tx, "after");
  });
  assertEquals(calls.all, ["before", "after"]);
});
