import { constants, Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import { BunSqliteDialect } from "kysely-bun-sqlite";
import {
  type DatabaseUnavailableError,
  MultipleStatementsError,
  TransactionStatementError,
} from "../errors.ts";
import { namedErrorOf } from "./named_errors.ts";
import {
  isSetting,
  isTransactionControl,
  mayHoldSeveral,
  secondStatement,
  setsForeignKeys,
} from "./statement_text.ts";

const REMEMBERED_STATEMENTS = 1_000;

export type StatementKind = "read" | "write" | "setting";

export interface ConnectionOptions {
  /** Whether the file is made where there is none. */
  readonly create: boolean;
  /** For error messages. */
  readonly url: string;
  /** Is told when SQLite can't use the file. @default {() => {}} */
  readonly onTrouble?: (trouble: DatabaseUnavailableError) => void;
}

/**
 * One connection to an SQLite file; its statements run through kysely-bun-sqlite.
 *
 * Its methods throw a {@linkcode DatabaseUnavailableError} where the file can't be used.
 */
export class SqliteConnection {
  readonly #database: Database;
  readonly #connection: DatabaseConnection;
  readonly #url: string;
  readonly #onTrouble: (trouble: DatabaseUnavailableError) => void;
  readonly #kinds = new Map<string, StatementKind>();
  /** As many as taskmount has of its own; users' statements don't come here. */
  readonly #prepared = new Map<string, Statement<unknown, SQLQueryBindings[]>>();

  private constructor(
    database: Database,
    connection: DatabaseConnection,
    { url, onTrouble = () => {} }: ConnectionOptions,
  ) {
    this.#database = database;
    this.#connection = connection;
    this.#url = url;
    this.#onTrouble = onTrouble;
  }

  /** @throws {SQLiteError} SQLITE_CANTOPEN where the file can't be opened, or is missing and not to be made. */
  static async open(path: string, options: ConnectionOptions): Promise<SqliteConnection> {
    const database = new FreshDatabase(path, { create: options.create, readwrite: true });
    // A lock is awaited in JavaScript: SQLite's own wait would block the event loop.
    database.run("PRAGMA busy_timeout = 0");
    const driver = new BunSqliteDialect({ database }).createDriver();
    await driver.init();
    return new SqliteConnection(database, await driver.acquireConnection(), options);
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

  /** Whether another file, or none, has its name by now. */
  get hasMoved(): boolean {
    const moved = new Int32Array(2);
    this.#database.fileControl(constants.SQLITE_FCNTL_HAS_MOVED, moved);
    return moved[0] !== 0;
  }

  /** What the statement does to the file, by SQLite's word, or else to the connection. */
  kindOf(sql: string): StatementKind {
    let kind = this.#kinds.get(sql);
    if (kind === undefined) {
      const statement = this.#named(() => this.#database.prepare(sql));
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
    const mode = this.#named(() => this.#database.prepare("PRAGMA journal_mode = WAL").values());
    if (mode[0]?.[0] !== "wal") {
      throw new Error(`SQLite can't use a write-ahead log there (it answered "${mode}")`);
    }
  }

  /** Runs a statement that takes no parameters and whose rows nobody reads. */
  run(sql: string): void {
    this.#named(() => this.#database.run(sql));
  }

  /**
   * Writes the first page as it is, within the transaction that is open: SQLite looks whether the
   * file may be written at once, and whether there is room when it commits.
   */
  touch(): void {
    this.#named(() => {
      const version = this.#database.prepare("PRAGMA user_version").values()[0]?.[0];
      this.#database.run(`PRAGMA user_version = ${Number(version)}`);
    });
  }

  /** Has run the statement when it returns, so that nothing comes between two calls. */
  execute<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#assertAllowed(query.sql);
    return this.#named(() => this.#connection.executeQuery<Row>(query));
  }

  /** As `execute()`, with the rows at once, and prepared only the first time: for the few statements that run all the time. */
  all<Row>(query: CompiledQuery<Row>, parameters = query.parameters): Row[] {
    const { sql } = query;
    // Not by bun:sqlite's query(), which remembers no more than twenty.
    let statement = this.#prepared.get(sql);
    try {
      if (statement === undefined) {
        statement = this.#database.prepare<unknown, SQLQueryBindings[]>(sql);
        this.#prepared.set(sql, statement);
      }
      // The rows are what the compiled query says.
      return statement.all(...toBindings(parameters)) as Row[];
    } catch (error) {
      throw this.#nameOf(error);
    }
  }

  // kysely-bun-sqlite's own streaming looks for a property that Bun's statements don't have.
  *rows<Row>({ sql, parameters }: CompiledQuery): IterableIterator<Row> {
    this.#assertAllowed(sql);
    const statement = this.#named(() => this.#database.prepare<Row, SQLQueryBindings[]>(sql));
    try {
      yield* statement.iterate(...toBindings(parameters));
    } catch (error) {
      throw this.#nameOf(error);
    } finally {
      statement.finalize();
    }
  }

  /** With every statement on it, else the file and its log would stay in use until these are collected. */
  close(): void {
    this.#database.close(true);
  }

  #named<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw this.#nameOf(error);
    }
  }

  #nameOf(error: unknown): unknown {
    const trouble = namedErrorOf(error, this.#url);
    if (trouble !== undefined) this.#onTrouble(trouble);
    return trouble ?? error;
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

// Kysely types parameters as unknown; what SQLite can't hold, bun:sqlite refuses with a TypeError.
function toBindings(parameters: readonly unknown[]): SQLQueryBindings[] {
  return parameters as SQLQueryBindings[];
}
