import type { CompiledQuery, Dialect, QueryResult } from "kysely";

/**
 * Where the statements of one Kysely handle run: a whole database, or one open
 * transaction of it. This is the seam between storage and a database engine.
 *
 * `guard` throws where the statement must not run any more. It is asked again
 * after each wait, since whoever issued the statement may have ended meanwhile.
 */
export interface Scope {
  /** Throws where no statement can run any more. */
  assertOpen(): void;
  /** Runs one statement; outside a transaction it commits by itself. */
  execute<Row>(query: CompiledQuery, guard?: () => void): Promise<QueryResult<Row>>;
  /** Reads a query's rows one by one. */
  stream<Row>(query: CompiledQuery, guard?: () => void): AsyncIterableIterator<QueryResult<Row>>;
  /** Opens a transaction, or within one a savepoint. */
  begin(guard?: () => void): Promise<TransactionScope>;
  /**
   * Runs `fn`. While a transaction is open that `fn` itself began, a write inside
   * `fn` that bypasses this transaction is refused.
   */
  enclose<T>(fn: () => Promise<T>): Promise<T>;
}

/** An open transaction. Until it ends, only its own statements may write. */
export interface TransactionScope extends Scope {
  /** Rejects where something else than `commit()` or `rollback()` ended the transaction. */
  readonly lost: Promise<never>;
  commit(): Promise<void>;
  /** Does nothing where the transaction has ended already. */
  rollback(): Promise<void>;
  /** Rolls the whole transaction back; what it still tries throws `reason`. */
  abort(reason: Error): void;
}

/** A database engine as `Database` uses it. */
export interface Store extends Scope {
  /** What `Database.open()` opens it by, such as `sqlite:app.db`. */
  readonly url: string;
  /** The engine's SQL, for Kysely. */
  readonly dialect: Omit<Dialect, "createDriver">;
  /** Ends streams, waits for the open transaction, then closes every connection. */
  close(): Promise<void>;
}
