import { SQLiteError } from "bun:sqlite";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { sql } from "kysely";
import { SessionClosedError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach("Kysely's transaction() commits or rolls back", async (database) => {
  const db = database.kysely<Tables>();
  const value = await db.transaction().execute(async (trx) => {
    await insert(trx, "kept");
    assertEquals(await texts(trx), ["kept"]);
    assertEquals(await texts(db), []);
    return 3;
  });
  assertEquals(value, 3);
  const failure = new Error("no");
  const error = await assertRejects(() =>
    db.transaction().execute(async (trx) => {
      await insert(trx, "gone");
      throw failure;
    }),
  );
  assertStrictEquals(error, failure);
  assertEquals(await texts(db), ["kept"]);
});

testOnEach("Kysely's transaction() delays other writes, not reads", async (database) => {
  const db = database.kysely<Tables>();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const transaction = db.transaction().execute(async (trx) => {
    await insert(trx, "first");
    opened.resolve();
    await gate.promise;
  });
  await opened.promise;
  const second = insert(db, "second");
  assertEquals(await texts(db), []);
  gate.resolve();
  await Promise.all([transaction, second]);
  assertEquals(await texts(db), ["first", "second"]);
});

testOnEach("startTransaction() commits or rolls back by hand", async (database) => {
  const db = database.kysely<Tables>();
  const first = await db.startTransaction().execute();
  await insert(first, "gone");
  await first.rollback().execute();
  assert(first.isRolledBack);
  const second = await db.startTransaction().execute();
  await insert(second, "kept");
  assertEquals(await texts(db), []);
  await second.commit().execute();
  assert(second.isCommitted);
  await assertRejects(() => insert(second, "late"));
  await insert(db, "later");
  assertEquals(await texts(db), ["kept", "later"]);
});

testOnEach("startTransaction() has savepoints", async (database) => {
  const db = database.kysely<Tables>();
  const trx = await db.startTransaction().execute();
  await insert(trx, "a");
  const afterA = await trx.savepoint('odd "name"').execute();
  await insert(afterA, "gone");
  const back = await afterA.rollbackToSavepoint('odd "name"').execute();
  await insert(back, "b");
  const released = await back.releaseSavepoint('odd "name"').execute();
  await insert(released, "c");
  await released.commit().execute();
  assertEquals(await texts(db), ["a", "b", "c"]);
});

testOnEach("a controlled transaction whose COMMIT fails can be rolled back", async (database) => {
  const db = database.kysely<Tables>();
  await sql`create table children (
    parent integer references entries (id) deferrable initially deferred
  )`.execute(db);
  const trx = await db.startTransaction().execute();
  await insert(trx, "gone");
  await sql`insert into children values (99)`.execute(trx);
  await assertRejects(() => trx.commit().execute(), SQLiteError, "FOREIGN KEY");
  await trx.rollback().execute();
  await insert(db, "later");
  assertEquals(await texts(db), ["later"]);
});

testOnEach(
  "connection() runs statements and transactions one after the other",
  async (database) => {
    const db = database.kysely<Tables>();
    const value = await db.connection().execute(async (connection) => {
      await insert(connection, "a");
      await connection.transaction().execute((trx) => insert(trx, "b"));
      await insert(connection, "c");
      await assertRejects(
        () =>
          connection.transaction().execute(async (trx) => {
            await insert(trx, "gone");
            throw new RangeError("no");
          }),
        RangeError,
      );
      await insert(connection, "d");
      return (await texts(connection)).join("");
    });
    assertEquals(value, "abcd");
    assertEquals(await texts(db), ["a", "b", "c", "d"]);
  },
);

testOnEach("connection() holds up nobody's writes", async (database) => {
  const db = database.kysely<Tables>();
  await db.connection().execute(async (connection) => {
    await insert(db, "other");
    await insert(connection, "own");
  });
  assertEquals(await texts(db), ["other", "own"]);
});

testOnEach(
  "a statement that Kysely's callback doesn't await is never half in its transaction",
  async (database) => {
    const db = database.kysely<Tables>();
    const marker = new Error("roll back");
    const late: Promise<unknown>[] = [];
    for (let hops = 0; hops < 30; hops += 1) {
      const outcome = db.transaction().execute(async (trx) => {
        late.push(insert(trx, `${hops}`).catch(() => {}));
        for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
        throw marker;
      });
      assertStrictEquals(await assertRejects(() => outcome), marker);
    }
    await Promise.all(late);
    assertEquals(await texts(db), []);
  },
);

testOnEach("a session's Kysely transaction ends with it", async (database) => {
  const session = database.session();
  const trx = await session.kysely<Tables>().startTransaction().execute();
  await insert(trx, "gone");
  session[Symbol.dispose]();
  await assertRejects(() => insert(trx, "stray"), SessionClosedError);
  await insert(database, "later");
  assertEquals(await texts(database), ["later"]);
});
