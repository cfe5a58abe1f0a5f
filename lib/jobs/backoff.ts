import type { JobSettings } from "../tasks/mod.ts";

/** How long a job waits after it has thrown; what its settings leave out is filled in. */
export interface Backoff {
  /** Seconds. */
  readonly initial: number;
  readonly factor: number;
  /** Seconds. */
  readonly max: number;
}

const DEFAULTS: Backoff = { initial: 1, factor: 2, max: 60 };

/** What `given` says, then what `fallback` says, and the defaults for the rest. */
export function chooseBackoff(
  given: JobSettings["backoff"],
  fallback: JobSettings["backoff"],
): Backoff {
  return {
    initial: given?.initial ?? fallback?.initial ?? DEFAULTS.initial,
    factor: given?.factor ?? fallback?.factor ?? DEFAULTS.factor,
    max: given?.max ?? fallback?.max ?? DEFAULTS.max,
  };
}

/**
 * Milliseconds until the next run, after the `failures`-th failure (from 1):
 * `min(max, initial * factor^(failures - 1))` times 0.5 to 1, so that what
 * failed together doesn't come back together.
 *
 * `random` gives 0 to 1.
 */
export function delayAfter(
  failures: number,
  { initial, factor, max }: Backoff,
  random: () => number = Math.random,
): number {
  return Math.min(max, initial * factor ** (failures - 1)) * (0.5 + random() / 2) * 1_000;
}
