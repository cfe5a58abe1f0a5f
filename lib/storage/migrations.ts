import { type Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import { migrationsOf, TABLES } from "./schema/mod.ts";
import { TablePrefix } from "./table_prefix.ts";

/**
 * Runs the migrations that this database has not seen yet.
 *
 * Their two tables carry `tablePrefix`, so that the user's own Migrator lives
 * in the same file with Kysely's default names.
 */
export async function migrate(kysely: Kysely<unknown>, tablePrefix: string): Promise<void> {
  const migrations = migrationsOf(tablePrefix);
  // Looking is much cheaper than asking the Migrator, and as a rule all have been run.
  const newest = Object.keys(migrations).sort().at(-1);
  if ((await lastMigration(kysely, `${tablePrefix}migration`)) === newest) return;
  const migrator = new Migrator({
    db: kysely.withPlugin(new TablePrefix(tablePrefix, TABLES)),
    provider: { getMigrations: async () => migrations },
    migrationTableName: `${tablePrefix}migration`,
    migrationLockTableName: `${tablePrefix}migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** The name of the last migration that was run; undefined where none was. */
async function lastMigration(kysely: Kysely<unknown>, table: string): Promise<string | undefined> {
  const tables = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name = ${table}
  `.execute(kysely);
  if (tables.rows.length === 0) return undefined;
  const last = await sql<{ name: string }>`
    select max(name) as name from ${sql.table(table)}
  `.execute(kysely);
  return last.rows[0]?.name;
}
