import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Database, TransactionTimeoutError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

const options = { transactionTimeout: 0.05 };
const never = new Promise<never>(() => {});

testOnEach(
  "transactionTimeout rolls back a transaction whose callback hangs",
  async (database) => {
    await assertRejects(
      () =>
        database.transaction(async (tx) => {
          await insert(tx, "gone");
          await never;
        }),
      TransactionTimeoutError,
      "0.05 seconds",
    );
    assertEquals(await texts(database), []);
    await insert(database, "later");
    await database.transaction((tx) => insert(tx, "later still"));
    assertEquals(await texts(database), ["later", "later still"]);
  },
  options,
);

testOnEach(
  "a callback that goes on after transactionTimeout writes nothing more",
  async (database) => {
    using session = database.session();
    const gate = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const transaction = session.transaction(async (tx) => {
      const handle = tx.kysely<Tables>();
      await insert(tx, "gone");
      await gate.promise;
      await assertRejects(() => insert(handle, "stray"), TransactionTimeoutError);
      await assertRejects(() => texts(handle), TransactionTimeoutError);
      await assertRejects(async () => tx.kysely(), TransactionTimeoutError);
      await assertRejects(() => tx.transaction(() => {}), TransactionTimeoutError);
      over.resolve();
    });
    await assertRejects(() => transaction, TransactionTimeoutError);
    await insert(session, "later");
    gate.resolve();
    await over.promise;
    assertEquals(await texts(database), ["later"]);
  },
  options,
);

testOnEach(
  "transactionTimeout ends a savepoint with its transaction",
  async (database) => {
    const inner = Promise.withResolvers<unknown>();
    await assertRejects(
      () =>
        database.transaction(async (tx) => {
          await insert(tx, "gone");
          const savepoint = tx.transaction(async (second) => {
            await insert(second, "gone too");
            await never;
          });
          savepoint.catch(inner.resolve);
          await savepoint;
        }),
      TransactionTimeoutError,
    );
    await assertRejects(async () => {
      throw await inner.promise;
    }, TransactionTimeoutError);
    assertEquals(await texts(database), []);
  },
  options,
);

testOnEach(
  "transactionTimeout holds for Kysely's transaction() whose callback hangs",
  async (database) => {
    using session = database.session();
    for (const db of [database.kysely<Tables>(), session.kysely<Tables>()]) {
      await assertRejects(
        () =>
          db.transaction().execute(async (trx) => {
            await insert(trx, "gone");
            await never;
          }),
        TransactionTimeoutError,
      );
      assertEquals(await texts(db), []);
    }
    await insert(database, "later");
  },
  options,
);

testOnEach(
  "a callback of Kysely's transaction() that goes on after transactionTimeout writes nothing more",
  async (database) => {
    const db = database.kysely<Tables>();
    const gate = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const transaction = db.transaction().execute(async (trx) => {
      await insert(trx, "gone");
      await gate.promise;
      await assertRejects(() => insert(trx, "stray"), TransactionTimeoutError);
      await assertRejects(() => texts(trx), TransactionTimeoutError);
      over.resolve();
    });
    await assertRejects(() => transaction, TransactionTimeoutError);
    await insert(db, "later");
    gate.resolve();
    await over.promise;
    assertEquals(await texts(db), ["later"]);
  },
  options,
);

testOnEach(
  "a callback of Kysely's connection() that goes on after transactionTimeout writes nothing more",
  async (database) => {
    const gate = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const connection = database
      .kysely<Tables>()
      .connection()
      .execute(async (db) => {
        await db
          .transaction()
          .execute(async (trx) => {
            await gate.promise;
            await insert(trx, "stray");
          })
          .catch(() => {});
        await assertRejects(() => insert(db, "stray"), TransactionTimeoutError);
        await assertRejects(
          () => db.transaction().execute((trx) => insert(trx, "stray")),
          TransactionTimeoutError,
        );
        over.resolve();
      });
    await assertRejects(() => connection, TransactionTimeoutError);
    gate.resolve();
    await over.promise;
    assertEquals(await texts(database), []);
  },
  options,
);

testOnEach(
  "transactionTimeout frees the writer of a controlled transaction that nobody ends",
  async (database) => {
    const db = database.kysely<Tables>();
    const trx = await db.startTransaction().execute();
    await insert(trx, "gone");
    await insert(db, "waited for the time-out");
    await assertRejects(() => insert(trx, "stray"), TransactionTimeoutError);
    await assertRejects(() => trx.commit().execute(), TransactionTimeoutError);
    await trx.rollback().execute();
    assertEquals(await texts(db), ["waited for the time-out"]);
  },
  options,
);

testOnEach(
  "transactionTimeout counts from the transaction's beginning, not from its turn in the queue",
  async (database) => {
    const first = database.transaction(() => never);
    const second = database.transaction(() => never);
    const third = database.transaction((tx) => insert(tx, "third"));
    await Promise.all([
      assertRejects(() => first, TransactionTimeoutError),
      assertRejects(() => second, TransactionTimeoutError),
      third,
    ]);
    assertEquals(await texts(database), ["third"]);
  },
  options,
);

for (const option of ["transactionTimeout", "busyTimeout"]) {
  test(`Database.sqlite() refuses a ${option} that is no positive number of seconds`, () => {
    for (const seconds of [0, -1, NaN, Infinity, 3_000_000]) {
      assertThrows(
        () => Database.sqlite(":memory:", { [option]: seconds }),
        RangeError,
        `Cannot use ${seconds} as ${option}`,
      );
    }
  });
}
