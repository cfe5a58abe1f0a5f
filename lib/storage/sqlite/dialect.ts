import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { Store } from "../scope.ts";

/** Kysely's SQLite dialect, for a store that has readers beside its writer. */
export const sqliteDialect: Store["dialect"] = {
  createAdapter: () => new ConcurrentSqliteAdapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createIntrospector: (kysely) => new SqliteIntrospector(kysely),
};

class ConcurrentSqliteAdapter extends SqliteAdapter {
  // Kysely would otherwise put all statements of a handle behind one lock.
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  // SQLite's schema changes roll back, so a Migrator runs in one transaction:
  // it can't stop half-way, and two processes can't migrate at the same time.
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
