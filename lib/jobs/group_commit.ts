import { AsyncLocalStorage } from "node:async_hooks";
import { type Database, DatabaseBusyError, type Statements } from "../storage/mod.ts";

/** What is to be written in one transaction. It may run twice, and awaits nothing but its statements. */
export type Work<T> = (tx: Statements) => T | Promise<T>;

/** Writes any number of one kind, by fewer statements than one after the other, and gives a result for each. */
export type Batch<Item, T> = (
  items: readonly Item[],
  tx: Statements,
) => readonly T[] | Promise<readonly T[]>;

interface Waiting {
  readonly batch: Batch<never, unknown>;
  readonly item: unknown;
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
    return this.runBatched(alone, work) as Promise<T>;
  }

  /**
   * As `run()`, in one batch with what comes before and after it for the same one. Which is a
   * function that its owner keeps: another one of the same text is another batch.
   */
  runBatched<Item, T>(batch: Batch<Item, T>, item: Item): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ batch, item, resolve, reject });
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
        // One by one they would wait for the same lock, each as long as all have.
        if (error instanceof DatabaseBusyError) for (const { reject } of group) reject(error);
        else if (group.length === 1) group[0]?.reject(error);
        else await this.#flushEach(group);
      }
      // Who was answered may have more to write, which then comes along.
      await Promise.resolve();
    }
    this.#busy = false;
  }

  /** One of a group has failed: only that one shall. */
  async #flushEach(group: readonly Waiting[]): Promise<void> {
    for (const each of group) {
      try {
        const [result] = await this.#database.unit((tx) => runAll([each], tx));
        each.resolve(result as never);
      } catch (error) {
        each.reject(error);
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

/** The batch of what has nothing in common with others. */
async function alone(works: readonly Work<unknown>[], tx: Statements): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const work of works) {
    const result = work(tx);
    results.push(result instanceof Promise ? await result : result);
  }
  return results;
}

/** In the order in which they came; neighbours of one batch together. */
async function runAll(group: readonly Waiting[], tx: Statements): Promise<unknown[]> {
  const results: unknown[] = [];
  for (let first = 0; first < group.length; ) {
    const batch = group[first]?.batch as Batch<unknown, unknown>;
    let end = first + 1;
    while (group[end]?.batch === batch) end++;
    const items = group.slice(first, end).map(({ item }) => item);
    for (const result of await batch(items, tx)) results.push(result);
    first = end;
  }
  return results;
}
