import {
  CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
} from "kysely";
import type { Scope, Store, TransactionScope } from "./scope.ts";

/** A Kysely handle whose statements run in `scope`. `Tables` is the caller's word. */
export function kyselyOn<Tables>(scope: Scope, parts: Store["dialect"]): Kysely<Tables> {
  const driver = new ScopeDriver(scope);
  const dialect: Dialect = {
    createAdapter: () => parts.createAdapter(),
    createQueryCompiler: () => parts.createQueryCompiler(),
    createIntrospector: (kysely) => parts.createIntrospector(kysely),
    createDriver: () => driver,
  };
  const executor = new DefaultQueryExecutor(
    dialect.createQueryCompiler(),
    dialect.createAdapter(),
    driver,
  );
  return new Kysely<Tables>({ config: { dialect }, dialect, driver, executor });
}

/** Kysely's driver over a scope. It holds no connection: the scope finds one for each statement. */
class ScopeDriver implements Driver, ConnectionProvider {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async init(): Promise<void> {}

  /** Rejects as soon as a transaction begun by `consumer` is lost, even where `consumer` hangs. */
  async provideConnection<T>(consumer: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const connection = new ScopeConnection(this.#scope);
    try {
      return await Promise.race([this.#scope.enclose(() => consumer(connection)), connection.lost]);
    } finally {
      await connection.end();
    }
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new ScopeConnection(this.#scope);
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).rollback();
  }

  async savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`SAVEPOINT ${quoteIdentifier(name)}`));
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`ROLLBACK TO ${quoteIdentifier(name)}`));
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(`RELEASE ${quoteIdentifier(name)}`));
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    await ours(connection).end();
  }

  // The connections belong to the Database, which its owner closes.
  async destroy(): Promise<void> {}
}

/** What Kysely takes for one connection: the scope, or the transaction begun on it. */
class ScopeConnection implements DatabaseConnection {
  /** Rejects where a transaction begun on it was lost. */
  readonly lost: Promise<never>;
  readonly #scope: Scope;
  readonly #lose: (reason: unknown) => void;
  #transaction: TransactionScope | undefined;
  #over = false;

  constructor(scope: Scope) {
    this.#scope = scope;
    const { promise, reject } = Promise.withResolvers<never>();
    this.lost = promise;
    this.#lose = reject;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return (this.#transaction ?? this.#scope).execute<Row>(query);
  }

  streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    return (this.#transaction ?? this.#scope).stream<Row>(query);
  }

  async begin(): Promise<void> {
    this.#transaction?.assertOpen();
    this.#transaction = await this.#scope.begin();
    this.#transaction.lost.catch((reason: unknown) => {
      this.#over = true;
      this.#lose(reason);
    });
  }

  async commit(): Promise<void> {
    await this.#transaction?.commit();
    this.#leave();
  }

  async rollback(): Promise<void> {
    await this.#transaction?.rollback();
    this.#leave();
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#transaction?.rollback();
  }

  // Within Kysely's `connection()` statements may follow the transaction. A callback
  // that goes on although its promise was settled must not: it meets the old transaction.
  #leave(): void {
    if (!this.#over) this.#transaction = undefined;
  }
}

function ours(connection: DatabaseConnection): ScopeConnection {
  if (connection instanceof ScopeConnection) return connection;
  throw new TypeError("This connection belongs to another driver");
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
