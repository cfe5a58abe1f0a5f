import { realpathSync, watch as watchFile } from "node:fs";

/** How often it looks where nothing is heard; in milliseconds. */
const POLL_INTERVAL = 1_000;

// When it looks again after it was told something, each the wait since the look before; in
// milliseconds. A commit is written to the log before it can be seen: some microseconds,
// or as long as a connection with synchronous=FULL waits for its disk.
const LOOKS_AGAIN = [1, 3, 1, 15, 80];
/** The one of these looks that ends the rest. */
const END_OF_REST = 1;
/** So often that look is repeated, at most, where one's own commits follow each other. */
const LONGEST_REST = 15;

/** The part of `node:fs`'s watcher that is used. */
export interface FileWatcher {
  on(event: "error", listener: () => void): unknown;
  close(): void;
}

export interface ForeignCommitsOptions {
  /** The database file; its log is `{path}-wal`. */
  readonly path: string;
  /**
   * SQLite's data_version as seen by a connection that commits itself: changes
   * when another connection has committed. undefined where it can't be told now
   * (an open transaction, closed). The numbers of two connections can't be
   * compared, so it is the same connection all along.
   */
  readonly version: () => number | undefined;
  /**
   * Called (never twice for the same version) when another connection has
   * committed. Where `version` couldn't be told at first, the first one is taken
   * for a commit, since one may have been missed. What it throws is dropped.
   */
  readonly onCommit: () => void;
  /** Watches a file without keeping the process alive; throws where it can't. */
  readonly watch?: (file: string, listener: () => void) => FileWatcher;
}

/**
 * Listens, from construction until disposed, for commits to an SQLite file by
 * other connections, those of other processes above all.
 *
 * The system tells when the write-ahead log is written to, and SQLite whether
 * another connection did it. The system tells of this process's own commits
 * too, which costs each a quarter more; so whenever it tells something, the log
 * isn't watched for the next few milliseconds, and looked at when they are over.
 * That rest doubles, the looks going on, while it tells of nothing but those.
 *
 * Once a second it looks unasked: the log may be missing, or replaced, or there
 * may be no more watches to be had.
 */
export class ForeignCommits implements Disposable {
  readonly #options: ForeignCommitsOptions;
  readonly #watch: NonNullable<ForeignCommitsOptions["watch"]>;
  readonly #poll: NodeJS.Timeout;
  #seen: number | undefined;
  #watcher: FileWatcher | undefined;
  #next: NodeJS.Timeout | undefined;
  /** How often the look at the end of the next rest is repeated. */
  #repeats = 0;
  #disposed = false;

  constructor(options: ForeignCommitsOptions) {
    this.#options = options;
    this.#watch = options.watch ?? watchUnreferenced;
    this.#seen = this.#version();
    this.#poll = setInterval(() => {
      // What only the poll has seen, the watcher should have told: its file may be gone.
      if (this.#look() || this.#watcher === undefined) this.#wake();
    }, POLL_INTERVAL).unref();
    this.#listen();
    this.#lookAgain(END_OF_REST + 1);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#next);
    this.#rest();
  }

  #wake(): void {
    this.#rest();
    const repeats = this.#repeats;
    this.#repeats = Math.min(repeats * 2 + 1, LONGEST_REST);
    this.#look();
    this.#lookAgain(0, repeats);
  }

  #rest(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  // Only after a rest: beside a watcher of a file that is gone, which another listener
  // may not have closed yet, Bun watches nothing.
  #listen(): void {
    try {
      // SQLite follows a link to a file, and keeps the log beside the file.
      const log = `${realpathSync(this.#options.path)}-wal`;
      const watcher = this.#watch(log, () => {
        // A burst goes on being told of after the watcher was closed.
        if (this.#watcher === watcher) this.#wake();
      });
      this.#watcher = watcher;
      watcher.on("error", () => {
        if (this.#watcher === watcher) this.#rest();
      });
    } catch {
      // Not there yet, or no more watches to be had: the poll looks, and tries again.
    }
  }

  #lookAgain(count: number, repeats = 0): void {
    clearTimeout(this.#next);
    const wait = LOOKS_AGAIN[count];
    if (wait === undefined) this.#repeats = 0;
    if (this.#disposed || wait === undefined) return;
    this.#next = setTimeout(() => {
      const isOver = count === END_OF_REST && repeats === 0;
      // Before the look, so that nothing comes between the two.
      if (isOver) this.#listen();
      this.#look();
      if (count === END_OF_REST && !isOver) this.#lookAgain(count, repeats - 1);
      else this.#lookAgain(count + 1, repeats);
    }, wait).unref();
  }

  /** Whether there was something new to tell of. */
  #look(): boolean {
    if (this.#disposed) return false;
    const version = this.#version();
    if (version === undefined || version === this.#seen) return false;
    this.#seen = version;
    this.#repeats = 0;
    try {
      this.#options.onCommit();
    } catch {
      // From here it would end the process; whoever listens handles its own errors.
    }
    return true;
  }

  #version(): number | undefined {
    try {
      return this.#options.version();
    } catch {
      // As another process's lock can make it: it can't be told now.
      return undefined;
    }
  }
}

function watchUnreferenced(file: string, listener: () => void): FileWatcher {
  return watchFile(file, { persistent: false }, listener);
}
