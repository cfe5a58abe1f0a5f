import type { CompiledQuery, QueryResult } from "kysely";
import {
  DatabaseUnavailableError,
  NestedWriteError,
  SessionClosedError,
  TransactionLostError,
  TransactionTimeoutError,
} from "../errors.ts";
import type { Statements, TransactionScope } from "../scope.ts";
import type { SqliteConnection } from "./connection.ts";

/** What a transaction needs of the writer on which it is open. */
export interface Writer {
  readonly connection: SqliteConnection;
  /** Seconds. */
  readonly transactionTimeout: number;
  commit(): Promise<void>;
  release(): void;
}

/**
 * The transaction that is open on the writer connection, from BEGIN to its end.
 *
 * It ends by `commit()`, by `rollback()`, at its time-out, or because SQLite
 * ended it. Whichever comes first ends it and frees the writer, once.
 */
export class OpenTransaction {
  readonly writer: Writer;
  /** Rejects where neither `commit()` nor `rollback()` ended it. */
  readonly lost: Promise<never>;
  readonly #reject: (reason: Error) => void;
  readonly #timer: ReturnType<typeof setTimeout>;
  #ended: Error | undefined;

  /** Takes over a writer on which BEGIN IMMEDIATE has succeeded. */
  constructor(writer: Writer) {
    this.writer = writer;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {
      // Every later statement throws the same error, so nothing is hidden where nobody races this.
    });
    this.lost = promise;
    this.#reject = reject;
    const seconds = writer.transactionTimeout;
    this.#timer = setTimeout(
      () => this.abort(new TransactionTimeoutError(seconds)),
      seconds * 1_000,
    );
  }

  /** Why no statement can run any more; undefined while it is open. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** Runs statements at once; `statements` runs them all before it returns. */
  run<T>(statements: (connection: SqliteConnection) => T): T {
    if (this.#ended !== undefined) throw this.#ended;
    const { connection } = this.writer;
    let failure: unknown;
    try {
      return statements(connection);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      if (!connection.inTransaction) this.abort(lossBy(failure));
    }
  }

  /** Then calls these listeners. */
  async commit(afterCommit: readonly (() => void)[] = []): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    // From here on no statement may slip in, nor the time-out.
    this.#end(new SessionClosedError("transaction"));
    try {
      await this.writer.commit();
    } finally {
      // A COMMIT that failed, as by a deferred constraint, left the transaction open.
      this.#free();
    }
    for (const listener of afterCommit) listener();
  }

  /** Does nothing where it has ended. */
  rollback(): void {
    if (this.#ended !== undefined) return;
    this.#end(new SessionClosedError("transaction"));
    this.#free();
  }

  /** Rolls back; what is still tried throws `reason`. Does nothing where it has ended. */
  abort(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#end(reason);
    this.#reject(reason);
    this.#free();
  }

  #end(reason: Error): void {
    this.#ended = reason;
    clearTimeout(this.#timer);
  }

  #free(): void {
    try {
      if (this.writer.connection.inTransaction) this.writer.connection.run("ROLLBACK");
    } finally {
      this.writer.release();
    }
  }
}

/** Why a transaction is over that `failure` has rolled back. */
function lossBy(failure: unknown): Error {
  return failure instanceof DatabaseUnavailableError
    ? failure
    : new TransactionLostError({ cause: failure });
}

/** One level of an open transaction: the transaction itself, or a savepoint within it. */
export class Transaction implements TransactionScope {
  readonly #open: OpenTransaction;
  readonly #outer: Transaction | undefined;
  readonly #savepoint: string;
  /** What is to be called once all has committed, unless this level is rolled back. */
  readonly #afterCommit: (() => void)[] = [];
  #inner: Transaction | undefined;
  #ended = false;

  constructor(open: OpenTransaction, outer?: Transaction) {
    this.#open = open;
    this.#outer = outer;
    this.#savepoint = outer === undefined ? "taskmount" : `${outer.#savepoint}_`;
  }

  get lost(): Promise<never> {
    return this.#open.lost;
  }

  /** Whether the whole transaction still holds the writer. */
  get holdsWriter(): boolean {
    return this.#open.ended === undefined;
  }

  /** Whether this level is over; a savepoint ends with those around it. */
  get hasEnded(): boolean {
    return this.#ended || this.#outer?.hasEnded === true;
  }

  assertOpen(): void {
    if (this.#open.ended !== undefined) throw this.#open.ended;
    if (this.hasEnded) throw new SessionClosedError("transaction");
  }

  // Whoever began the whole transaction has enclosed it.
  enclose<T>(fn: () => Promise<T>): Promise<T> {
    return fn();
  }

  async execute<Row>(query: CompiledQuery, guard?: () => void): Promise<QueryResult<Row>> {
    guard?.();
    this.#assertInnermost();
    return await this.#open.run((connection) => connection.execute<Row>(query));
  }

  // All rows are read at once: a statement left open between rows would see, or
  // forbid, what the transaction does meanwhile.
  async *stream<Row>(
    query: CompiledQuery,
    guard?: () => void,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const { rows } = await this.execute<Row>(query, guard);
    for (const row of rows) {
      guard?.();
      this.assertOpen();
      yield { rows: [row] };
    }
  }

  async unit<T>(work: (statements: Statements) => T | Promise<T>, guard?: () => void): Promise<T> {
    const savepoint = await this.begin(guard);
    try {
      const result = await work({
        all: (query, parameters) =>
          savepoint.#open.run((connection) => connection.all(query, parameters)),
      });
      await savepoint.commit();
      return result;
    } finally {
      await savepoint.rollback();
    }
  }

  // What goes through this very transaction bypasses nothing.
  refuseNested(): void {}

  afterCommit(listener: () => void): void {
    this.#afterCommit.push(listener);
  }

  async begin(guard?: () => void): Promise<Transaction> {
    guard?.();
    this.#assertInnermost();
    const inner = new Transaction(this.#open, this);
    this.#open.run((connection) => connection.run(`SAVEPOINT ${inner.#savepoint}`));
    this.#inner = inner;
    return inner;
  }

  async commit(): Promise<void> {
    this.#assertInnermost();
    this.#end();
    if (this.#outer === undefined) return await this.#open.commit(this.#afterCommit);
    this.#open.run((connection) => connection.run(`RELEASE ${this.#savepoint}`));
    this.#outer.#afterCommit.push(...this.#afterCommit);
  }

  async rollback(): Promise<void> {
    if (this.hasEnded) return;
    this.#end();
    if (this.#outer === undefined) {
      this.#open.rollback();
    } else if (this.holdsWriter) {
      this.#open.run((connection) => {
        connection.run(`ROLLBACK TO ${this.#savepoint}`);
        connection.run(`RELEASE ${this.#savepoint}`);
      });
    }
  }

  abort(reason: Error): void {
    this.#open.abort(reason);
  }

  #end(): void {
    this.#ended = true;
    if (this.#outer !== undefined) this.#outer.#inner = undefined;
  }

  #assertInnermost(): void {
    this.assertOpen();
    if (this.#inner !== undefined) throw new NestedWriteError();
  }
}
