import type { JobStatus } from "./record.ts";

/** Thrown by a task, fails its job at once, whatever retries are left. */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}

/** There is no job of this id, or no more. */
export class JobNotFoundError extends Error {
  override readonly name = "JobNotFoundError";
  readonly jobId: string;

  constructor(id: string) {
    super(`There is no job "${id.length > 100 ? `${id.slice(0, 100)}…` : id}"`);
    this.jobId = id;
  }
}

/** The job is in a status in which this can't be done. */
export class JobStateError extends Error {
  override readonly name = "JobStateError";
  readonly status: JobStatus;

  constructor(id: string, status: JobStatus, what: string) {
    super(`Cannot ${what} job ${id}: it is ${status}`);
    this.status = status;
  }
}

/** The job was canceled, or deleted; a run of it sees this as its signal's reason. */
export class JobCanceledError extends Error {
  override readonly name = "JobCanceledError";

  constructor(id: string) {
    super(`Job ${id} was canceled`);
  }
}

/** The job has failed, so that it has no result. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";

  /** `error` is the record's: `Name: message`. */
  constructor(id: string, error: string | null) {
    super(`Job ${id} failed: ${error ?? "nobody knows why"}`);
  }
}

/** The key was used for a job of the same task with other params. */
export class IdempotencyConflictError extends Error {
  override readonly name = "IdempotencyConflictError";
  readonly jobId: string;

  constructor(key: string, jobId: string) {
    super(`The idempotency key "${key}" belongs to job ${jobId}, which has other params`);
    this.jobId = jobId;
  }
}

/** As many jobs of the task wait as its `maxPending` allows. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";

  constructor(taskName: string, maxPending: number) {
    super(`As many jobs of "${taskName}" wait as its maxPending allows: ${maxPending}`);
  }
}

/** The params of a job are larger than the scheduler takes. */
export class ParamsTooLargeError extends Error {
  override readonly name = "ParamsTooLargeError";

  constructor(taskName: string, bytes: number, most: number) {
    super(
      `The params for "${taskName}" are ${bytes} bytes of JSON and may be ${most}: save the data as an artifact and send its id`,
    );
  }
}

/** The result of a job is larger than the scheduler keeps. */
export class ResultTooLargeError extends Error {
  override readonly name = "ResultTooLargeError";

  constructor(bytes: number, most: number) {
    super(
      `The result is ${bytes} bytes of JSON and may be ${most}: save it as an artifact and return its id`,
    );
  }
}

/** The options of a job are not what they may be. */
export class InvalidJobOptionsError extends TypeError {
  override readonly name = "InvalidJobOptionsError";
  readonly issues: readonly { readonly path: (string | number)[]; readonly message: string }[];

  constructor(issues: InvalidJobOptionsError["issues"]) {
    const [first] = issues;
    super(
      first === undefined
        ? "The options of the job can't be used"
        : `The options of the job can't be used: ${[first.path.join("."), first.message].filter((text) => text !== "").join(": ")}`,
    );
    this.issues = issues;
  }
}

/** The scheduler has been stopped. */
export class SchedulerStoppedError extends Error {
  override readonly name = "SchedulerStoppedError";

  constructor() {
    super("The scheduler has stopped: start another one");
  }
}

/** What a run that is handed back sees as its signal's reason. */
export class JobReleasedError extends Error {
  override readonly name = "JobReleasedError";

  constructor(id: string) {
    super(`Job ${id} is handed back to the queue: its worker stops`);
  }
}
