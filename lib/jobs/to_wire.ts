import type { JobAttempt, JobLogLine, JobRecord, JobSummary } from "./record.ts";

export interface ToWireOptions {
  /** Whether callers see the stack of an error. */
  readonly traceback: boolean;
}

/** A job in a list, as it goes over HTTP; times are ISO 8601 in UTC. */
export function summaryToWire(
  job: JobSummary,
  { traceback }: ToWireOptions,
): Record<string, unknown> {
  return {
    id: job.id,
    status: job.status,
    description: job.description,
    task_name: job.taskName,
    tags: job.tags,
    attempt: job.attempt,
    retries: job.retries,
    priority: job.priority,
    progress: job.progress,
    progress_message: job.progressMessage,
    submitted_at: job.submittedAt,
    run_at: job.runAt,
    started_at: job.startedAt,
    finished_at: job.finishedAt,
    error: job.error,
    error_traceback: traceback ? job.errorTraceback : null,
    artifact_id: job.artifactId,
    parent_id: job.parentId,
    created_by: job.createdBy,
  };
}

/** A job's whole record, as it goes over HTTP. */
export function recordToWire(job: JobRecord, options: ToWireOptions): Record<string, unknown> {
  const { params, result } = job;
  const attempts = job.attempts.map(attemptToWire);
  return { ...summaryToWire(job, options), params, result, attempts };
}

export function logLineToWire({ number, attempt, loggedAt, line }: JobLogLine): object {
  return { number, attempt, logged_at: loggedAt, line };
}

function attemptToWire({ attempt, startedAt, finishedAt, error }: JobAttempt): object {
  return { attempt, started_at: startedAt, finished_at: finishedAt, error };
}
