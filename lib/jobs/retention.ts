/** How much is kept of the jobs that have ended in one status; the tighter bound counts. */
export interface RetentionBounds {
  /** Seconds since a job has ended. */
  age?: number | undefined;
  /** How many of them, the newest by submission. */
  count?: number | undefined;
}

/** How long jobs are kept that have ended. `Infinity` stands for no bound. */
export interface RetentionOptions {
  /** @default {{ age: 604_800, count: 100_000 }} */
  completed?: RetentionBounds | undefined;
  /** @default {{ age: 2_592_000, count: 100_000 }} */
  failed?: RetentionBounds | undefined;
  /** @default {{ age: 604_800, count: 100_000 }} */
  canceled?: RetentionBounds | undefined;
}

/** Seconds. */
const DAY = 24 * 60 * 60;

/** Whoever is to look into a failure may be on holiday; of what went well a week tells enough. */
const DEFAULTS = {
  completed: { age: 7 * DAY, count: 100_000 },
  failed: { age: 30 * DAY, count: 100_000 },
  canceled: { age: 7 * DAY, count: 100_000 },
} as const;

export type FinishedStatus = keyof typeof DEFAULTS;

/** What is kept of one status. */
export interface Kept {
  readonly status: FinishedStatus;
  /** Milliseconds since it has ended. */
  readonly age: number;
  readonly count: number;
}

/**
 * What is kept, with the defaults for what is left out; nothing is bounded by `false`.
 *
 * @throws {RangeError} where a number is none that can be used.
 */
export function chooseRetention(options: RetentionOptions | false): readonly Kept[] {
  if (options === false) return [];
  return (["completed", "failed", "canceled"] as const).map((status) => {
    const defaults = DEFAULTS[status];
    const { age = defaults.age, count = defaults.count } = options[status] ?? {};
    if (!(age >= 0)) {
      throw new RangeError(
        `Cannot use ${age} as retention.${status}.age: it is seconds from 0 on, or Infinity`,
      );
    }
    if (!(count >= 0 && (Number.isSafeInteger(count) || count === Number.POSITIVE_INFINITY))) {
      throw new RangeError(
        `Cannot use ${count} as retention.${status}.count: it is a whole number from 0 on, or Infinity`,
      );
    }
    return { status, age: age * 1_000, count };
  });
}
