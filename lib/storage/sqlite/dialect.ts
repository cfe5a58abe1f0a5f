import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { Store } from "../scope.ts";

/** Kysely's SQLite dialect, but for its migrations. */
export const sqliteDialect: Store["dialect"] = {
  createAdapter: () => new TransactionalSqliteAdapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createIntrospector: (kysely) => new SqliteIntrospector(kysely),
};

class TransactionalSqliteAdapter extends SqliteAdapter {
  // SQLite's schema changes roll back, so a Migrator runs in one transaction:
  // it can't stop half-way, and two processes can't migrate at the same time.
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
