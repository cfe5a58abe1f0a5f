import { Database as File, SQLiteError } from "bun:sqlite";
import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import type { CompiledQuery } from "kysely";
import { Database } from "../../lib/storage/mod.ts";
import { createEntries, type Tables, TemporaryFolder } from "./databases.ts";

/** A database whose statements stay prepared, and a connection that changes its schema. */
class Bed implements AsyncDisposable {
  readonly database: Database;
  readonly other: File;
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder, database: Database) {
    this.#folder = folder;
    this.database = database;
    this.other = new File(folder.file("app.db"), { readwrite: true });
  }

  static async create(): Promise<Bed> {
    const folder = await TemporaryFolder.create();
    const database = Database.sqlite(folder.file("app.db"));
    await createEntries(database);
    return new Bed(folder, database);
  }

  /** Runs one statement in a unit, and gives its rows. */
  async run<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    return await this.database.unit((tx) => tx.all(query));
  }

  get insert() {
    return this.database
      .kysely<Tables>()
      .insertInto("entries")
      .values({ text: "a" })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .compile();
  }

  get select() {
    return this.database.kysely<Tables>().selectFrom("entries").selectAll().compile();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _folder = this.#folder;
    this.other.close(true);
    await this.database.close();
  }
}

test("a unit's statements know a column that another connection has added", async () => {
  await using bed = await Bed.create();
  assertEquals<unknown>(await bed.run(bed.insert), [{ id: 1, text: "a" }]);
  assertEquals<unknown>(await bed.run(bed.select), [{ id: 1, text: "a" }]);
  bed.other.run("ALTER TABLE entries ADD COLUMN extra INTEGER DEFAULT 7");
  assertEquals<unknown>(await bed.run(bed.select), [{ id: 1, text: "a", extra: 7 }]);
  bed.other.run("DELETE FROM entries");
  assertEquals<unknown>(await bed.run(bed.insert), [{ id: 1, text: "a", extra: 7 }]);
  bed.other.run("ALTER TABLE entries DROP COLUMN extra");
  assertEquals<unknown>(await bed.run(bed.select), [{ id: 1, text: "a" }]);
});

test("a unit's statements survive that their table is made anew", async () => {
  await using bed = await Bed.create();
  await bed.run(bed.insert);
  bed.other.run("CREATE TABLE anew (text TEXT UNIQUE, id INTEGER PRIMARY KEY)");
  bed.other.run("INSERT INTO anew SELECT text, id FROM entries");
  bed.other.run("DROP TABLE entries");
  await assertRejects(() => bed.run(bed.select), SQLiteError, "no such table");
  await assertRejects(() => bed.run(bed.insert), SQLiteError, "no such table");
  bed.other.run("ALTER TABLE anew RENAME TO entries");
  assertEquals<unknown>(await bed.run(bed.select), [{ text: "a", id: 1 }]);
  assertEquals(await bed.run(bed.insert), []);
});

test("a unit's statements survive that an index comes and goes", async () => {
  await using bed = await Bed.create();
  const ordered = bed.database
    .kysely<Tables>()
    .selectFrom("entries")
    .select("text")
    .orderBy("text")
    .compile();
  await bed.run(bed.insert);
  for (const change of ["CREATE INDEX texts ON entries (text, id)", "DROP INDEX texts"]) {
    assertEquals(await bed.run(ordered), [{ text: "a" }]);
    bed.other.run(change);
  }
  assertEquals(await bed.run(ordered), [{ text: "a" }]);
});

test("a statement that failed in a unit runs again in the next", async () => {
  await using bed = await Bed.create();
  const strict = bed.database
    .kysely<Tables>()
    .insertInto("entries")
    .values({ text: "a" })
    .returning("id")
    .compile();
  assertEquals(await bed.run(strict), [{ id: 1 }]);
  await assertRejects(() => bed.run(strict), SQLiteError, "UNIQUE");
  bed.other.run("DELETE FROM entries");
  assertEquals(await bed.run(strict), [{ id: 1 }]);
});
