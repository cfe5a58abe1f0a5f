import { SQLiteError } from "bun:sqlite";
import { AsyncLocalStorage } from "node:async_hooks";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { CompiledQuery, QueryResult } from "kysely";
import {
  DatabaseClosedError,
  DatabaseOpenError,
  DatabaseReadOnlyError,
  DatabaseUnavailableError,
  NestedWriteError,
  TransactionStatementError,
} from "../errors.ts";
import type { Lease, LeaseOptions } from "../lease.ts";
import type { Statements, Store } from "../scope.ts";
import { type BackupOptions, backUp } from "./backup.ts";
import { SqliteConnection } from "./connection.ts";
import { sqliteDialect } from "./dialect.ts";
import { ForeignCommits } from "./foreign_commits.ts";
import { acquireLease } from "./lease.ts";
import { Mutex } from "./mutex.ts";
import { PrivateLeases } from "./private_lease.ts";
import { type ForeignLock, retryWhileBusy, type Turn } from "./retry_while_busy.ts";
import { TemporaryFile } from "./temporary_file.ts";
import { OpenTransaction, Transaction, type Writer } from "./transaction.ts";
import { Writability } from "./writability.ts";

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

/** What one callback has begun: `begin()` fills it in for what the callback does next. */
interface Frame {
  transaction: Transaction | undefined;
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
  readonly #file: { readonly path: string };
  readonly #temporary: TemporaryFile | undefined;
  readonly #busyTimeout: number;
  readonly #transactionTimeout: number;
  readonly #queue = new Mutex();
  readonly #lock: ForeignLock = { since: undefined };
  readonly #frames = new AsyncLocalStorage<Frame>();
  readonly #writability: Writability;
  readonly #streaming = new Set<SqliteConnection>();
  readonly #privateLeases: PrivateLeases | undefined;
  readonly #listeners = new Set<() => void>();
  #foreignCommits: ForeignCommits | undefined;
  #connections: Promise<Connections> | undefined;
  #closing: Promise<void> | undefined;

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
    this.#privateLeases = this.#temporary && new PrivateLeases(this.url);
    // Streams open it later, when the working directory may be another one.
    this.#file = this.#temporary ?? { path: resolve(path) };
    this.#transactionTimeout = transactionTimeout;
    this.#busyTimeout = busyTimeout;
    this.#writability = new Writability({
      url: this.url,
      path: () => this.#file.path,
      busyTimeout,
      queue: this.#queue,
      lock: this.#lock,
    });
  }

  assertOpen(): void {
    if (this.#closing !== undefined) throw new DatabaseClosedError(this.url);
  }

  enclose<T>(fn: () => Promise<T>): Promise<T> {
    return this.#frames.run({ transaction: this.#enclosing }, fn);
  }

  async execute<Row>(query: CompiledQuery, guard?: () => void): Promise<QueryResult<Row>> {
    const { reader, writer } = await this.#open();
    const kind = await this.#attempt(() => reader.kindOf(query.sql), guard);
    if (kind === "read") return await this.#attempt(() => runAlone<Row>(reader, query), guard);
    const turn = await this.#acquireWriter();
    try {
      const result = await this.#attempt(() => runAlone<Row>(writer, query), guard, turn);
      if (kind === "setting") await runAlone(reader, query);
      return result;
    } finally {
      this.#queue.release();
    }
  }

  async read<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    const { reader } = await this.#open();
    return await this.#attempt(() => reader.all<Row>(query));
  }

  // A connection of its own: while one of its statements is open, a connection sees nothing new.
  async *stream<Row>(
    query: CompiledQuery,
    guard?: () => void,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const { reader } = await this.#open();
    if ((await this.#attempt(() => reader.kindOf(query.sql), guard)) !== "read") {
      yield await this.execute<Row>(query, guard);
      return;
    }
    const connection = await this.#attempt(() => this.#openConnection({ create: false }), guard);
    this.#streaming.add(connection);
    try {
      const { rows, first } = await this.#attempt(() => {
        const rows = connection.rows<Row>(query);
        return { rows, first: rows.next() };
      }, guard);
      for (let next = first; !next.done; next = rows.next()) {
        yield { rows: [next.value] };
        this.assertOpen();
        guard?.();
      }
    } finally {
      this.#streaming.delete(connection);
      connection.close();
    }
  }

  async unit<T>(work: (statements: Statements) => T | Promise<T>, guard?: () => void): Promise<T> {
    const { writer } = await this.#open();
    const turn = await this.#acquireWriter();
    try {
      await this.#attempt(() => writer.run("BEGIN IMMEDIATE"), guard, turn);
      const result = await work(writer);
      await this.#retry(() => writer.run("COMMIT"));
      return result;
    } finally {
      try {
        if (writer.inTransaction) writer.run("ROLLBACK");
      } finally {
        this.#queue.release();
      }
    }
  }

  async probe(): Promise<string | undefined> {
    const { writer } = await this.#open();
    // It may have been closed since it was opened.
    this.assertOpen();
    return await this.#writability.check(writer);
  }

  async backup(path: string, options: BackupOptions): Promise<void> {
    this.assertOpen();
    // A file is there, or there is nothing to be kept.
    if (this.#temporary !== undefined) await this.#open();
    await backUp({
      ...options,
      url: this.url,
      from: this.#file.path,
      to: resolve(path),
      busyTimeout: this.#busyTimeout,
    });
  }

  async lease(options: LeaseOptions): Promise<Lease> {
    await this.#open();
    return this.#privateLeases?.acquire(options) ?? (await acquireLease(this.#file.path, options));
  }

  async onForeignCommit(listener: () => void): Promise<Disposable> {
    const { writer } = await this.#open();
    // It may have been closed since it was opened.
    this.assertOpen();
    // A function of its own: the same listener may be added twice.
    const listening = () => listener();
    this.#listeners.add(listening);
    this.#foreignCommits ??= new ForeignCommits({
      path: this.#file.path,
      // Of all connections here it alone commits, so that any other's commit is a foreign one.
      version: () => writer.dataVersion,
      onCommit: () => {
        for (const each of this.#listeners) each();
      },
    });
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listening);
        if (this.#listeners.size === 0) this.#stopListening();
      },
    };
  }

  // Each statement has committed when it returns.
  afterCommit(listener: () => void): void {
    listener();
  }

  refuseNested(): void {
    if (this.#enclosing !== undefined) throw new NestedWriteError();
  }

  async begin(guard?: () => void): Promise<Transaction> {
    const frame = this.#frames.getStore();
    const { writer: connection } = await this.#open();
    const turn = await this.#acquireWriter();
    try {
      await this.#attempt(() => connection.run("BEGIN IMMEDIATE"), guard, turn);
    } catch (error) {
      this.#queue.release();
      throw error;
    }
    const writer: Writer = {
      connection,
      transactionTimeout: this.#transactionTimeout,
      commit: () => this.#retry(() => connection.run("COMMIT")),
      release: () => this.#queue.release(),
    };
    const transaction = new Transaction(new OpenTransaction(writer));
    if (frame !== undefined) frame.transaction = transaction;
    return transaction;
  }

  async close(): Promise<void> {
    this.refuseNested();
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopListening();
    for (const connection of this.#streaming) connection.close();
    try {
      const opened = await this.#connections?.catch(() => {
        // What couldn't be opened needs no closing; whoever waited for it has the error.
      });
      await this.#queue.acquire();
      opened?.reader.close();
      opened?.writer.close();
      this.#queue.release();
    } finally {
      this.#temporary?.remove();
    }
  }

  #stopListening(): void {
    this.#foreignCommits?.[Symbol.dispose]();
    this.#foreignCommits = undefined;
  }

  /** The open transaction, begun around what runs now, that a write would wait for. */
  get #enclosing(): Transaction | undefined {
    const transaction = this.#frames.getStore()?.transaction;
    return transaction?.holdsWriter ? transaction : undefined;
  }

  async #acquireWriter(): Promise<Turn> {
    this.refuseNested();
    const asked = performance.now();
    await this.#queue.acquire();
    return { lock: this.#lock, asked };
  }

  /** Runs a statement, unless the database was closed or `guard` throws before its turn comes. */
  #attempt<T>(statement: () => T | Promise<T>, guard?: () => void, turn?: Turn): Promise<T> {
    return this.#retry(() => {
      this.assertOpen();
      guard?.();
      return statement();
    }, turn);
  }

  #retry<T>(attempt: () => T | Promise<T>, turn?: Turn): Promise<T> {
    return retryWhileBusy(attempt, { url: this.url, busyTimeout: this.#busyTimeout }, turn);
  }

  async #open(): Promise<Connections> {
    this.assertOpen();
    this.#connections ??= this.#connect().catch((error: unknown) => {
      // The next statement tries again.
      this.#connections = undefined;
      throw error;
    });
    return await this.#connections;
  }

  #openConnection({ create }: { create: boolean }): Promise<SqliteConnection> {
    return SqliteConnection.open(this.#file.path, {
      create,
      url: this.url,
      onTrouble: (trouble) => this.#writability.note(trouble),
    });
  }

  async #connect(): Promise<Connections> {
    const opened: SqliteConnection[] = [];
    const open = async () => {
      const connection = await this.#openConnection({ create: true });
      opened.push(connection);
      return connection;
    };
    try {
      const writer = await this.#retry(open);
      await this.#retry(() => writer.enableWriteAheadLog());
      writer.run("PRAGMA foreign_keys = ON");
      writer.run(`PRAGMA synchronous = ${this.#temporary === undefined ? "NORMAL" : "OFF"}`);
      const reader = await this.#retry(open);
      // It enforces nothing on a connection that only reads, but it is what a look at it should find.
      reader.run("PRAGMA foreign_keys = ON");
      this.#writability.forget();
      return { writer, reader };
    } catch (error) {
      for (const connection of opened) connection.close();
      throw this.#whyNot(error);
    }
  }

  #whyNot(error: unknown): Error {
    const refuse = (reason: string) => new DatabaseOpenError(this.url, reason, { cause: error });
    const code = codeOf(error);
    if (code === "SQLITE_CANTOPEN") {
      const { path } = this.#file;
      const folder = dirname(path);
      if (isFolder(path)) return refuse("it is a folder");
      if (!isFolder(folder)) return refuse(`the folder "${folder}" doesn't exist`);
      if (!isWritable(folder)) {
        if (existsSync(path)) return new DatabaseReadOnlyError(this.url, { cause: error });
        return refuse(`the folder "${folder}" can't be written to`);
      }
    }
    if (code === "SQLITE_NOTADB") {
      return refuse(
        "the file is not a database: it never was one, or its beginning is damaged. Give another path, or restore a backup.",
      );
    }
    if (error instanceof DatabaseUnavailableError) return error;
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** SQLite's code of an error, or of what has caused it. */
function codeOf(error: unknown): string | undefined {
  const thrown = error instanceof DatabaseUnavailableError ? error.cause : error;
  return thrown instanceof SQLiteError ? thrown.code : undefined;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    // By its mode, or how its disk is mounted.
    return false;
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** Runs one statement that commits by itself. */
function runAlone<Row>(
  connection: SqliteConnection,
  query: CompiledQuery,
): Promise<QueryResult<Row>> {
  const result = connection.execute<Row>(query);
  if (!connection.inTransaction) return result;
  connection.run("ROLLBACK");
  throw new TransactionStatementError(query.sql, "a savepoint needs a transaction around it.");
}
