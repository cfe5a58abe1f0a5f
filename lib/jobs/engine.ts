import type { Statements } from "../storage/mod.ts";

/** A job, as far as its queueing goes. */
export interface Entry {
  readonly id: string;
  readonly task: string;
  /** Not before this time, in milliseconds since 1970. */
  readonly due: number;
  /** Higher ones first. */
  readonly priority: number;
  readonly concurrencyKey: string | null;
}

/** A right to run a job once. Of two claims on one job the later has the higher fence. */
export interface Claim {
  readonly id: string;
  readonly fence: number;
}

export interface Claimed extends Claim {
  /** How many workers this entry has lost so far. */
  readonly lost: number;
}

/** A task that this worker can run. */
export interface ClaimableTask {
  readonly name: string;
  /** How many of its jobs with one key, or without any, run at once; null for 1 with a key and any number without. */
  readonly concurrency: number | null;
}

/** What an engine tells the worker for which it claims. */
export interface EngineListener {
  /** Something may have become claimable, or have changed in the records. */
  wake(): void;
  /** Other workers may have died: `recover()` tells. */
  othersEnded(): void;
  /** Others may have taken over everything that was claimed; until `wake()` nothing can be. */
  leaseLost(): void;
  /** A lease can't be had for now; the engine tries again. */
  failed(error: unknown): void;
}

/**
 * A queue of jobs. It knows nothing of their status: the state machine decides
 * what happens to a job, and says so here in the same transaction.
 */
export interface Engine {
  /** The id of the lease under which this process claims; undefined where it has none. */
  readonly worker: string | undefined;
  /** Begins to keep the lease under which this process claims. */
  join(listener: EngineListener): Promise<void>;
  /** Gives the lease up; what is still claimed then counts as lost. */
  leave(): Promise<void>;
  /** Queues; an entry whose id is queued already, or still claimed, is left as it is. */
  enqueue(entries: readonly Entry[], tx: Statements): Promise<void>;
  /**
   * Queues entries as claimed by this worker already, for what only this process can run.
   *
   * @throws {LeaseLostError} without a lease.
   */
  take(entries: readonly Entry[], tx: Statements): Promise<Claimed[]>;
  /** Takes entries out of the queue, but for those that a worker has claimed. */
  remove(ids: readonly string[], tx: Statements): Promise<void>;
  /**
   * Claims up to `n` entries that are due: by priority, then by time. Without a lease there are none.
   * Of entries that have lost several workers, and may kill this one, it has one at a time.
   */
  claim(n: number, tasks: readonly ClaimableTask[], tx: Statements): Promise<Claimed[]>;
  /** Queues claimed entries again. Claims that are out of date are passed over. */
  release(claims: readonly Claim[], due: number, tx: Statements): Promise<void>;
  /** Ends claims: the entries are gone. Claims that are out of date are passed over. */
  ack(claims: readonly Claim[], tx: Statements): Promise<void>;
  /** Whether an entry is due, of whichever task; a look that keeps nobody from writing. */
  hasDue(): Promise<boolean>;
  /** How many entries of a task wait, counted up to `most`. */
  waiting(task: string, most: number, tx: Statements): Promise<number>;
  /** The workers that have ended and still hold claims. */
  ended(): Promise<string[]>;
  /** Which of these workers have ended; without a lease of one's own none is known to have. */
  endedAmong(workers: readonly string[]): Promise<string[]>;
  /** Queues again what these workers had claimed, and says how many workers each entry has lost now. */
  recover(workers: readonly string[], tx: Statements): Promise<{ id: string; lost: number }[]>;
  /** When the next entry is due that isn't yet; null where there is none, or no lease. */
  nextDue(tx: Statements): Promise<number | null>;
}
