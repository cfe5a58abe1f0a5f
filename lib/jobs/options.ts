import * as v from "valibot";
import type { Session } from "../storage/mod.ts";
import { JOB_SETTINGS, type JobSettings, type NoParams, type Task } from "../tasks/mod.ts";
import { InvalidJobOptionsError } from "./errors.ts";

/** How a job is run. What is left out its task's `job` says. */
export interface SubmitOptions extends Omit<JobSettings, "concurrency" | "maxPending"> {
  description?: string | undefined;
  /** @default {[]} */
  tags?: readonly string[] | undefined;
  /** Seconds before it runs, at most a year. */
  delay?: number | undefined;
  /** When it runs, instead of `delay`. */
  runAt?: Date | undefined;
  /**
   * Names this submission: a second one of the same task under the same key and
   * with the same params gives the first one's job.
   */
  idempotencyKey?: string | undefined;
  /** One job of the task runs at once under this key, or as many as the task's `concurrency` allows. */
  concurrencyKey?: string | undefined;
  /** A transaction's session: the job exists once that commits. */
  session?: Session | undefined;
}

/** The arguments of `submit()` after the task; params may be left out where an empty object will do. */
export type SubmitArguments<Input> = NoParams extends Input
  ? [params?: Input | null, options?: SubmitOptions]
  : [params: Input, options?: SubmitOptions];

/** One of the jobs that `submitMany()` submits. */
export interface JobSubmission extends Omit<SubmitOptions, "session"> {
  task: Task | string;
  params?: unknown;
}

/** What a job is changed within. */
export interface ChangeOptions {
  /** A transaction's session: the change happens once that commits. */
  session?: Session | undefined;
}

/** What was submitted, and whether it was new or an idempotency key gave an earlier one. */
export interface Submitted {
  readonly id: string;
  readonly created: boolean;
}

/** Seconds. */
const YEAR = 366 * 24 * 60 * 60;

const Key = v.pipe(
  v.string(),
  v.minLength(1, "Expected at least one character"),
  v.maxLength(255, "Expected at most 255 characters"),
);

/** The options that come over HTTP too, in camelCase, but for times. */
export const SUBMIT_ENTRIES = {
  ...JOB_SETTINGS,
  description: v.optional(v.pipe(v.string(), v.maxLength(10_000))),
  tags: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(100))),
      v.maxLength(50, "Expected at most 50 tags"),
    ),
  ),
  delay: v.optional(
    v.pipe(v.number(), v.minValue(0), v.maxValue(YEAR, "Expected at most a year, in seconds")),
  ),
  idempotencyKey: v.optional(Key),
  concurrencyKey: v.optional(Key),
};

const Options = v.pipe(
  v.strictObject({
    ...SUBMIT_ENTRIES,
    runAt: v.optional(v.date()),
  }),
  v.check(
    ({ delay, runAt }) => delay === undefined || runAt === undefined,
    "Expected either a delay or a time to run at, not both",
  ),
);

/**
 * `now` is in milliseconds since 1970.
 *
 * @throws {InvalidJobOptionsError}
 */
export function checkSubmitOptions(options: Omit<SubmitOptions, "session">, now: number): void {
  // Most submissions have none, and must not wait for that to be found out.
  if (Object.keys(options).length === 0) return;
  const result = v.safeParse(Options, options);
  if (result.success) {
    const { runAt } = result.output;
    if (runAt === undefined || runAt.getTime() <= now + YEAR * 1_000) return;
    throw new InvalidJobOptionsError([
      { path: ["runAt"], message: "Expected a time that is at most a year ahead" },
    ]);
  }
  throw new InvalidJobOptionsError(
    result.issues.map(({ path, message }) => ({
      path: (path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key))),
      message,
    })),
  );
}
