import { expectTypeOf, test } from "bun:test";
import type { Generated, Kysely } from "kysely";
import { Database, type Session } from "../../lib/storage/mod.ts";
import { createEntries, type Tables } from "./databases.ts";

interface Cities {
  cities: { id: Generated<number>; name: string };
}

test("kysely() is typed by the tables that the caller declares", async () => {
  await using database = Database.sqlite(":memory:");
  await createEntries(database);
  using session = database.session();
  expectTypeOf(database.kysely<Cities>()).toEqualTypeOf<Kysely<Cities>>();
  expectTypeOf(session.kysely<Cities>()).toEqualTypeOf<Kysely<Cities>>();
  const rows = await session.kysely<Tables>().selectFrom("entries").selectAll().execute();
  expectTypeOf(rows).toEqualTypeOf<{ id: number; text: string }[]>();

  // @ts-expect-error: there is no such table.
  session.kysely<Cities>().selectFrom("towns");
  // @ts-expect-error: there is no such column.
  session.kysely<Cities>().selectFrom("cities").select("population");
  // @ts-expect-error: a name is text.
  session.kysely<Cities>().insertInto("cities").values({ name: 1 });
  // @ts-expect-error: without tables there are no names.
  session.kysely().selectFrom("cities");
});

test("Session is not generic", () => {
  // @ts-expect-error: the tables are told to kysely().
  expectTypeOf<Session<Cities>>();
  expectTypeOf<ReturnType<Database["session"]>>().toEqualTypeOf<Session>();
});

test("a transaction's result has the type that its callback gives", async () => {
  await using database = Database.sqlite(":memory:");
  using session = database.session();
  expectTypeOf(await session.transaction(async () => ({ count: 1 }))).toEqualTypeOf<{
    count: number;
  }>();
  expectTypeOf(await session.transaction(() => "text")).toEqualTypeOf<string>();
  expectTypeOf(await database.transaction(async () => {})).toEqualTypeOf<void>();
  expectTypeOf(await database.transaction((tx) => tx.transaction(() => 1))).toEqualTypeOf<number>();
  await session.transaction((tx) => {
    expectTypeOf(tx).toEqualTypeOf<Session>();
  });
  // @ts-expect-error: the result is a number.
  const text: string = await session.transaction(() => 1);
  expectTypeOf(text).toEqualTypeOf<string>();
});

test("a database is opened, not constructed", () => {
  expectTypeOf<ReturnType<typeof Database.sqlite>>().toEqualTypeOf<Database>();
  expectTypeOf<ReturnType<typeof Database.open>>().toEqualTypeOf<Database>();
  expectTypeOf<Database>().toExtend<AsyncDisposable>();
  expectTypeOf<Session>().toExtend<Disposable>();
  // @ts-expect-error: the constructor is private.
  void (() => new Database());
  // @ts-expect-error: seconds are a number.
  void (() => Database.sqlite(":memory:", { busyTimeout: "15" }));
});
