import type { NoParams } from "../../tasks/mod.ts";
import type { SubmitOptions } from "../options.ts";

/** How a schedule ticks, and how its jobs are run. */
export interface CronOptions
  extends Omit<SubmitOptions, "delay" | "runAt" | "idempotencyKey" | "session"> {
  /** Of the IANA database, such as `Europe/Oslo`. @default {"UTC"} */
  timeZone?: string | undefined;
  /**
   * What becomes of ticks that came while no process declared the schedule, or
   * that are late by more than a minute: they are skipped, or one job runs for
   * all of them together.
   *
   * @default {"skip"}
   */
  missed?: "skip" | "once" | undefined;
}

/** The arguments of `cron()` after the task; params may be left out where an empty object will do. */
export type CronArguments<Input> = NoParams extends Input
  ? [params?: Input | null, options?: CronOptions]
  : [params: Input, options?: CronOptions];

/** A schedule that a running process declares. */
export interface Schedule {
  readonly name: string;
  readonly expression: string;
  readonly timeZone: string;
  readonly taskName: string;
  readonly params: unknown;
  readonly missed: "skip" | "once";
  readonly paused: boolean;
  /** Null while it is paused, and where no tick comes any more. */
  readonly nextRunAt: Date | null;
  /** When it last submitted a job, at a tick or by hand. */
  readonly lastRunAt: Date | null;
  readonly lastJobId: string | null;
}
