import type { CompiledQuery, Dialect, QueryResult } from "kysely";
import type { Lease, LeaseOptions } from "./lease.ts";

/** Runs statements one after the other, all in one transaction. */
export interface Statements {
  /**
   * The rows that it gives, for `parameters` in place of its own; at once where the engine is
   * synchronous. It is prepared once.
   */
  all<Row>(
    query: CompiledQuery<Row>,
    parameters?: readonly unknown[],
  ): readonly Row[] | Promise<readonly Row[]>;
}

/** Runs queries that only read, for taskmount's own prepared ones. */
export interface Reads {
  /** The rows that it gives. */
  read<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]>;
}

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
  /**
   * Commits the statements of `work` together, or none of them where it throws.
   * Leaner than `begin()`, for taskmount's own short writes: there is no
   * time-out, so `work` awaits nothing but its statements.
   */
  unit<T>(work: (statements: Statements) => T | Promise<T>, guard?: () => void): Promise<T>;
  /** Calls `listener` once what was written here has committed: at once, but in a transaction at its end. */
  afterCommit(listener: () => void): void;
  /** Throws NestedWriteError where a write would wait for the transaction that is open around it. */
  refuseNested(): void;
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
export interface Store extends Scope, Reads {
  /** What `Database.open()` opens it by, such as `sqlite:app.db`. */
  readonly url: string;
  /** The engine's SQL, for Kysely. */
  readonly dialect: Omit<Dialect, "createDriver">;
  /**
   * Looks whether it can be written; resolves to what may soon be in the way, or undefined.
   *
   * @throws {DatabaseUnavailableError} where it can't.
   */
  probe(): Promise<string | undefined>;
  /** Copies it, as it is at one moment, to a file that isn't there yet. */
  backup(path: string, options: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Takes a lease, by which other processes see that this one is alive. */
  lease(options: LeaseOptions): Promise<Lease>;
  /** Calls `listener` when anybody else may have committed, another process above all. */
  onForeignCommit(listener: () => void): Promise<Disposable>;
  /** Ends streams, waits for the open transaction, then closes every connection. */
  close(): Promise<void>;
}
