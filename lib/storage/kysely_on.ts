import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
} from "kysely";
import type { Scope, Store, TransactionScope } from "./scope.ts";

/** A Kysely handle whose statements run in `scope`. `Tables` is the caller's word. */
export function kyselyOn<Tables>(scope: Scope, dialect: Store["dialect"]): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => dialect.createAdapter(),
      createQueryCompiler: () => dialect.createQueryCompiler(),
      createIntrospector: (kysely) => dialect.createIntrospector(kysely),
      createDriver: () => new ScopeDriver(scope),
    },
  });
}

/** Kysely's driver over a scope. It holds no connection: the scope finds one for each statement. */
class ScopeDriver implements Driver {
  readonly #scope: Scope;
  readonly #open = new WeakMap<DatabaseConnection, ScopeConnection>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const connection = new ScopeConnection(this.#scope);
    this.#open.set(connection, connection);
    return connection;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#opened(connection).begin();
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#opened(connection).transaction.commit();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#opened(connection).transaction.rollback();
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
    await this.#opened(connection).end();
  }

  // The connections belong to the Database, which its owner closes.
  async destroy(): Promise<void> {}

  #opened(connection: DatabaseConnection): ScopeConnection {
    const opened = this.#open.get(connection);
    if (opened === undefined) throw new TypeError("This connection belongs to another driver");
    return opened;
  }
}

/** What Kysely takes for one connection: the scope, or the transaction begun on it. */
class ScopeConnection implements DatabaseConnection {
  readonly #scope: Scope;
  #transaction: TransactionScope | undefined;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get transaction(): TransactionScope {
    if (this.#transaction === undefined) throw new Error("No transaction was begun");
    return this.#transaction;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return (this.#transaction ?? this.#scope).execute<Row>(query);
  }

  streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    return (this.#transaction ?? this.#scope).stream<Row>(query);
  }

  async begin(): Promise<void> {
    this.#transaction = await this.#scope.begin();
  }

  async end(): Promise<void> {
    await this.#transaction?.rollback();
    this.#transaction = undefined;
  }
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
