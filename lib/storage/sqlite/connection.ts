import { Database, SQLiteError, type SQLQueryBindings } from "bun:sqlite";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { BunSqliteDialect } from "kysely-bun-sqlite";

const REMEMBERED_STATEMENTS = 1_000;

/** One connection to an SQLite file; its statements run through kysely-bun-sqlite. */
export class SqliteConnection {
  readonly #database: Database;
  readonly #connection: DatabaseConnection;
  readonly #readOnly = new Map<string, boolean>();

  private constructor(database: Database, connection: DatabaseConnection) {
    this.#database = database;
    this.#connection = connection;
  }

  /** @throws {SQLiteError} SQLITE_CANTOPEN where the file can be neither opened nor made. */
  static async open(path: string): Promise<SqliteConnection> {
    const database = new Database(path, { create: true, readwrite: true });
    // A lock is awaited in JavaScript: SQLite's own wait would block the event loop.
    database.run("PRAGMA busy_timeout = 0");
    const driver = new BunSqliteDialect({ database }).createDriver();
    await driver.init();
    return new SqliteConnection(database, await driver.acquireConnection());
  }

  /** Whether a BEGIN is open on this connection. */
  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** Whether SQLite says that this statement writes nothing. */
  isReadOnly(sql: string): boolean {
    let readOnly = this.#readOnly.get(sql);
    if (readOnly === undefined) {
      const statement = this.#database.prepare(sql);
      readOnly = statement.readonly;
      statement.finalize();
      if (this.#readOnly.size >= REMEMBERED_STATEMENTS) this.#readOnly.clear();
      this.#readOnly.set(sql, readOnly);
    }
    return readOnly;
  }

  /** @throws {SQLiteError} SQLITE_BUSY while another connection is using the file. */
  enableWriteAheadLog(): void {
    const mode = this.#database.prepare("PRAGMA journal_mode = WAL").values()[0]?.[0];
    if (mode !== "wal")
      throw new Error(
        `Cannot use a write-ahead log on this file system (SQLite answered "${mode}")`,
      );
  }

  /** Runs a statement that takes no parameters and whose rows nobody reads. */
  run(sql: string): void {
    this.#database.run(sql);
  }

  execute<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#connection.executeQuery<Row>(query);
  }

  // kysely-bun-sqlite's own streaming looks for a property that Bun's statements don't have.
  async *stream<Row>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const statement = this.#database.prepare<Row, SQLQueryBindings[]>(sql);
    try {
      for (const row of statement.iterate(...toBindings(parameters))) yield { rows: [row] };
    } finally {
      statement.finalize();
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** Whether another connection's lock was in the way, so that the same statement may be tried again. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(BUSY|PROTOCOL)/.test(error.code ?? "");
}

// Kysely types parameters as unknown; what SQLite can't hold, bun:sqlite refuses with a TypeError.
function toBindings(parameters: readonly unknown[]): SQLQueryBindings[] {
  return parameters as SQLQueryBindings[];
}
