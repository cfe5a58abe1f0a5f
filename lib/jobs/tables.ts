import type { Generated } from "kysely";
import type { JobStatus } from "./record.ts";

/** The tables of jobs; times are milliseconds since 1970, and JSON is text. */
export interface JobTables {
  jobs: JobRow;
  job_tags: { tag: string; job_id: string };
  job_attempts: AttemptRow;
  job_logs: LogRow;
}

export interface JobRow {
  id: string;
  status: JobStatus;
  /** Rises with each change that a reader can see. */
  revision: number;
  /** Null for a closure. */
  task_name: string | null;
  description: string | null;
  tags: string;
  attempt: number;
  /** How often it has thrown since it was submitted, or retried by hand. */
  failures: number;
  /** Of the run that may write here; older runs have lower ones. */
  fence: number | null;
  retries: number;
  backoff: string;
  timeout: number | null;
  priority: number;
  concurrency_key: string | null;
  idempotency_key: string | null;
  submitted_at: number;
  run_at: number;
  started_at: number | null;
  finished_at: number | null;
  progress: number | null;
  progress_message: string | null;
  artifact_id: string | null;
  parent_id: string | null;
  created_by: string | null;
  error: string | null;
  error_traceback: string | null;
  /** Null for a closure. */
  params: string | null;
  result: string | null;
}

/** An attempt that another one has followed, or may follow. */
export interface AttemptRow {
  job_id: string;
  attempt: number;
  started_at: number;
  finished_at: number;
  error: string | null;
  error_traceback: string | null;
}

export interface LogRow {
  number: Generated<number>;
  job_id: string;
  attempt: number;
  logged_at: number;
  line: string;
}
