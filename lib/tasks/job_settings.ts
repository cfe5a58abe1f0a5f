import * as v from "valibot";

/** How the jobs of a task are run, where a submission says nothing else. */
export interface JobSettings {
  /** How often a job is run again after it has thrown, at most 100. @default {0} */
  retries?: number | undefined;
  /** How long it waits before that. */
  backoff?:
    | {
        /** Seconds, after the first failure. @default {1} */
        initial?: number | undefined;
        /** How many times longer after each further failure. @default {2} */
        factor?: number | undefined;
        /** Seconds, at most. @default {60} */
        max?: number | undefined;
      }
    | undefined;
  /** From -1,000 to 1,000; higher ones run first. @default {0} */
  priority?: number | undefined;
  /** Seconds that one run may take; the task's own `timeout` when left out. */
  timeout?: number | undefined;
  /** How many of the task's jobs run at once, in all processes together; where they have a key, under one key. */
  concurrency?: number | undefined;
  /** How many may wait; one more is refused with QueueFullError. */
  maxPending?: number | undefined;
}

const seconds = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.minValue(least, `Expected at least ${least} seconds`),
    v.maxValue(most, `Expected at most ${most} seconds`),
  );

const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer("Expected a whole number"),
    v.minValue(least, `Expected at least ${least}`),
    v.maxValue(most, `Expected at most ${most}`),
  );

/** What may stand in a submission as well. */
export const JOB_SETTINGS = {
  retries: v.optional(whole(0, 100)),
  backoff: v.optional(
    v.strictObject({
      initial: v.optional(seconds(0, 86_400)),
      factor: v.optional(
        v.pipe(
          v.number(),
          v.minValue(1, "Expected at least 1"),
          v.maxValue(100, "Expected at most 100"),
        ),
      ),
      max: v.optional(seconds(0, 604_800)),
    }),
  ),
  priority: v.optional(whole(-1_000, 1_000)),
  timeout: v.optional(v.pipe(seconds(0, 2_147_483), v.gtValue(0, "Expected more than 0 seconds"))),
};

const JobSettingsSchema = v.strictObject({
  ...JOB_SETTINGS,
  concurrency: v.optional(whole(1, 1_000_000)),
  maxPending: v.optional(whole(0, 1_000_000_000)),
});

/** What is wrong with settings; undefined where nothing is. */
export function wrongWith(settings: unknown): string | undefined {
  const result = v.safeParse(JobSettingsSchema, settings);
  if (result.success) return undefined;
  const [issue] = result.issues;
  const path = ["job", ...(issue.path ?? []).map(({ key }) => String(key))].join(".");
  return `${path}: ${issue.message}`;
}
