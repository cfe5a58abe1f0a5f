import type { CompiledQuery, Kysely, QueryResult } from "kysely";
import { SessionClosedError } from "./errors.ts";
import { kyselyOn } from "./kysely_on.ts";
import type { Scope, Statements, Store, TransactionScope } from "./scope.ts";

/**
 * One run's access to the database.
 *
 * It holds no connection: each statement finds one, and commits by itself.
 * What must happen together goes through {@linkcode Session.transaction}.
 * When its run has ended, it throws {@linkcode SessionClosedError}, and a
 * transaction still open is rolled back.
 *
 * @example
 * ```ts
 * registry.register("rename", {
 *   inject: [Session],
 *   run: async (_params, session) => {
 *     const db = session.kysely<{ users: { name: string } }>();
 *     return { users: await db.selectFrom("users").selectAll().execute() };
 *   },
 * });
 * ```
 */
export class Session implements Disposable {
  readonly #scope: SessionScope;
  readonly #dialect: Store["dialect"];
  #kysely: Kysely<unknown> | undefined;

  /** Sessions come from `inject: [Session]`, `database.session()` and `transaction()`. */
  constructor(scope: Scope, dialect: Store["dialect"], of: "run" | "transaction" = "run") {
    this.#scope = new SessionScope(scope, of);
    this.#dialect = dialect;
  }

  /**
   * The typed Kysely handle, over the tables that the caller declares.
   *
   * @throws {SessionClosedError} when the session has ended.
   */
  kysely<Tables>(): Kysely<Tables> {
    this.#scope.assertOpen();
    this.#kysely ??= kyselyOn<unknown>(this.#scope, this.#dialect);
    // The tables are the caller's word, as in `new Kysely<Tables>()`.
    return this.#kysely as Kysely<Tables>;
  }

  /**
   * Runs `fn` in a transaction: what it writes through `tx` commits together
   * when it returns, or vanishes when it throws. Within a transaction it is a
   * savepoint.
   *
   * @throws {TransactionTimeoutError} when it is still open after `transactionTimeout`.
   * @throws {DatabaseBusyError} when another process holds the lock longer than `busyTimeout`.
   * @throws {NestedWriteError} inside a transaction that this one bypasses.
   *
   * @example
   * ```ts
   * await session.transaction(async (tx) => {
   *   const db = tx.kysely<Tables>();
   *   await db.updateTable("accounts").set({ cents: 0 }).where("id", "=", 1).execute();
   *   await db.updateTable("accounts").set({ cents: 100 }).where("id", "=", 2).execute();
   * });
   * ```
   */
  async transaction<T>(fn: (tx: Session) => T | Promise<T>): Promise<T> {
    return await this.#scope.enclose(async () => {
      const transaction = await this.#scope.begin();
      const tx = new Session(transaction, this.#dialect, "transaction");
      try {
        const result = await Promise.race([fn(tx), transaction.lost]);
        await transaction.commit();
        return result;
      } finally {
        await transaction.rollback();
      }
    });
  }

  /**
   * As {@linkcode Reads.read}, within the transaction where it has one.
   *
   * @internal
   */
  async read<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    return (await this.#scope.execute<Row>(query)).rows;
  }

  /**
   * As {@linkcode Scope.unit}.
   *
   * @internal
   */
  unit<T>(work: (statements: Statements) => T | Promise<T>): Promise<T> {
    return this.#scope.unit(work);
  }

  /**
   * As {@linkcode Scope.afterCommit}.
   *
   * @internal
   */
  afterCommit(listener: () => void): void {
    this.#scope.afterCommit(listener);
  }

  /** Ends the session. What uses it afterwards throws. */
  [Symbol.dispose](): void {
    this.#scope.end();
  }
}

/** A scope that refuses once its session has ended, and then rolls back what is open. */
class SessionScope implements Scope {
  readonly #scope: Scope;
  readonly #of: "run" | "transaction";
  readonly #streams = new Set<AsyncIterableIterator<unknown>>();
  // The writer is exclusive, so of those begun only the latest can still be open.
  #transaction: TransactionScope | undefined;
  #open = true;

  constructor(scope: Scope, of: "run" | "transaction") {
    this.#scope = scope;
    this.#of = of;
  }

  // The scope beneath comes first: why a transaction was lost says more than that it is over.
  readonly assertOpen = (): void => {
    this.#scope.assertOpen();
    if (!this.#open) throw new SessionClosedError(this.#of);
  };

  enclose<T>(fn: () => Promise<T>): Promise<T> {
    return this.#scope.enclose(fn);
  }

  async execute<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.assertOpen();
    return await this.#scope.execute<Row>(query, this.assertOpen);
  }

  async *stream<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    this.assertOpen();
    const rows = this.#scope.stream<Row>(query, this.assertOpen);
    this.#streams.add(rows);
    try {
      yield* rows;
    } finally {
      this.#streams.delete(rows);
    }
    this.assertOpen();
  }

  async unit<T>(work: (statements: Statements) => T | Promise<T>): Promise<T> {
    this.assertOpen();
    return await this.#scope.unit(work, this.assertOpen);
  }

  refuseNested(): void {
    this.#scope.refuseNested();
  }

  afterCommit(listener: () => void): void {
    this.#scope.afterCommit(listener);
  }

  async begin(): Promise<TransactionScope> {
    this.assertOpen();
    const transaction = await this.#scope.begin(this.assertOpen);
    // The session may have ended since the guard was asked.
    if (!this.#open) {
      await transaction.rollback();
      throw new SessionClosedError(this.#of);
    }
    this.#transaction = transaction;
    return transaction;
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const rows of this.#streams) void rows.return?.();
    // A transaction ends by its own commit or rollback.
    if (this.#of === "run") this.#transaction?.abort(new SessionClosedError("run"));
  }
}
