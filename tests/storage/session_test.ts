import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { sql } from "kysely";
import { SessionClosedError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach("a session that has ended refuses everything", async (database) => {
  const session = database.session();
  const handle = session.kysely<Tables>();
  await insert(session, "kept");
  session[Symbol.dispose]();
  session[Symbol.dispose]();
  assertThrows(() => session.kysely(), SessionClosedError);
  await assertRejects(() => texts(handle), SessionClosedError);
  await assertRejects(() => insert(handle, "stray"), SessionClosedError);
  await assertRejects(() => session.transaction(() => {}), SessionClosedError);
  await assertRejects(
    () => handle.transaction().execute((trx) => insert(trx, "stray")),
    SessionClosedError,
  );
  await assertRejects(
    () => handle.connection().execute((db) => insert(db, "stray")),
    SessionClosedError,
  );
  await assertRejects(
    () => handle.selectFrom("entries").selectAll().stream().next(),
    SessionClosedError,
  );
  assertEquals(await texts(database), ["kept"]);
});

testOnEach("using ends a session with its block", async (database) => {
  let kept: ReturnType<typeof database.session>;
  {
    using session = database.session();
    kept = session;
    await insert(session, "inside");
  }
  assertThrows(() => kept.kysely(), SessionClosedError);
});

for (const outcome of ["commit", "rollback"]) {
  testOnEach(
    `a transaction's session refuses everything after its ${outcome}`,
    async (database) => {
      const kept = await database
        .transaction(async (tx) => {
          const handle = tx.kysely<Tables>();
          await insert(handle, "a");
          await insert(handle, "b");
          const rows = handle.selectFrom("entries").selectAll().stream();
          await rows.next();
          if (outcome === "commit") return { tx, handle, rows };
          throw Object.assign(new Error(), { kept: { tx, handle, rows } });
        })
        .catch((error) => error.kept);
      const { tx, handle, rows } = kept;
      assertThrows(() => tx.kysely(), SessionClosedError);
      await assertRejects(() => texts(handle), SessionClosedError);
      await assertRejects(() => insert(handle, "stray"), SessionClosedError);
      await assertRejects(() => tx.transaction(() => {}), SessionClosedError);
      await assertRejects(() => rows.next(), SessionClosedError);
      assertEquals(await texts(database), outcome === "commit" ? ["a", "b"] : []);
    },
  );
}

testOnEach("a session's end stops its stream in progress", async (database) => {
  for (const text of ["a", "b", "c"]) await insert(database, text);
  const session = database.session();
  const rows = session.kysely<Tables>().selectFrom("entries").select("text").stream();
  assertEquals((await rows.next()).value, { text: "a" });
  session[Symbol.dispose]();
  await assertRejects(() => rows.next(), SessionClosedError);
});

testOnEach("a session's end stops its transaction's stream in progress", async (database) => {
  for (const text of ["a", "b", "c"]) await insert(database, text);
  const session = database.session();
  const seen: string[] = [];
  const over = Promise.withResolvers<unknown>();
  const transaction = session.transaction(async (tx) => {
    try {
      const rows = tx.kysely<Tables>().selectFrom("entries").select("text").stream();
      for await (const { text } of rows) {
        seen.push(text);
        session[Symbol.dispose]();
      }
    } catch (error) {
      over.resolve(error);
    }
  });
  await assertRejects(() => transaction, SessionClosedError);
  assertInstanceOf(await over.promise, SessionClosedError);
  assertEquals(seen, ["a"]);
});

testOnEach(
  "a stream that its session's end left behind holds no old snapshot",
  async (database) => {
    for (const text of ["a", "b", "c"]) await insert(database, text);
    const session = database.session();
    const rows = session.kysely<Tables>().selectFrom("entries").select("text").stream();
    await rows.next();
    await insert(database, "d");
    const checkpoint = sql<{ busy: number }>`pragma wal_checkpoint(truncate)`;
    assertEquals((await checkpoint.execute(database.kysely())).rows[0]?.busy, 1);
    session[Symbol.dispose]();
    assertEquals((await checkpoint.execute(database.kysely())).rows[0]?.busy, 0);
  },
);

testOnEach("a session's end aborts its open transaction", async (database) => {
  const session = database.session();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const transaction = session.transaction(async (tx) => {
    await insert(tx, "gone");
    opened.resolve();
    await gate.promise;
    await assertRejects(() => insert(tx, "stray"), SessionClosedError);
    over.resolve();
  });
  await opened.promise;
  session[Symbol.dispose]();
  await assertRejects(() => transaction, SessionClosedError, "ended with its run");
  await insert(database, "later");
  gate.resolve();
  await over.promise;
  assertEquals(await texts(database), ["later"]);
});

testOnEach("a session's end aborts an open transaction of its Kysely handle", async (database) => {
  const session = database.session();
  const opened = Promise.withResolvers<void>();
  const transaction = session
    .kysely<Tables>()
    .transaction()
    .execute(async (trx) => {
      await insert(trx, "gone");
      opened.resolve();
      await new Promise(() => {});
    });
  await opened.promise;
  const controlled = session.kysely<Tables>().startTransaction().execute();
  session[Symbol.dispose]();
  await Promise.all([
    assertRejects(() => transaction, SessionClosedError),
    assertRejects(() => controlled, SessionClosedError),
  ]);
  await insert(database, "later");
  assertEquals(await texts(database), ["later"]);
});

testOnEach("a session's end aborts an open savepoint with its transaction", async (database) => {
  const session = database.session();
  await assertRejects(
    () =>
      session.transaction(async (tx) => {
        await insert(tx, "gone");
        await tx.transaction(async (inner) => {
          await insert(inner, "gone too");
          session[Symbol.dispose]();
          await insert(inner, "stray");
        });
      }),
    SessionClosedError,
  );
  assertEquals(await texts(database), []);
});

testOnEach("writes that still wait when their session ends are never run", async (database) => {
  const session = database.session();
  const db = session.kysely<Tables>();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const somebody = database.transaction(async (tx) => {
    await insert(tx, "somebody's");
    opened.resolve();
    await gate.promise;
  });
  await opened.promise;
  const called: string[] = [];
  const waiting = [
    insert(session, "statement"),
    session.transaction(() => {
      called.push("transaction");
    }),
    db.transaction().execute(async () => {
      called.push("Kysely's transaction");
    }),
    db.startTransaction().execute(),
    db.insertInto("entries").values({ text: "stream" }).returning("id").stream().next(),
  ];
  const behind = insert(database, "behind");
  assertEquals(await texts(database), []);
  session[Symbol.dispose]();
  gate.resolve();
  const results = await Promise.allSettled(waiting);
  assertEquals(
    results.map((result) => (result.status === "rejected" ? result.reason.name : "ran")),
    waiting.map(() => "SessionClosedError"),
  );
  await Promise.all([somebody, behind]);
  assertEquals(called, []);
  assertEquals(await texts(database), ["somebody's", "behind"]);
});

testOnEach(
  "a transaction is refused whenever its session ends while it begins",
  async (database) => {
    for (let hops = 0; hops < 40; hops += 1) {
      const session = database.session();
      const called: string[] = [];
      const outcome = session
        .transaction(async (tx) => {
          called.push("callback");
          await insert(tx, `${hops}`);
          await new Promise(() => {});
        })
        .catch((error: Error) => error.name);
      for (let hop = 0; hop < hops; hop += 1) await Promise.resolve();
      session[Symbol.dispose]();
      assertEquals(await outcome, "SessionClosedError");
    }
    assertEquals(await texts(database), []);
  },
);

testOnEach("one session's end leaves the others alone", async (database) => {
  const first = database.session();
  using second = database.session();
  const opened = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const transaction = second.transaction(async (tx) => {
    opened.resolve();
    await gate.promise;
    await insert(tx, "second");
  });
  await opened.promise;
  first[Symbol.dispose]();
  gate.resolve();
  await transaction;
  assertEquals(await texts(second), ["second"]);
});
