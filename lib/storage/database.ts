import type { CompiledQuery, Kysely } from "kysely";
import { UnsupportedDatabaseError } from "./errors.ts";
import { kyselyOn } from "./kysely_on.ts";
import type { Lease, LeaseOptions } from "./lease.ts";
import { migrate } from "./migrations.ts";
import { TABLES } from "./schema/mod.ts";
import type { Statements, Store } from "./scope.ts";
import { Session } from "./session.ts";
import { type SqliteOptions, SqliteStore } from "./sqlite/mod.ts";
import { TablePrefix } from "./table_prefix.ts";

export interface DatabaseOptions extends SqliteOptions {
  /**
   * What the names of taskmount's own tables begin with: letters, digits and
   * underscores.
   *
   * @default {"taskmount_"}
   */
  tablePrefix?: string;
}

/**
 * The database of a service: the user's own tables, and taskmount's.
 *
 * It opens with its first statement. Reads never wait for an open transaction;
 * writes queue up behind it.
 *
 * @example
 * ```ts
 * await using database = Database.sqlite(":memory:");
 * const db = database.kysely<{ cities: { name: string } }>();
 * await db.schema.createTable("cities").addColumn("name", "text").execute();
 * await db.insertInto("cities").values({ name: "Oslo" }).execute();
 * ```
 */
export class Database implements AsyncDisposable {
  /** What `Database.open()` opens it by, such as `sqlite:app.db`. */
  readonly url: string;
  /** What the names of taskmount's own tables begin with. */
  readonly tablePrefix: string;
  readonly #store: Store;
  readonly #kysely: Kysely<unknown>;
  #migrating: Promise<void> | undefined;
  #isMigrated = false;

  private constructor(store: Store, { tablePrefix = "taskmount_" }: DatabaseOptions) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(tablePrefix)) {
      throw new TypeError(
        `Cannot use "${tablePrefix}" as tablePrefix: it is letters, digits and underscores`,
      );
    }
    this.url = store.url;
    this.tablePrefix = tablePrefix;
    this.#store = store;
    this.#kysely = kyselyOn<unknown>(store, store.dialect);
  }

  /**
   * An SQLite file, made where there is none, or `:memory:` for a private one
   * that goes with `close()`.
   *
   * @throws {RangeError} where a time-out is no positive number of seconds.
   */
  static sqlite(path: string, options: DatabaseOptions = {}): Database {
    if (path === "" || path.includes("\0")) {
      throw new UnsupportedDatabaseError(path, 'give a path, or ":memory:"');
    }
    return new Database(new SqliteStore(path, options), options);
  }

  /**
   * Opens what a `DATABASE_URL` names: a path, `:memory:`, or `sqlite:PATH`.
   *
   * @throws {UnsupportedDatabaseError} for any other scheme.
   */
  static open(url: string, options: DatabaseOptions = {}): Database {
    // One letter before the colon is a Windows drive.
    const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();
    if (scheme === undefined) return Database.sqlite(url, options);
    if (scheme !== "sqlite") {
      throw new UnsupportedDatabaseError(
        redactPassword(url),
        `it is a path, ":memory:" or "sqlite:PATH" (a file whose name has a colon: "./name")`,
      );
    }
    const path = url.slice("sqlite:".length);
    if (path.startsWith("//")) {
      throw new UnsupportedDatabaseError(
        url,
        `write "sqlite:PATH" without "//", as in "sqlite:app.db" or "sqlite:/data/app.db"`,
      );
    }
    return Database.sqlite(path, options);
  }

  /** The typed Kysely handle, over the tables that the caller declares. */
  kysely<Tables>(): Kysely<Tables> {
    // The tables are the caller's word, as in `new Kysely<Tables>()`.
    return this.#kysely as Kysely<Tables>;
  }

  /** A session outside a run, for scripts and tests; end it with `using`. */
  session(): Session {
    return new Session(this.#store, this.#store.dialect);
  }

  /**
   * Runs `fn` in a transaction, as {@linkcode Session.transaction} does within a run.
   *
   * @throws {TransactionTimeoutError} when it is still open after `transactionTimeout`.
   * @throws {DatabaseBusyError} when another process holds the lock longer than `busyTimeout`.
   * @throws {NestedWriteError} inside a transaction that this one bypasses.
   */
  async transaction<T>(fn: (tx: Session) => T | Promise<T>): Promise<T> {
    using session = this.session();
    return await session.transaction(fn);
  }

  /**
   * The handle on taskmount's own tables, whose names it prefixes, here or in a session.
   *
   * @internal
   */
  own<Tables>(session?: Session): Kysely<Tables> {
    const kysely = session?.kysely<Tables>() ?? this.kysely<Tables>();
    return kysely.withPlugin(new TablePrefix(this.tablePrefix, TABLES));
  }

  /**
   * As {@linkcode Reads.read}, beside whoever writes.
   *
   * @internal
   */
  read<Row>(query: CompiledQuery<Row>): Promise<readonly Row[]> {
    return this.#store.read(query);
  }

  /**
   * As {@linkcode Scope.unit}.
   *
   * @internal
   */
  unit<T>(work: (statements: Statements) => T | Promise<T>): Promise<T> {
    return this.#store.unit(work);
  }

  /**
   * As {@linkcode Store.probe}.
   *
   * @internal
   */
  probe(): Promise<string | undefined> {
    return this.#store.probe();
  }

  /**
   * As {@linkcode Store.lease}.
   *
   * @internal
   */
  lease(options: LeaseOptions): Promise<Lease> {
    return this.#store.lease(options);
  }

  /**
   * As {@linkcode Store.onForeignCommit}.
   *
   * @internal
   */
  onForeignCommit(listener: () => void): Promise<Disposable> {
    return this.#store.onForeignCommit(listener);
  }

  /**
   * As {@linkcode Scope.refuseNested}.
   *
   * @internal
   */
  refuseNested(): void {
    this.#store.refuseNested();
  }

  /**
   * Brings taskmount's own tables up to date. A service does this when it starts.
   *
   * Inside a transaction, which would wait for itself, it is done through its session.
   *
   * @throws {DatabaseSchemaError} where a newer version has changed them; nothing is changed then.
   */
  async migrate({ session }: { session?: Session } = {}): Promise<void> {
    this.#store.assertOpen();
    if (this.#isMigrated) return;
    if (session !== undefined) {
      return await migrate(session.kysely<unknown>(), this);
    }
    this.#migrating ??= migrate(this.#kysely, this).finally(() => {
      // Where it has failed, the next call tries again.
      this.#migrating = undefined;
    });
    await this.#migrating;
    this.#isMigrated = true;
  }

  /**
   * Copies the database to a new file, while it is used here and by other processes: all that
   * was committed before, as of one moment, compacted, and on the disk when this resolves. The name
   * is given to a whole copy alone, so that a backup that fails, or is killed, leaves none.
   *
   * It reads beside whoever writes, in a thread of its own, some seconds for a gigabyte. Where
   * `signal` aborts, the thread ends when SQLite is done, which can't be interrupted.
   *
   * @throws {DatabaseBackupError} where there is a file of that name, or it can't be written.
   * @throws {DatabaseOpenError} where there is no database yet.
   * @throws {DatabaseCorruptError} where the database is damaged.
   *
   * @example
   * ```ts
   * await database.backup(`backups/${new Date().toISOString().slice(0, 10)}.db`);
   * ```
   */
  async backup(path: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#store.backup(path, options);
  }

  /**
   * Ends streams, waits for the open transaction, then closes the database.
   *
   * @throws {NestedWriteError} inside a transaction, which would wait for itself.
   */
  async close(): Promise<void> {
    await this.#store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A URL for an error message, since errors end up in logs. */
function redactPassword(url: string): string {
  return url.replace(/(:\/\/[^:/@]*):.*@/, "$1:***@");
}
