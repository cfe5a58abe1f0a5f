import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Database, NestedWriteError, type Session } from "../../lib/storage/mod.ts";
import { createEntries, insert, type Tables, testOnEach, texts } from "./databases.ts";

/** Every way to write that isn't the transaction's own. */
const bypasses: Record<string, (database: Database, session: Session) => Promise<unknown>> = {
  "a statement of the database": (database) => insert(database, "stray"),
  "a statement of the session": (_database, session) => insert(session, "stray"),
  "database.transaction()": (database) => database.transaction((tx) => insert(tx, "stray")),
  "session.transaction()": (_database, session) => session.transaction((tx) => insert(tx, "stray")),
  "Kysely's transaction()": (database) =>
    database
      .kysely<Tables>()
      .transaction()
      .execute((trx) => insert(trx, "stray")),
  "Kysely's transaction() of the session": (_database, session) =>
    session
      .kysely<Tables>()
      .transaction()
      .execute((trx) => insert(trx, "stray")),
  "Kysely's startTransaction()": (database) =>
    database.kysely<Tables>().startTransaction().execute(),
  "Kysely's connection()": (database) =>
    database
      .kysely<Tables>()
      .connection()
      .execute((db) => insert(db, "stray")),
  "a stream that writes": (database) =>
    database
      .kysely<Tables>()
      .insertInto("entries")
      .values({ text: "stray" })
      .returning("id")
      .stream()
      .next(),
  "database.migrate()": (database) => database.migrate(),
  "database.close()": (database) => database.close(),
};

for (const [name, bypass] of Object.entries(bypasses)) {
  testOnEach(`${name} is refused inside session.transaction()`, async (database) => {
    using session = database.session();
    await session.transaction(async (tx) => {
      await insert(tx, "inside");
      await assertRejects(() => bypass(database, session), NestedWriteError);
      await insert(tx, "after");
    });
    assertEquals(await texts(database), ["inside", "after"]);
  });

  testOnEach(`${name} is refused inside Kysely's transaction()`, async (database) => {
    using session = database.session();
    const db = session.kysely<Tables>();
    await db.transaction().execute(async (trx) => {
      await insert(trx, "inside");
      await assertRejects(() => bypass(database, session), NestedWriteError);
      await insert(trx, "after");
    });
    assertEquals(await texts(database), ["inside", "after"]);
  });
}

testOnEach("NestedWriteError comes across awaits, timers and Promise.all", async (database) => {
  using session = database.session();
  const deep = async () => {
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await texts(database);
    await insert(session, "stray");
  };
  await database.transaction(async (tx) => {
    const results = await Promise.allSettled([deep(), insert(tx, "inside"), deep()]);
    assertEquals(
      results.map((result) => (result.status === "rejected" ? result.reason.name : "written")),
      ["NestedWriteError", "written", "NestedWriteError"],
    );
  });
  assertEquals(await texts(database), ["inside"]);
});

testOnEach("a bypassing write that isn't awaited is refused too", async (database) => {
  const outcome = Promise.withResolvers<unknown>();
  await database.transaction(async (tx) => {
    insert(database, "stray").catch(outcome.resolve);
    await insert(tx, "inside");
  });
  assertInstanceOf(await outcome.promise, NestedWriteError);
  assertEquals(await texts(database), ["inside"]);
});

testOnEach(
  "what a transaction's callback started may write once the transaction is over",
  async (database) => {
    const gate = Promise.withResolvers<void>();
    const started: Promise<void>[] = [];
    await database.transaction(async (tx) => {
      await insert(tx, "inside");
      started.push(gate.promise.then(() => insert(database, "later")));
      started.push(
        gate.promise.then(() => database.transaction((other) => insert(other, "later still"))),
      );
    });
    gate.resolve();
    await Promise.all(started);
    assertEquals((await texts(database)).toSorted(), ["inside", "later", "later still"]);
  },
);

testOnEach("a parallel branch of the same run waits and is not refused", async (database) => {
  using session = database.session();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const branch = async () => {
    await opened.promise;
    await insert(session, "branch");
  };
  const transaction = async () => {
    await session.transaction(async (tx) => {
      opened.resolve();
      await gate.promise;
      await insert(tx, "transaction");
    });
  };
  const both = Promise.all([branch(), transaction()]);
  await opened.promise;
  assertEquals(await texts(session), []);
  gate.resolve();
  await both;
  assertEquals(await texts(database), ["transaction", "branch"]);
});

testOnEach(
  "inside connection() a statement may follow or precede a transaction",
  async (database) => {
    await database
      .kysely<Tables>()
      .connection()
      .execute(async (db) => {
        await insert(database, "before");
        await db.transaction().execute(async (trx) => {
          await insert(trx, "inside");
          await assertRejects(() => insert(database, "stray"), NestedWriteError);
        });
        await insert(database, "after");
      });
    assertEquals(await texts(database), ["before", "inside", "after"]);
  },
);

testOnEach("another database may be written inside a transaction", async (database) => {
  await using other = Database.sqlite(":memory:");
  await createEntries(other);
  await database.transaction(async (tx) => {
    await insert(tx, "here");
    await insert(other, "there");
    await other.transaction(async (otherTx) => {
      await insert(otherTx, "there too");
      await assertRejects(() => insert(database, "stray"), NestedWriteError);
      await assertRejects(() => insert(other, "stray"), NestedWriteError);
    });
  });
  assertEquals(await texts(database), ["here"]);
  assertEquals(await texts(other), ["there", "there too"]);
});
