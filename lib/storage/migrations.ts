import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";

/** Brings taskmount's own tables up to date, once, in this order; part of a released version never changes. */
const MIGRATIONS: Record<string, Migration> = {};

/**
 * Runs the migrations that this database has not seen yet.
 *
 * Their two tables carry `tablePrefix`, so that the user's own Migrator lives
 * in the same file with Kysely's default names.
 */
export async function migrate(kysely: Kysely<unknown>, tablePrefix: string): Promise<void> {
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableName: `${tablePrefix}migration`,
    migrationLockTableName: `${tablePrefix}migration_lock`,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}
