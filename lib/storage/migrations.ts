import { type Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import { DatabaseSchemaError } from "./errors.ts";
import { migrationsOf, TABLES } from "./schema/mod.ts";
import { TablePrefix } from "./table_prefix.ts";

/**
 * Runs the migrations that this database has not seen yet.
 *
 * Their two tables carry `tablePrefix`, so that the user's own Migrator lives
 * in the same file with Kysely's default names.
 *
 * @throws {DatabaseSchemaError} where one was run that this version doesn't know.
 */
export async function migrate(
  kysely: Kysely<unknown>,
  { url, tablePrefix }: { readonly url: string; readonly tablePrefix: string },
): Promise<void> {
  const migrations = migrationsOf(tablePrefix);
  const known = Object.keys(migrations).sort();
  const run = await migrationsRun(kysely, `${tablePrefix}migration`);
  const unknown = run.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new DatabaseSchemaError(url, { unknown, newest: known.at(-1) ?? "" });
  }
  // Looking is much cheaper than asking the Migrator, and as a rule all have been run.
  if (run.length === known.length) return;
  const migrator = new Migrator({
    db: kysely.withPlugin(new TablePrefix(tablePrefix, TABLES)),
    provider: { getMigrations: async () => migrations },
    migrationTableName: `${tablePrefix}migration`,
    migrationLockTableName: `${tablePrefix}migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/** The names of the migrations that were run, in their order. */
async function migrationsRun(kysely: Kysely<unknown>, table: string): Promise<string[]> {
  const tables = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name = ${table}
  `.execute(kysely);
  if (tables.rows.length === 0) return [];
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(table)} order by name
  `.execute(kysely);
  return rows.map(({ name }) => name);
}
