import { setDefaultTimeout } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

setDefaultTimeout(60_000);

testOnEach("5,000 concurrent writes and reads finish, in order", async (database) => {
  const db = database.kysely<Tables>();
  const expected = Array.from({ length: 5_000 }, (_, index) => `${index}`);
  const settled: string[] = [];
  const writes = expected.map(async (text) => {
    await insert(db, text);
    settled.push(text);
  });
  const reads = expected.map(() =>
    db.selectFrom("entries").select("id").limit(1).executeTakeFirst(),
  );
  await Promise.all([...writes, ...reads]);
  assertEquals(settled, expected);
  assertEquals(await texts(db), expected);
});

testOnEach("transactions from parallel branches queue up and all commit", async (database) => {
  await insert(database, "0");
  using session = database.session();
  const increment = () =>
    session.transaction(async (tx) => {
      const db = tx.kysely<Tables>();
      const { text } = await db.selectFrom("entries").select("text").executeTakeFirstOrThrow();
      await texts(session);
      await db
        .updateTable("entries")
        .set({ text: `${Number(text) + 1}` })
        .execute();
    });
  await Promise.all([increment(), increment()]);
  await Promise.all(Array.from({ length: 100 }, increment));
  assertEquals(await texts(database), ["102"]);
});

testOnEach("transactions and single writes take their turns", async (database) => {
  const expected = Array.from({ length: 300 }, (_, index) => `${index}`);
  await Promise.all(
    expected.map((text, index) =>
      index % 3 === 0
        ? database.transaction(async (tx) => {
            await insert(tx, text);
            await insert(tx, `${text}b`);
          })
        : insert(database, text),
    ),
  );
  const stored = await texts(database);
  assertEquals(stored.length, 400);
  assertEquals(stored.filter((text) => !text.endsWith("b")).toSorted(), expected.toSorted());
  for (const [index, text] of stored.entries()) {
    if (text.endsWith("b")) assertEquals(stored[index - 1], text.slice(0, -1));
  }
  assert(expected.every((text) => stored.includes(text)));
  assertLess(stored.indexOf("0"), stored.indexOf("3"));
});
