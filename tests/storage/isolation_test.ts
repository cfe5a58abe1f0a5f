import { assertEquals } from "@std/assert";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach(
  "a read doesn't wait for an open transaction and sees the state before it",
  async (database) => {
    using session = database.session();
    await insert(database, "before");
    await session.transaction(async (tx) => {
      await insert(tx, "inside");
      assertEquals(await texts(tx), ["before", "inside"]);
      assertEquals(await texts(database), ["before"]);
      assertEquals(await texts(session), ["before"]);
    });
    assertEquals(await texts(database), ["before", "inside"]);
    assertEquals(await texts(session), ["before", "inside"]);
  },
);

testOnEach(
  "a stream doesn't wait for an open transaction and sees the state before it",
  async (database) => {
    await insert(database, "before");
    await database.transaction(async (tx) => {
      await insert(tx, "inside");
      const seen: string[] = [];
      const rows = database.kysely<Tables>().selectFrom("entries").select("text").stream();
      for await (const row of rows) seen.push(row.text);
      assertEquals(seen, ["before"]);
    });
  },
);

testOnEach("writes wait for the open transaction and then run in order", async (database) => {
  using session = database.session();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const settled: string[] = [];
  const transaction = database.transaction(async (tx) => {
    await insert(tx, "transaction");
    opened.resolve();
    await gate.promise;
    settled.push("transaction");
  });
  await opened.promise;
  const waiting = ["a", "b", "c", "d", "e"].map(async (text, index) => {
    await insert(index % 2 === 0 ? database : session, text);
    settled.push(text);
  });
  for (let i = 0; i < 20; i += 1) assertEquals(await texts(database), []);
  assertEquals(settled, []);
  gate.resolve();
  await Promise.all([transaction, ...waiting]);
  assertEquals(settled, ["transaction", "a", "b", "c", "d", "e"]);
  assertEquals(await texts(database), ["transaction", "a", "b", "c", "d", "e"]);
});

testOnEach("a transaction waits for the open one and sees what it wrote", async (database) => {
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const first = database.transaction(async (tx) => {
    opened.resolve();
    await gate.promise;
    await insert(tx, "first");
  });
  await opened.promise;
  const second = database.transaction(async (tx) => await texts(tx));
  gate.resolve();
  await first;
  assertEquals(await second, ["first"]);
});

testOnEach("a write that has resolved is seen by the next read", async (database) => {
  using session = database.session();
  const expected: string[] = [];
  for (let i = 0; i < 50; i += 1) {
    await insert(session, `${i}`);
    expected.push(`${i}`);
    assertEquals(await texts(session), expected);
    assertEquals(await texts(database), expected);
  }
});

testOnEach("statements of a session commit by themselves", async (database) => {
  const session = database.session();
  await insert(session, "kept");
  session[Symbol.dispose]();
  assertEquals(await texts(database), ["kept"]);
});

testOnEach("sessions that are held hold no connection", async (database) => {
  const sessions = Array.from({ length: 500 }, () => database.session());
  await Promise.all(sessions.map((session, index) => insert(session, `${index}`)));
  await database.transaction((tx) => insert(tx, "transaction"));
  assertEquals((await texts(database)).length, 501);
  for (const session of sessions) session[Symbol.dispose]();
});

testOnEach("an error in a read leaves no old snapshot behind", async (database) => {
  await insert(database, "{");
  const db = database.kysely<Tables>();
  await db
    .selectFrom("entries")
    .select((eb) => eb.fn<string>("json", ["text"]).as("parsed"))
    .execute()
    .then(
      () => assertEquals("resolved", "rejected"),
      (error: Error) => assertEquals(error.message, "malformed JSON"),
    );
  await insert(database, "later");
  assertEquals(await texts(database), ["{", "later"]);
});
