import { AsyncLocalStorage } from "node:async_hooks";
import type { Database, Statements } from "../storage/mod.ts";

/** What is to be written in one transaction. It may run twice, and awaits nothing but its statements. */
export type Work<T> = (tx: Statements) => T | Promise<T>;

interface Waiting {
  readonly work: Work<unknown>;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

/** More in one transaction gains nothing, and delays others. */
const LARGEST_GROUP = 1_000;
/** Milliseconds without a look at anything else: SQLite answers at once, so that awaiting it never yields. */
const LONGEST_TURN = 8;

/**
 * Commits together what arrives together: a commit costs more than what is in
 * it. Each promise resolves after the commit.
 */
export class GroupCommit {
  readonly #database: Database;
  /** Where nobody's transaction is open around what runs. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #waiting: Waiting[] = [];
  #busy = false;
  #turnBegan = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  run<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      this.#outside(() => queueMicrotask(() => void this.#flush()));
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#yieldNow();
      const group = this.#waiting.splice(0, LARGEST_GROUP);
      try {
        const results = await this.#database.unit((tx) => runAll(group, tx));
        for (const [index, { resolve }] of group.entries()) resolve(results[index] as never);
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        else await this.#flushEach(group);
      }
      // Who was answered may have more to write, which then comes along.
      await Promise.resolve();
    }
    this.#busy = false;
  }

  /** One of a group has failed: only that one shall. */
  async #flushEach(group: readonly Waiting[]): Promise<void> {
    for (const { work, resolve, reject } of group) {
      try {
        resolve((await this.#database.unit(work)) as never);
      } catch (error) {
        reject(error);
      }
    }
  }

  /** Lets the event loop turn from time to time. */
  async #yieldNow(): Promise<void> {
    const now = performance.now();
    if (now - this.#turnBegan < LONGEST_TURN) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnBegan = performance.now();
  }
}

async function runAll(group: readonly Waiting[], tx: Statements): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const { work } of group) {
    const result = work(tx);
    results.push(result instanceof Promise ? await result : result);
  }
  return results;
}
