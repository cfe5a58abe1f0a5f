import type { Kysely } from "kysely";
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
  const migrator = new Migrator({
    db: kysely.withPlugin(new TablePrefix(tablePrefix, TABLES)),
    provider: { getMigrations: async () => migrationsOf(tablePrefix) },
    migrationTableName: `${tablePrefix}migration`,
    migrationLockTableName: `${tablePrefix}migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
