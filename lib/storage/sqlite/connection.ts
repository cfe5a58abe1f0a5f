import { Database, SQLiteError, type SQLQueryBindings, type Statement } from "bun:sqlite";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { BunSqliteDialect } from "kysely-bun-sqlite";
import { MultipleStatementsError, TransactionStatementError } from "../errors.ts";
import {
  isSetting,
  isTransactionControl,
  mayHoldSeveral,
  secondStatement,
  setsForeignKeys,
} from "./statement_text.ts";

const REMEMBERED_STATEMENTS = 1_000;

export type StatementKind = "read" | "write" | "setting";

/** One connection to an SQLite file; its statements run through kysely-bun-sqlite. */
export class SqliteConnection {
  readonly #database: Database;
  readonly #connection: DatabaseConnection;
  readonly #kinds = new Map<string, StatementKind>();
  /** As many as taskmount has of its own; users' statements don't come here. */
  readonly #prepared = new Map<string, Statement<unknown, SQLQueryBindings[]>>();

  private constructor(database: Database, connection: DatabaseConnection) {
    this.#database = database;
    this.#connection = connection;
  }

  /** @throws {SQLiteError} SQLITE_CANTOPEN where the file can't be opened, or is missing and not to be made. */
  static async open(path: string, { create }: { create: boolean }): Promise<SqliteConnection> {
    const database = new FreshDatabase(path, { create, readwrite: true });
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

  /** Changes when another connection has committed; undefined while a transaction is open. */
  get dataVersion(): number | undefined {
    if (this.inTransaction) return undefined;
    return this.#database.query<{ data_version: number }, []>("PRAGMA data_version").get()
      ?.data_version;
  }

  /** What the statement does to the file, by SQLite's word, or else to the connection. */
  kindOf(sql: string): StatementKind {
    let kind = this.#kinds.get(sql);
    if (kind === undefined) {
      const statement = this.#database.prepare(sql);
      if (!statement.readonly) kind = "write";
      else kind = isSetting(sql) ? "setting" : "read";
      statement.finalize();
      if (this.#kinds.size >= REMEMBERED_STATEMENTS) this.#kinds.clear();
      this.#kinds.set(sql, kind);
    }
    return kind;
  }

  /** @throws {SQLiteError} SQLITE_BUSY while another connection is using the file. */
  enableWriteAheadLog(): void {
    const mode = this.#database.prepare("PRAGMA journal_mode = WAL").values()[0]?.[0];
    if (mode !== "wal") {
      throw new Error(`SQLite can't use a write-ahead log there (it answered "${mode}")`);
    }
  }

  /** Runs a statement that takes no parameters and whose rows nobody reads. */
  run(sql: string): void {
    this.#database.run(sql);
  }

  /** Has run the statement when it returns, so that nothing comes between two calls. */
  execute<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#assertAllowed(query.sql);
    return this.#connection.executeQuery<Row>(query);
  }

  /** As `execute()`, with the rows at once, and prepared only the first time: for the few statements that run all the time. */
  all<Row>(query: CompiledQuery<Row>, parameters = query.parameters): Row[] {
    const { sql } = query;
    // Not by bun:sqlite's query(), which remembers no more than twenty.
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare<unknown, SQLQueryBindings[]>(sql);
      this.#prepared.set(sql, statement);
    }
    // The rows are what the compiled query says.
    return statement.all(...toBindings(parameters)) as Row[];
  }

  // kysely-bun-sqlite's own streaming looks for a property that Bun's statements don't have.
  *rows<Row>({ sql, parameters }: CompiledQuery): IterableIterator<Row> {
    this.#assertAllowed(sql);
    const statement = this.#database.prepare<Row, SQLQueryBindings[]>(sql);
    try {
      yield* statement.iterate(...toBindings(parameters));
    } finally {
      statement.finalize();
    }
  }

  /** With every statement on it, else the file and its log would stay in use until these are collected. */
  close(): void {
    this.#database.close(true);
  }

  #assertAllowed(sql: string): void {
    if (isTransactionControl(sql)) {
      throw new TransactionStatementError(
        sql,
        "a transaction begins and ends with session.transaction() or Kysely's transaction().",
      );
    }
    if (this.inTransaction && setsForeignKeys(sql)) {
      throw new TransactionStatementError(
        sql,
        "SQLite ignores it inside a transaction. Run it before and after; for a migration, use the Migrator's disableTransactions.",
      );
    }
    if (!mayHoldSeveral(sql)) return;
    const statement = this.#database.prepare(sql);
    const second = secondStatement(sql, statement.toString());
    statement.finalize();
    if (second !== undefined) throw new MultipleStatementsError(second);
  }
}

/** A database that prepares by the schema as it is; SQLite itself looks again after some errors only. */
class FreshDatabase extends Database {
  override prepare<Row, Parameters extends SQLQueryBindings | SQLQueryBindings[]>(
    sql: string,
    parameters?: Parameters,
  ) {
    try {
      return super.prepare<Row, Parameters>(sql, parameters);
    } catch {
      // An old schema that still has what another connection dropped or renamed is
      // one reason to fail; any other one fails again.
      this.run("SELECT 1 FROM sqlite_schema LIMIT 0");
      return super.prepare<Row, Parameters>(sql, parameters);
    }
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
