import { test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import { type CompiledQuery, sql } from "kysely";
import {
  Database,
  type Parameter,
  prepare,
  prepareInsert,
  type Statements,
} from "../../lib/storage/mod.ts";
import { createEntries, type Tables } from "./databases.ts";

interface Parameters {
  id: number;
  text: string;
}

/** Keeps what would run. */
class RecordedStatements implements Statements {
  readonly queries: CompiledQuery[] = [];

  all<Row>(query: CompiledQuery<Row>, parameters = query.parameters): readonly Row[] {
    this.queries.push({ ...query, parameters });
    return [];
  }
}

test("a prepared query is compiled once, and run with other parameters each time", async () => {
  await using database = Database.sqlite(":memory:");
  await createEntries(database);
  let builds = 0;
  const db = database.kysely<Tables>();
  const insert = prepare<Tables, Parameters>(db)((db, parameter) => {
    builds += 1;
    return db
      .insertInto("entries")
      .values({ id: parameter("id"), text: parameter("text") })
      .returningAll();
  });
  const inserted = await database.unit(async (tx) => [
    ...(await insert.all(tx, { id: 2, text: "b" })),
    ...(await insert.all(tx, { text: "a", id: 1 })),
  ]);
  assertEquals(inserted, [
    { id: 2, text: "b" },
    { id: 1, text: "a" },
  ]);
  assertEquals(builds, 1);
});

test("parameters stand where the query has them, as often as it has them", async () => {
  const database = Database.sqlite(":memory:");
  const update = prepare<Tables, Parameters>(database.kysely<Tables>())((db, parameter) =>
    db
      .updateTable("entries")
      .set({ text: sql`${parameter("text")} || ${"constant"} || ${parameter("text")}` })
      .where("id", "=", parameter("id"))
      .where("text", "!=", parameter("text")),
  );
  const statements = new RecordedStatements();
  await update.all(statements, { id: 7, text: "t" });
  await update.all(statements, { id: 8, text: "u" });
  const [first, second] = statements.queries;
  assertEquals(
    first?.sql,
    'update "entries" set "text" = ? || ? || ? where "id" = ? and "text" != ?',
  );
  assertEquals(first?.parameters, ["t", "constant", "t", 7, "t"]);
  assertEquals(second?.parameters, ["u", "constant", "u", 8, "u"]);
  assertStrictEquals(second?.sql, first?.sql);
});

test("a parameter may be null, and what isn't one stays", async () => {
  const database = Database.sqlite(":memory:");
  const select = prepare<Tables, { text: string | null }>(database.kysely<Tables>())(
    (db, parameter) =>
      db
        .selectFrom("entries")
        .select("id")
        .where("text", "is", parameter("text"))
        .where("id", "in", [1, 2]),
  );
  const statements = new RecordedStatements();
  await select.all(statements, { text: null });
  assertEquals(
    statements.queries.map(({ parameters }) => parameters),
    [[null, 1, 2]],
  );
});

test("parameters and rows have the query's types", async () => {
  await using database = Database.sqlite(":memory:");
  await createEntries(database);
  const select = prepare<Tables, { id: number }>(database.kysely<Tables>())((db, parameter) =>
    db.selectFrom("entries").select("text").where("id", "=", parameter("id")),
  );
  const [row] = await database.unit((tx) => select.all(tx, { id: 1 }));
  const text: string | undefined = row?.text;
  assertEquals(text, undefined);
  const statements = new RecordedStatements();
  // @ts-expect-error A string is no id.
  await select.all(statements, { id: "1" });
  // @ts-expect-error It has no such parameter.
  await select.all(statements, { id: 1, text: "a" });
  // @ts-expect-error Its parameter is missing.
  await select.all(statements, {});
  // @ts-expect-error Its rows have no id.
  assertEquals(row?.id, undefined);
  prepare<Tables, { id: number }>(database.kysely<Tables>())((db, parameter) => {
    const wrong: Parameter<{ id: number }> = parameter;
    // @ts-expect-error It has no such parameter.
    wrong("text");
    return db.selectFrom("entries").selectAll();
  });
});

test("a prepared query of taskmount's own tables has their prefix", async () => {
  await using database = Database.sqlite(":memory:", { tablePrefix: "mine_" });
  interface Own {
    jobs: { id: string };
  }
  const find = prepare<Own, { id: string }>(database.own<Own>())((db, parameter) =>
    db.selectFrom("jobs").select("id").where("id", "=", parameter("id")),
  );
  await database.migrate();
  assertEquals(await database.unit((tx) => find.all(tx, { id: "none" })), []);
});

const insertInto = (database: Database) =>
  prepareInsert<Tables, Parameters>(database.kysely<Tables>())((db, rows) =>
    db
      .insertInto("entries")
      .values(rows.map((parameter) => ({ id: parameter("id"), text: parameter("text") }))),
  );

for (const count of [0, 1, 31, 32, 33, 100]) {
  test(`a prepared insert writes ${count} rows, in order`, async () => {
    await using database = Database.sqlite(":memory:");
    await createEntries(database);
    const rows = Array.from({ length: count }, (_, id) => ({ id, text: `text ${count - id}` }));
    await database.unit((tx) => insertInto(database).run(tx, rows));
    const written = await database.kysely<Tables>().selectFrom("entries").selectAll().execute();
    assertEquals(written, rows);
  });
}

test("a prepared insert takes one statement for 32 rows", async () => {
  await using database = Database.sqlite(":memory:");
  const statements = new RecordedStatements();
  const rows = Array.from({ length: 66 }, (_, id) => ({ id, text: "" }));
  await insertInto(database).run(statements, rows);
  assertEquals(
    statements.queries.map(({ parameters }) => parameters.length),
    [64, 64, 2, 2],
  );
});
