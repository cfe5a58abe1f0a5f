import type { FinishedJobs } from "./finished_jobs.ts";
import type { Pace } from "./pace.ts";
import type { FinishedStatus } from "./retention.ts";

/** What one walk looks for. */
export interface Expiry {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Only jobs with ids before this one can have expired. */
  readonly below: string;
  /** Milliseconds since a job has ended, after which it expires. */
  readonly lifetime: number;
}

export interface ExpiryWalkOptions {
  readonly status: FinishedStatus;
  readonly jobs: FinishedJobs;
  /** How many jobs are looked at, and deleted, at once, and how fast. */
  readonly pace: Pace;
  /** Deletes those of these jobs that have expired by now. */
  readonly remove: (ids: readonly string[], endedBy: number) => Promise<void>;
  readonly isStopping: () => boolean;
  /** How many jobs it looks at in vain before it lets the rest be until the next time. */
  readonly mostInVain: number;
}

/**
 * Finds what has expired among the jobs that have ended in one status, the
 * oldest first by submission, for that is how the index has them.
 *
 * When a job has ended stands in its record alone, and a million that were
 * submitted long ago may have ended just now. So it remembers how far it has
 * come, and when at the earliest one that it has passed expires: before that
 * time it looks only at what is ahead.
 */
export class ExpiryWalk {
  readonly #options: ExpiryWalkOptions;
  #after = "";
  /** Milliseconds since 1970, as the next two. */
  #begun = Number.POSITIVE_INFINITY;
  /** Nothing up to `#after` expires before this time: what ends there later does so after `#begun`. */
  #nextExpiry = 0;

  constructor(options: ExpiryWalkOptions) {
    this.#options = options;
  }

  /** Goes on to `below`, unless it has looked at too many in vain; and from the beginning where something expires there. */
  async run({ now, below, lifetime }: Expiry): Promise<void> {
    const { status, jobs, pace, remove, isStopping, mostInVain } = this.#options;
    // Also where the clock was set back, so that nothing is known of what it has passed.
    if (now < this.#begun) this.#begin(now, lifetime);
    let hasBegun = this.#after === "";
    let inVain = 0;
    while (!isStopping() && inVain < mostInVain) {
      const page = await jobs.page(status, { after: this.#after, below, size: pace.size });
      const last = page.at(-1)?.id;
      if (last === undefined) {
        if (hasBegun || now < this.#nextExpiry) return;
        this.#begin(now, lifetime);
        hasBegun = true;
        continue;
      }
      const expired: string[] = [];
      for (const { id, endedAt } of page) {
        if (endedAt + lifetime <= now) expired.push(id);
        else this.#nextExpiry = Math.min(this.#nextExpiry, endedAt + lifetime);
      }
      if (expired.length > 0) await remove(expired, now - lifetime);
      this.#after = last;
      inVain += page.length - expired.length;
      await pace.rest();
    }
  }

  #begin(now: number, lifetime: number): void {
    this.#after = "";
    this.#begun = now;
    this.#nextExpiry = now + lifetime;
  }
}
