import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { type Kysely, sql } from "kysely";
import { Database } from "../../lib/storage/mod.ts";
import { TablePrefix } from "../../lib/storage/table_prefix.ts";

interface Tables {
  own: { id: number; text: string; other: number };
  ours: { id: number };
  /** One of the user's. */
  users: { id: number; own: string };
}

/** What a query that is made on prefixed tables says. */
function compile(build: (db: Kysely<Tables>) => { compile(): { sql: string } }): string {
  const database = Database.sqlite(":memory:");
  const db = database.kysely<Tables>().withPlugin(new TablePrefix("p_", ["own", "ours"]));
  return build(db).compile().sql;
}

test("the prefix stands before the names of these tables, and of no others", () => {
  assertEquals(
    compile((db) => db.selectFrom("own").selectAll()),
    'select * from "p_own"',
  );
  assertEquals(
    compile((db) => db.selectFrom("users").select("own")),
    'select "own" from "users"',
  );
  assertEquals(
    compile((db) => db.insertInto("ours").values({ id: 1 })),
    'insert into "p_ours" ("id") values (?)',
  );
  assertEquals(
    compile((db) => db.updateTable("own").set({ other: 1 }).where("own.id", "=", 1)),
    'update "p_own" set "other" = ? where "p_own"."id" = ?',
  );
  assertEquals(
    compile((db) => db.deleteFrom("own").returning("own.id")),
    'delete from "p_own" returning "p_own"."id"',
  );
});

test("the prefix stands wherever a column names its table", () => {
  assertEquals(
    compile((db) =>
      db
        .selectFrom("own")
        .innerJoin("users", "users.id", "own.other")
        .select(["own.text", "users.own"])
        .orderBy("own.id"),
    ),
    'select "p_own"."text", "users"."own" from "p_own" inner join "users" on "users"."id" = "p_own"."other" order by "p_own"."id"',
  );
  assertEquals(
    compile((db) =>
      db
        .selectFrom("users")
        .select("id")
        .where("id", "in", (eb) => eb.selectFrom("own").select("own.id")),
    ),
    'select "id" from "users" where "id" in (select "p_own"."id" from "p_own")',
  );
  assertEquals(
    compile((db) => db.selectFrom("own").select(sql<number>`max(${sql.ref("own.id")})`.as("most"))),
    'select max("p_own"."id") as "most" from "p_own"',
  );
});

test("an alias and a schema stay as they are", () => {
  assertEquals(
    compile((db) => db.selectFrom("own as mine").select("mine.id")),
    'select "mine"."id" from "p_own" as "mine"',
  );
  assertEquals(
    compile((db) => db.withSchema("main").selectFrom("own").select("id")),
    'select "id" from "main"."p_own"',
  );
});

test("a query of one's own by another name stays as it is", () => {
  assertEquals(
    compile((db) =>
      db
        .with("found", (db) => db.selectFrom("own").select("id"))
        .selectFrom("found")
        .select("found.id"),
    ),
    'with "found" as (select "id" from "p_own") select "found"."id" from "found"',
  );
});

test("tables and indexes are made with the prefix", () => {
  assertEquals(
    compile((db) => db.schema.createTable("own").addColumn("id", "integer")),
    'create table "p_own" ("id" integer)',
  );
  assertEquals(
    compile((db) => db.schema.createIndex("own").on("own").column("id")),
    'create index "own" on "p_own" ("id")',
  );
  assertEquals(
    compile((db) => db.schema.dropTable("ours")),
    'drop table "p_ours"',
  );
});

test("database.own() finds the tables of its own tablePrefix", async () => {
  await using database = Database.sqlite(":memory:", { tablePrefix: "mine_" });
  await database.migrate();
  const own = database.own<{ jobs: { id: string } }>();
  assertEquals(await own.selectFrom("jobs").select("id").execute(), []);
  const named = database.kysely<{ mine_jobs: { id: string } }>();
  assertEquals(await named.selectFrom("mine_jobs").select("id").execute(), []);
});

test("databases of different tablePrefixes share a file", async () => {
  await using first = Database.sqlite(":memory:", { tablePrefix: "a_" });
  await first.migrate();
  const { rows } = await sql<{ name: string }>`
    select name from sqlite_schema where name not like 'a\\_%' escape '\\' and name not like 'sqlite\\_%' escape '\\'
  `.execute(first.kysely());
  // Nothing of one is in another's way, its indexes neither.
  assertEquals(rows, []);
});
