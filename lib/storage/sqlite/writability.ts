import { statfsSync } from "node:fs";
import {
  DatabaseBusyError,
  DatabaseCorruptError,
  DatabaseMovedError,
  type DatabaseUnavailableError,
} from "../errors.ts";
import type { SqliteConnection } from "./connection.ts";
import type { Mutex } from "./mutex.ts";
import { type ForeignLock, retryWhileBusy } from "./retry_while_busy.ts";

/** Seconds for which a check awaits another process's lock. */
const PATIENCE = 1;
/** Bytes; with fewer it looks whether there is room at all. */
const LITTLE_ROOM = 1024 * 1024;

export interface WritabilityOptions {
  readonly url: string;
  /** The file. It is asked for when there is one. */
  readonly path: () => string;
  /** Seconds. */
  readonly busyTimeout: number;
  /** Behind which everybody writes. */
  readonly queue: Mutex;
  readonly lock: ForeignLock;
}

/**
 * Tells whether an SQLite file can be written.
 *
 * It writes only where there is reason for doubt: a statement has failed since it last could, or
 * there is little room on the disk. Else a write that is rolled back, and so never comes to the
 * disk, tells all but whether there is room.
 */
export class Writability {
  readonly #options: WritabilityOptions;
  #trouble: DatabaseUnavailableError | undefined;

  constructor(options: WritabilityOptions) {
    this.#options = options;
  }

  /** A statement has failed because of this. */
  note(trouble: DatabaseUnavailableError): void {
    // What is damaged stays so, whatever can be written beside it.
    if (!(this.#trouble instanceof DatabaseCorruptError)) this.#trouble = trouble;
  }

  /** It has been opened anew: what was in the way then, may be no more. */
  forget(): void {
    this.#trouble = undefined;
  }

  /**
   * Resolves to what may soon be in the way, or undefined.
   *
   * @throws {DatabaseUnavailableError} where the file can't be written.
   */
  async check(writer: SqliteConnection): Promise<string | undefined> {
    if (writer.hasMoved) throw new DatabaseMovedError(this.#options.url);
    if (this.#trouble instanceof DatabaseCorruptError) throw this.#trouble;
    const isTight = this.#isTight();
    const isDoubtful = isTight || this.#trouble !== undefined;
    const { queue } = this.#options;
    // Whoever is writing would tell; a transaction may be open for long.
    if (isDoubtful || !queue.isHeld) {
      await queue.acquire();
      try {
        await this.#try(writer, isDoubtful);
      } finally {
        queue.release();
      }
    }
    return this.#locked() ?? (isTight ? "its disk is nearly full" : undefined);
  }

  async #try(writer: SqliteConnection, keeps: boolean): Promise<void> {
    const { url, lock, busyTimeout } = this.#options;
    const waits = { url, busyTimeout: Math.min(PATIENCE, busyTimeout) };
    const turn = { lock, asked: performance.now() };
    try {
      await retryWhileBusy(() => writer.run("BEGIN IMMEDIATE"), waits, turn);
      writer.touch();
      if (!keeps) return;
      await retryWhileBusy(() => writer.run("COMMIT"), waits);
      this.#trouble = undefined;
    } catch (error) {
      // How long it is in the way already, is looked at afterwards.
      if (!(error instanceof DatabaseBusyError)) throw error;
    } finally {
      if (writer.inTransaction) writer.run("ROLLBACK");
    }
  }

  /** @throws {DatabaseBusyError} where a lock of another process lets statements fail. */
  #locked(): string | undefined {
    const { url, lock, busyTimeout } = this.#options;
    if (lock.since === undefined) return undefined;
    const seconds = (performance.now() - lock.since) / 1_000;
    if (seconds >= busyTimeout) throw new DatabaseBusyError(url, busyTimeout);
    if (seconds < PATIENCE) return undefined;
    return `another process has kept it locked for ${seconds.toFixed(0)} seconds`;
  }

  // As SQLite does whatever it does: at once, some microseconds where the disk is a local one.
  #isTight(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.#options.path());
      return bavail * bsize < LITTLE_ROOM;
    } catch {
      // Not every system tells; then a write that fails does.
      return false;
    }
  }
}
