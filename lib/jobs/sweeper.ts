import { firstUlid } from "../storage/mod.ts";
import type { Logger } from "../tasks/mod.ts";
import type { Clock } from "./clock.ts";
import { ExpiryWalk } from "./expiry_walk.ts";
import type { FinishedJobs } from "./finished_jobs.ts";
import { Pace } from "./pace.ts";
import type { FinishedStatus, Kept } from "./retention.ts";

/** Milliseconds from one sweep to the next. */
const EVERY = 60_000;
/** A look at a record that may stay costs a microsecond or two; so many in a sweep nobody notices. */
const MOST_IN_VAIN = 25_000;
/** Entries of an index that are counted at once, in some tenths of a millisecond, */
const COUNTED_AT_ONCE = 5_000;
/** and in a minute: of more jobs than this the number is looked at less often. */
const COUNTED_EACH_TIME = 100_000;
/** Sorts after every id. */
const AFTER_ALL = "~";

export interface SweeperOptions {
  readonly kept: readonly Kept[];
  readonly jobs: FinishedJobs;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Deletes, in one transaction, those of these jobs that are still so, and have ended by this time. */
  readonly remove: (
    ids: readonly string[],
    only: { status: FinishedStatus; endedBy: number },
    pace: Pace,
  ) => Promise<void>;
  /** @default {25_000} */
  readonly mostInVain?: number;
}

interface Sweep extends Kept {
  readonly byAge: ExpiryWalk;
  readonly byCount: ExpiryWalk;
  /** When it was counted, and is counted again, in milliseconds since 1970. */
  lastCount: number;
  nextCount: number;
}

/**
 * Deletes the jobs that have ended long enough ago, or of which there are too
 * many: at once when it starts, and then every minute.
 *
 * It reads beside whoever writes, and deletes in batches, each a transaction
 * of a few milliseconds of its own, so that nobody waits for it. Where several
 * do so on one file, each finds less.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #sweeps: readonly Sweep[];
  readonly #pace = new Pace();
  #sweeping: Promise<void> | undefined;
  #isStopping = false;
  #cancelNext = (): void => {};

  constructor(options: SweeperOptions) {
    const { kept, jobs, remove, mostInVain = MOST_IN_VAIN } = options;
    this.#options = options;
    this.#sweeps = kept.map(({ status, age, count }) => {
      const walk = () =>
        new ExpiryWalk({
          status,
          jobs,
          pace: this.#pace,
          remove: (ids, endedBy) => remove(ids, { status, endedBy }, this.#pace),
          isStopping: () => this.#isStopping,
          mostInVain,
        });
      return { status, age, count, byAge: walk(), byCount: walk(), lastCount: 0, nextCount: 0 };
    });
  }

  /** Once. */
  start(): void {
    if (this.#sweeps.length === 0 || this.#sweeping !== undefined || this.#isStopping) return;
    this.#sweeping = this.#sweepAndWait();
  }

  /** Leaves what it has not come to, and resolves when the batch that is under way is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancelNext();
    await this.#sweeping;
  }

  /** Deletes what is to be deleted now. */
  async sweep(): Promise<void> {
    for (const sweep of this.#sweeps) {
      await this.#sweepByAge(sweep);
      await this.#sweepByCount(sweep);
    }
  }

  async #sweepAndWait(): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      await this.sweep();
    } catch (error) {
      if (!this.#isStopping) {
        logger.error("old jobs could not be deleted: it is tried again in a minute", { error });
      }
    }
    if (this.#isStopping) return;
    this.#cancelNext = clock.after(EVERY, () => {
      this.#sweeping = this.#sweepAndWait();
    });
  }

  async #sweepByAge({ age, byAge }: Sweep): Promise<void> {
    if (age === Number.POSITIVE_INFINITY) return;
    const { clock, jobs } = this.#options;
    const now = clock.now();
    // What was submitted later can't have ended long enough ago. Its id tells when that was, unless
    // the clock was set back, and ids go on in a time that it has still to reach.
    const isBehind = (await jobs.newest()) >= firstUlid(now + 1);
    const below = isBehind ? AFTER_ALL : firstUlid(Math.floor(now - age) + 1);
    await byAge.run({ now, below, lifetime: age });
  }

  async #sweepByCount(sweep: Sweep): Promise<void> {
    const { count, byCount } = sweep;
    const now = this.#options.clock.now();
    if (count === Number.POSITIVE_INFINITY) return;
    // The clock may have been set back.
    if (now >= sweep.lastCount && now < sweep.nextCount) return;
    const below = await this.#oldestKept(sweep);
    // Those who wait for a job shall see its end, though it was submitted before all that are kept.
    if (below !== undefined) await byCount.run({ now, below, lifetime: EVERY });
    sweep.lastCount = now;
    sweep.nextCount = now + EVERY * Math.ceil(count / COUNTED_EACH_TIME);
  }

  /** The id of the oldest job that is among the `count` newest; undefined where there are no more than these. */
  async #oldestKept({ status, count }: Kept): Promise<string | undefined> {
    let below = AFTER_ALL;
    for (let left = count; left > 0; ) {
      if (this.#isStopping) return undefined;
      const most = Math.min(left, COUNTED_AT_ONCE);
      const counted = await this.#options.jobs.count(status, { below, most });
      if (counted.oldest === null || counted.count < most) return undefined;
      left -= counted.count;
      below = counted.oldest;
      await this.#pace.rest();
    }
    return below;
  }
}
