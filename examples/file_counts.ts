import type { GeneratedAlways, Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Database } from "taskmount";

/** The example's own table, one row for each time that files were counted. */
export interface FileCounts {
  id: GeneratedAlways<number>;
  /** An absolute path. */
  directory: string;
  count: number;
  /** ISO 8601. */
  counted_at: string;
}

/** The example's own tables, as Kysely knows them: `session.kysely<Tables>()`. */
export interface Tables {
  file_counts: FileCounts;
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
};

/** Brings the example's own tables up to date, by Kysely's Migrator as anywhere else. */
export async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({
    db: database.kysely<Tables>(),
    provider: { getMigrations: async () => migrations },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
