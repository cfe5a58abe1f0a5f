import { SQLiteError } from "bun:sqlite";
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { CompiledQuery, QueryResult } from "kysely";
import {
  DatabaseClosedError,
  DatabaseOpenError,
  NestedWriteError,
  TransactionStatementError,
} from "../errors.ts";
import type { Store } from "../scope.ts";
import { SqliteConnection } from "./connection.ts";
import { sqliteDialect } from "./dialect.ts";
import { Mutex } from "./mutex.ts";
import { retryWhileBusy } from "./retry_while_busy.ts";
import { TemporaryFile } from "./temporary_file.ts";
import { OpenTransaction, Transaction, type Writer } from "./transaction.ts";

/** How a database waits; in seconds. */
export interface SqliteOptions {
  /**
   * How long a transaction may stay open before it is rolled back, in seconds.
   *
   * @default {10}
   */
  transactionTimeout?: number;
  /**
   * How long another process's lock is awaited, in seconds. Keep it above
   * `transactionTimeout`, so that no transaction makes another process fail.
   *
   * @default {15}
   */
  busyTimeout?: number;
}

interface Connections {
  readonly writer: SqliteConnection;
  readonly reader: SqliteConnection;
}

/**
 * An SQLite file in WAL mode: one connection that writes, behind a queue, and
 * one that reads, so that reads never wait for a transaction.
 *
 * `:memory:` is a private temporary file, since SQLite's own memory mode has
 * no readers beside a writer.
 */
export class SqliteStore implements Store {
  readonly url: string;
  readonly dialect: Store["dialect"] = sqliteDialect;
  readonly #path: string;
  readonly #temporary: TemporaryFile | undefined;
  readonly #busyTimeout: number;
  readonly #transactionTimeout: number;
  readonly #queue = new Mutex();
  readonly #enclosing = new AsyncLocalStorage<Transaction>();
  #connections: Promise<Connections> | undefined;
  #closed = false;

  /** @throws {RangeError} where a time-out is no positive number of seconds. */
  constructor(path: string, { transactionTimeout = 10, busyTimeout = 15 }: SqliteOptions = {}) {
    for (const [option, seconds] of Object.entries({ transactionTimeout, busyTimeout })) {
      if (!(seconds > 0 && seconds <= 2_000_000)) {
        throw new RangeError(
          `Cannot use ${seconds} as ${option}: it is a positive number of seconds`,
        );
      }
    }
    this.url = `sqlite:${path}`;
    this.#temporary = path === ":memory:" ? new TemporaryFile() : undefined;
    this.#path = this.#temporary?.path ?? path;
    this.#transactionTimeout = transactionTimeout;
    this.#busyTimeout = busyTimeout;
  }

  async execute<Row>(query: CompiledQuery, guard?: () => void): Promise<QueryResult<Row>> {
    const { reader, writer } = await this.#open();
    const run = (connection: SqliteConnection) =>
      this.#retry(() => {
        guard?.();
        return runAlone<Row>(connection, query);
      });
    if (await this.#retry(() => reader.isReadOnly(query.sql))) return await run(reader);
    await this.#acquireWriter();
    try {
      return await run(writer);
    } finally {
      this.#queue.release();
    }
  }

  // A connection of its own: while one of its statements is open, a connection sees nothing new.
  async *stream<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    const { reader } = await this.#open();
    if (!(await this.#retry(() => reader.isReadOnly(query.sql)))) {
      yield await this.execute<Row>(query);
      return;
    }
    const connection = await this.#retry(() => SqliteConnection.open(this.#path));
    try {
      const rows = connection.stream<Row>(query);
      const first = await this.#retry(() => rows.next());
      if (!first.done) yield first.value;
      yield* rows;
    } finally {
      connection.close();
    }
  }

  async begin(guard?: () => void): Promise<Transaction> {
    const { writer: connection } = await this.#open();
    await this.#acquireWriter();
    try {
      await this.#retry(() => {
        guard?.();
        connection.run("BEGIN IMMEDIATE");
      });
    } catch (error) {
      this.#queue.release();
      throw error;
    }
    const writer: Writer = {
      connection,
      transactionTimeout: this.#transactionTimeout,
      commit: () => this.#retry(() => connection.run("COMMIT")),
      release: () => this.#queue.release(),
      enclose: (transaction, fn) => this.#enclosing.run(transaction, fn),
    };
    return new Transaction(new OpenTransaction(writer));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      const opened = await this.#connections;
      await this.#queue.acquire();
      opened?.reader.close();
      opened?.writer.close();
      this.#queue.release();
    } finally {
      this.#temporary?.remove();
    }
  }

  async #acquireWriter(): Promise<void> {
    if (this.#enclosing.getStore()?.holdsWriter) throw new NestedWriteError();
    await this.#queue.acquire();
    if (!this.#closed) return;
    this.#queue.release();
    throw new DatabaseClosedError(this.url);
  }

  #retry<T>(attempt: () => T | Promise<T>): Promise<T> {
    return retryWhileBusy(attempt, { url: this.url, busyTimeout: this.#busyTimeout });
  }

  #open(): Promise<Connections> {
    if (this.#closed) return Promise.reject(new DatabaseClosedError(this.url));
    this.#connections ??= this.#connect().catch((error: unknown) => {
      // The next statement tries again.
      this.#connections = undefined;
      throw error;
    });
    return this.#connections;
  }

  async #connect(): Promise<Connections> {
    const opened: SqliteConnection[] = [];
    const open = async () => {
      const connection = await SqliteConnection.open(this.#path);
      opened.push(connection);
      return connection;
    };
    try {
      const writer = await this.#retry(open);
      await this.#retry(() => writer.enableWriteAheadLog());
      writer.run("PRAGMA foreign_keys = ON");
      writer.run(`PRAGMA synchronous = ${this.#temporary === undefined ? "NORMAL" : "OFF"}`);
      const reader = await this.#retry(open);
      return { writer, reader };
    } catch (error) {
      for (const connection of opened) connection.close();
      if (!(error instanceof SQLiteError)) throw error;
      throw new DatabaseOpenError(this.url, this.#reason(error), { cause: error });
    }
  }

  #reason(error: SQLiteError): string {
    const folder = dirname(this.#path);
    if (error.code === "SQLITE_CANTOPEN" && !existsSync(folder)) {
      return `the folder "${folder}" doesn't exist`;
    }
    return error.message;
  }
}

/** Runs one statement that commits by itself. */
async function runAlone<Row>(
  connection: SqliteConnection,
  query: CompiledQuery,
): Promise<QueryResult<Row>> {
  const result = await connection.execute<Row>(query);
  if (connection.inTransaction) {
    connection.run("ROLLBACK");
    throw new TransactionStatementError(query.sql);
  }
  return result;
}
