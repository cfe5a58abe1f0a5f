import type { GeneratedAlways, Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Database } from "taskmount";

/** One row for each time that files were counted. */
export interface FileCounts {
  id: GeneratedAlways<number>;
  /** An absolute path. */
  directory: string;
  count: number;
  /** ISO 8601. */
  counted_at: string;
}

export interface Account {
  name: string;
  cents: number;
}

/** The examples' own tables, as Kysely knows them: `session.kysely<Tables>()`. */
export interface Tables {
  file_counts: FileCounts;
  accounts: Account;
}

const migrations: Record<string, Migration> = {
  "2026-01-01-file-counts": {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable("file_counts")
        .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
        .addColumn("directory", "text", (column) => column.notNull())
        .addColumn("count", "integer", (column) => column.notNull())
        .addColumn("counted_at", "text", (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("file_counts_by_directory")
        .on("file_counts")
        .columns(["directory", "id"])
        .execute();
    },
    down: async (db: Kysely<unknown>) => {
      await db.schema.dropTable("file_counts").execute();
    },
  },
  "2026-01-02-accounts": {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable("accounts")
        .addColumn("name", "text", (column) => column.primaryKey())
        .addColumn("cents", "integer", (column) => column.notNull())
        .execute();
      await (db as Kysely<Tables>)
        .insertInto("accounts")
        .values([
          { name: "ada", cents: 100_000 },
          { name: "grace", cents: 0 },
        ])
        .execute();
    },
    down: async (db: Kysely<unknown>) => {
      await db.schema.dropTable("accounts").execute();
    },
  },
};

/** Brings the examples' own tables up to date, by Kysely's Migrator as anywhere else. */
export async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({
    db: database.kysely<Tables>(),
    provider: { getMigrations: async () => migrations },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
