import { test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Generated, Kysely } from "kysely";
import { Database, type DatabaseOptions, type Session } from "../../lib/storage/mod.ts";

/** The tables of `testOnEach()`. */
export interface Tables {
  entries: { id: Generated<number>; text: string };
}

/** A folder for one test, which goes with the test. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), "storage-test-")));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Declares the test twice: on a database in a file, and on one in memory. */
export function testOnEach(
  name: string,
  fn: (database: Database) => Promise<void>,
  options: DatabaseOptions = {},
): void {
  test(`${name}, in a file`, async () => {
    await using folder = await TemporaryFolder.create();
    await using database = Database.sqlite(folder.file("app.db"), options);
    await createEntries(database);
    await fn(database);
  });
  test(`${name}, in memory`, async () => {
    await using database = Database.sqlite(":memory:", options);
    await createEntries(database);
    await fn(database);
  });
}

export async function createEntries(database: Database): Promise<void> {
  await database
    .kysely<Tables>()
    .schema.createTable("entries")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("text", "text", (column) => column.notNull().unique())
    .execute();
}

/** Inserts an entry through whatever handle or session it is given. */
export async function insert(on: Database | Session | Kysely<Tables>, text: string): Promise<void> {
  const db = "insertInto" in on ? on : on.kysely<Tables>();
  await db.insertInto("entries").values({ text }).execute();
}

/** The texts of all entries, in the order in which they were inserted. */
export async function texts(on: Database | Session | Kysely<Tables>): Promise<string[]> {
  const db = "selectFrom" in on ? on : on.kysely<Tables>();
  const rows = await db.selectFrom("entries").select("text").orderBy("id").execute();
  return rows.map((row) => row.text);
}
