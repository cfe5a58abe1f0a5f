import { SQLiteError } from "bun:sqlite";
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { sql } from "kysely";
import { DatabaseReadOnlyError, DatabaseUnavailableError } from "../../lib/storage/mod.ts";
import { insert, type Tables, testOnEach, texts } from "./databases.ts";

testOnEach("each way to write names why SQLite can't", async (database) => {
  await sql`pragma query_only = 1`.execute(database.kysely());
  const ways: Record<string, () => Promise<unknown>> = {
    "a statement": () => insert(database, "a"),
    "a transaction": () => database.transaction((tx) => insert(tx, "a")),
    "Kysely's transaction": () =>
      database
        .kysely<Tables>()
        .transaction()
        .execute((trx) => insert(trx, "a")),
    "a unit": () =>
      database.unit((statements) =>
        statements.all(sql`insert into entries (text) values ('a')`.compile(database.kysely())),
      ),
    "a stream": async () => {
      const query = sql`insert into entries (text) values ('a') returning id`;
      const compiled = query.compile(database.kysely());
      for await (const _row of database.kysely().getExecutor().stream(compiled, 1));
    },
  };
  for (const [way, write] of Object.entries(ways)) {
    const error = await assertRejects(write, DatabaseReadOnlyError, "can only be read", way);
    assertInstanceOf(error, DatabaseUnavailableError);
    assertInstanceOf(error.cause, SQLiteError);
    assertEquals(error.code, "database-read-only");
  }
  await sql`pragma query_only = 0`.execute(database.kysely());
  await insert(database, "b");
  assertEquals(await texts(database), ["b"]);
});

testOnEach("what is wrong with another file than the database's is not named", async (database) => {
  const attach = sql`attach '/missing/other.db' as other`.execute(database.kysely());
  const error = await assertRejects(() => attach, SQLiteError);
  assertEquals(error.code, "SQLITE_CANTOPEN");
  assertEquals(await database.probe(), undefined);
});
