export const JOB_STATUSES = ["pending", "running", "completed", "failed", "canceled"] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

/** One run of a job. */
export interface JobAttempt {
  /** From 1. */
  readonly attempt: number;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly finishedAt: Date | null;
  /** `Name: message` of what ended it; null where nothing went wrong. */
  readonly error: string | null;
}

/** What a list shows of a job. */
export interface JobSummary {
  /** A ULID: ids sort by the time of their submission. */
  readonly id: string;
  readonly status: JobStatus;
  readonly description: string | null;
  /** Null for a spawned closure. */
  readonly taskName: string | null;
  readonly tags: readonly string[];
  /** How often it has begun to run; 0 before the first time. */
  readonly attempt: number;
  /** How often it is run again after it has thrown. */
  readonly retries: number;
  readonly priority: number;
  /** From 0 to 1; null while nothing was told. */
  readonly progress: number | null;
  readonly progressMessage: string | null;
  readonly submittedAt: Date;
  /** Not before this time it runs, for the first time or again. */
  readonly runAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** `Name: message` of what it failed with last. */
  readonly error: string | null;
  readonly errorTraceback: string | null;
  readonly artifactId: string | null;
  /** The job within which this one was submitted. */
  readonly parentId: string | null;
  /** Who submitted it. */
  readonly createdBy: string | null;
}

/** Everything that is known of a job. */
export interface JobRecord extends JobSummary {
  /** As they were sent. */
  readonly params: unknown;
  readonly result: unknown;
  readonly attempts: readonly JobAttempt[];
}

/** A job as it was at one time; `revision` rises with each change, and is what `after` takes. */
export type JobEvent =
  | (JobRecord & { readonly revision: number })
  | { readonly id: string; readonly status: "deleted"; readonly revision: number };

/** A line that a job has written with `log()`. */
export interface JobLogLine {
  readonly number: number;
  readonly attempt: number;
  readonly loggedAt: Date;
  readonly line: string;
}

/** Whether a job in this status runs no more, unless somebody retries it. */
export function isTerminal(status: JobStatus): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}
