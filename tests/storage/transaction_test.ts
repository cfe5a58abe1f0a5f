import { SQLiteError } from "bun:sqlite";
import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { sql } from "kysely";
import { Session, SessionClosedError, TransactionLostError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach(
  "session.transaction() commits what its callback wrote, and gives its value",
  async (database) => {
    using session = database.session();
    const value = await session.transaction(async (tx) => {
      assertInstanceOf(tx, Session);
      await insert(tx, "a");
      await insert(tx, "b");
      return { answer: 42 };
    });
    assertEquals(value, { answer: 42 });
    assertEquals(await texts(database), ["a", "b"]);
  },
);

testOnEach("session.transaction() rolls back when its callback throws", async (database) => {
  using session = database.session();
  const failure = new Error("changed my mind");
  const error = await assertRejects(() =>
    session.transaction(async (tx) => {
      await insert(tx, "a");
      throw failure;
    }),
  );
  assertStrictEquals(error, failure);
  assertEquals(await texts(database), []);
  await insert(database, "later");
});

testOnEach("session.transaction() takes a callback that isn't async", async (database) => {
  using session = database.session();
  assertEquals(await session.transaction(() => 1), 1);
  await assertRejects(
    () =>
      session.transaction(() => {
        throw new RangeError("not async");
      }),
    RangeError,
  );
  await insert(database, "later");
});

testOnEach("database.transaction() commits or rolls back as a session's does", async (database) => {
  assertEquals(
    await database.transaction(async (tx) => {
      await insert(tx, "kept");
      return "value";
    }),
    "value",
  );
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await insert(tx, "gone");
        throw new RangeError("no");
      }),
    RangeError,
  );
  assertEquals(await texts(database), ["kept"]);
});

testOnEach(
  "a constraint error leaves the transaction and the connection usable",
  async (database) => {
    await insert(database, "taken");
    await assertRejects(() => insert(database, "taken"), SQLiteError, "UNIQUE");
    await database.transaction(async (tx) => {
      await insert(tx, "a");
      await assertRejects(() => insert(tx, "taken"), SQLiteError, "UNIQUE");
      await insert(tx, "b");
    });
    assertEquals(await texts(database), ["taken", "a", "b"]);
  },
);

testOnEach(
  "a deferred foreign key that fails at COMMIT rolls everything back",
  async (database) => {
    const db = database.kysely<Tables>();
    await sql`create table children (
    parent integer references entries (id) deferrable initially deferred
  )`.execute(db);
    await assertRejects(
      () =>
        database.transaction(async (tx) => {
          await insert(tx, "a");
          await sql`insert into children values (99)`.execute(tx.kysely());
        }),
      SQLiteError,
      "FOREIGN KEY",
    );
    assertEquals(await texts(database), []);
    await insert(database, "later");
  },
);

testOnEach("ON CONFLICT ROLLBACK loses the whole transaction", async (database) => {
  await insert(database, "taken");
  const replace = sql`insert or rollback into entries (text) values ('taken')`;
  const error = await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await insert(tx, "gone");
        await replace.execute(tx.kysely());
      }),
    TransactionLostError,
  );
  assertInstanceOf(error.cause, SQLiteError);
  assertEquals(await texts(database), ["taken"]);
  await insert(database, "later");
});

testOnEach(
  "a callback that swallows the error which lost its transaction writes nothing more",
  async (database) => {
    await insert(database, "taken");
    const over = Promise.withResolvers<void>();
    await assertRejects(
      () =>
        database.transaction(async (tx) => {
          await sql`insert or rollback into entries (text) values ('taken')`
            .execute(tx.kysely())
            .catch((error: unknown) => assertInstanceOf(error, SQLiteError));
          await assertRejects(() => insert(tx, "stray"), TransactionLostError);
          over.resolve();
        }),
      TransactionLostError,
    );
    await over.promise;
    assertEquals(await texts(database), ["taken"]);
  },
);

testOnEach("a trigger's RAISE(ROLLBACK) loses the transaction of Kysely too", async (database) => {
  const db = database.kysely<Tables>();
  await sql`create trigger no_stray before insert on entries when new.text = 'stray'
    begin select raise(rollback, 'no strays'); end`.execute(db);
  const error = await assertRejects(
    () =>
      db.transaction().execute(async (trx) => {
        await insert(trx, "gone");
        await insert(trx, "stray");
      }),
    TransactionLostError,
  );
  assertInstanceOf(error.cause, SQLiteError);
  assertStringIncludes(error.cause.message, "no strays");
  assertEquals(await texts(db), []);
  await insert(db, "later");
});

testOnEach(
  "a statement that comes after its transaction's callback is never run",
  async (database) => {
    const gate = Promise.withResolvers<void>();
    const late: Promise<void>[] = [];
    await database.transaction(async (tx) => {
      const handle = tx.kysely<Tables>();
      late.push(gate.promise.then(() => insert(tx, "late")));
      late.push(gate.promise.then(() => insert(handle, "late by a handle")));
    });
    gate.resolve();
    await Promise.all(late.map((statement) => assertRejects(() => statement, SessionClosedError)));
    assertEquals(await texts(database), []);
  },
);

testOnEach("a statement that isn't awaited is in the transaction or refused", async (database) => {
  const marker = new Error("roll back");
  const late: Promise<unknown>[] = [];
  for (let hops = 0; hops < 30; hops += 1) {
    const outcome = database.transaction(async (tx) => {
      late.push(
        insert(tx, `${hops}`).catch((error: unknown) =>
          assertInstanceOf(error, SessionClosedError),
        ),
      );
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      throw marker;
    });
    assertStrictEquals(await assertRejects(() => outcome), marker);
  }
  await Promise.all(late);
  assertEquals(await texts(database), []);
});
