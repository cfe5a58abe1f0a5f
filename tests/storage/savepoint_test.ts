import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { NestedWriteError, SessionClosedError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach("tx.transaction() commits with the transaction around it", async (database) => {
  await database.transaction(async (tx) => {
    await insert(tx, "outer");
    const value = await tx.transaction(async (inner) => {
      await insert(inner, "inner");
      return 7;
    });
    assertEquals(value, 7);
    assertEquals(await texts(tx), ["outer", "inner"]);
    assertEquals(await texts(database), []);
  });
  assertEquals(await texts(database), ["outer", "inner"]);
});

testOnEach("tx.transaction() rolls back alone when its callback throws", async (database) => {
  await database.transaction(async (tx) => {
    await insert(tx, "before");
    const failure = new Error("inner");
    const error = await assertRejects(() =>
      tx.transaction(async (inner) => {
        await insert(inner, "gone");
        throw failure;
      }),
    );
    assertStrictEquals(error, failure);
    await insert(tx, "after");
  });
  assertEquals(await texts(database), ["before", "after"]);
});

testOnEach("tx.transaction() vanishes with the transaction around it", async (database) => {
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await tx.transaction((inner) => insert(inner, "gone"));
        throw new RangeError("outer");
      }),
    RangeError,
  );
  assertEquals(await texts(database), []);
});

testOnEach("savepoints nest and follow each other", async (database) => {
  await database.transaction(async (tx) => {
    await tx.transaction(async (second) => {
      await insert(second, "2");
      await assertRejects(
        () =>
          second.transaction(async (third) => {
            await insert(third, "3");
            await third.transaction((fourth) => insert(fourth, "4"));
            throw new RangeError("third");
          }),
        RangeError,
      );
      await second.transaction((third) => insert(third, "3 again"));
    });
    await tx.transaction((second) => insert(second, "2 again"));
  });
  assertEquals(await texts(database), ["2", "3 again", "2 again"]);
});

testOnEach("the outer transaction is refused while a savepoint is open", async (database) => {
  await database.transaction(async (tx) => {
    const handle = tx.kysely<Tables>();
    await tx.transaction(async (inner) => {
      await insert(inner, "inner");
      await assertRejects(() => insert(tx, "outer"), NestedWriteError);
      await assertRejects(() => texts(handle), NestedWriteError);
      await assertRejects(() => tx.transaction(() => {}), NestedWriteError);
      await assertRejects(() => insert(database, "outside"), NestedWriteError);
    });
    await insert(tx, "outer");
  });
  assertEquals(await texts(database), ["inner", "outer"]);
});

testOnEach("of two savepoints at the same time the second is refused", async (database) => {
  await database.transaction(async (tx) => {
    const opened = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const first = tx.transaction(async (inner) => {
      opened.resolve();
      await gate.promise;
      await insert(inner, "first");
    });
    await opened.promise;
    await assertRejects(() => tx.transaction((inner) => insert(inner, "second")), NestedWriteError);
    gate.resolve();
    await first;
  });
  assertEquals(await texts(database), ["first"]);
});

testOnEach("a transaction whose savepoint is still open doesn't commit", async (database) => {
  const gate = Promise.withResolvers<void>();
  const inner: Promise<unknown>[] = [];
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await insert(tx, "outer");
        const opened = Promise.withResolvers<void>();
        inner.push(
          tx.transaction(async (savepoint) => {
            opened.resolve();
            await gate.promise;
            await insert(savepoint, "stray");
          }),
        );
        await opened.promise;
      }),
    NestedWriteError,
  );
  gate.resolve();
  await Promise.all(inner.map((promise) => assertRejects(() => promise, SessionClosedError)));
  assertEquals(await texts(database), []);
});

testOnEach(
  "a savepoint that outlives the savepoint around it writes nothing into the transaction",
  async (database) => {
    const gate = Promise.withResolvers<void>();
    await database.transaction(async (tx) => {
      const stray = Promise.withResolvers<unknown>();
      await assertRejects(
        () =>
          tx.transaction(async (second) => {
            const opened = Promise.withResolvers<void>();
            const third = second.transaction(async (inner) => {
              opened.resolve();
              await gate.promise;
              await insert(inner, "stray");
            });
            third.catch(stray.resolve);
            await opened.promise;
            throw new RangeError("second");
          }),
        RangeError,
      );
      await insert(tx, "outer");
      gate.resolve();
      assertInstanceOf(await stray.promise, SessionClosedError);
      await insert(tx, "outer again");
    });
    assertEquals(await texts(database), ["outer", "outer again"]);
  },
);

testOnEach("Kysely's transaction() on a transaction's handle is a savepoint", async (database) => {
  await database.transaction(async (tx) => {
    const db = tx.kysely<Tables>();
    await db.transaction().execute((trx) => insert(trx, "kept"));
    await assertRejects(
      () =>
        db.transaction().execute(async (trx) => {
          await insert(trx, "gone");
          throw new RangeError("inner");
        }),
      RangeError,
    );
    await insert(db, "outer");
  });
  assertEquals(await texts(database), ["kept", "outer"]);
});
