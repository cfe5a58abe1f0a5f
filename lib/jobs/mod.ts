export { type Clock, systemClock } from "./clock.ts";
export {
  IdempotencyConflictError,
  InvalidJobOptionsError,
  JobCanceledError,
  JobFailedError,
  JobNotFoundError,
  JobReleasedError,
  JobStateError,
  NonRetryableError,
  ParamsTooLargeError,
  QueueFullError,
  ResultTooLargeError,
  SchedulerStoppedError,
} from "./errors.ts";
export type { EventsOptions } from "./events.ts";
export type { JobFilter, ListOptions } from "./job_list.ts";
export type {
  ChangeOptions,
  JobSubmission,
  SubmitArguments,
  SubmitOptions,
} from "./options.ts";
export type { LogsOptions } from "./reader.ts";
export type {
  JobAttempt,
  JobEvent,
  JobLogLine,
  JobRecord,
  JobStatus,
  JobSummary,
} from "./record.ts";
export type { RetentionBounds, RetentionOptions } from "./retention.ts";
export { JobRouter, type JobRouterOptions } from "./routes.ts";
export { Scheduler } from "./scheduler.ts";
export type { SchedulerOptions, SpawnOptions } from "./scheduler_options.ts";
export { InvalidScheduleError, ScheduleNotFoundError } from "./schedules/errors.ts";
export { ScheduleRouter, type ScheduleRouterOptions } from "./schedules/routes.ts";
export type { CronArguments, CronOptions, Schedule } from "./schedules/schedule.ts";
export type { Schedules } from "./schedules/schedules.ts";
