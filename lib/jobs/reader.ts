import { type Kysely, sql } from "kysely";
import { jsonValues } from "../storage/mod.ts";
import { CANCELED } from "./failure.ts";
import { type ListOptions, listStatement } from "./job_list.ts";
import type { JobAttempt, JobLogLine, JobRecord, JobSummary } from "./record.ts";
import type { AttemptRow, JobRow, JobTables } from "./tables.ts";

export interface LogsOptions {
  /** Only lines after that of this number. @default {0} */
  after?: number | undefined;
  /** At most 10,000. @default {1_000} */
  size?: number | undefined;
}

const SUMMARY_COLUMNS = [
  "id",
  "status",
  "description",
  "task_name",
  "tags",
  "attempt",
  "retries",
  "priority",
  "progress",
  "progress_message",
  "submitted_at",
  "run_at",
  "started_at",
  "finished_at",
  "error",
  "error_traceback",
  "artifact_id",
  "parent_id",
  "created_by",
] as const;

type SummaryRow = Pick<JobRow, (typeof SUMMARY_COLUMNS)[number]>;

/** Reads the records of jobs, beside whoever writes. */
export class JobReader {
  readonly #db: Kysely<JobTables>;

  constructor(db: Kysely<JobTables>) {
    this.#db = db;
  }

  /** The record with its revision; undefined where there is none. */
  async find(id: string): Promise<{ revision: number; record: JobRecord } | undefined> {
    const row = await this.#db
      .selectFrom("jobs")
      .select([...SUMMARY_COLUMNS, "revision", "params", "result"])
      .select((eb) =>
        eb
          .selectFrom("job_attempts")
          .select(
            sql<string>`json_group_array(json_object(
              'attempt', attempt, 'started_at', started_at, 'finished_at', finished_at, 'error', error
            ) order by attempt)`.as("attempts"),
          )
          .whereRef("job_attempts.job_id", "=", "jobs.id")
          .as("attempts"),
      )
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const kept = JSON.parse(row.attempts ?? "[]") as Omit<AttemptRow, "job_id">[];
    const record = {
      ...toSummary(row),
      params: row.params === null ? null : JSON.parse(row.params),
      result: row.result === null ? null : JSON.parse(row.result),
      attempts: [...kept.map(toAttempt), ...lastAttempt(row, kept.at(-1)?.attempt ?? 0)],
    };
    return { revision: row.revision, record };
  }

  /** Newest first. */
  async list(options: ListOptions = {}): Promise<JobSummary[]> {
    const statement = await listStatement(this.#db, SUMMARY_COLUMNS, options);
    const { rows } = await statement.execute(this.#db);
    return rows.map(toSummary);
  }

  async logs(id: string, { after = 0, size = 1_000 }: LogsOptions = {}): Promise<JobLogLine[]> {
    const rows = await this.#db
      .selectFrom("job_logs")
      .select(["number", "attempt", "logged_at", "line"])
      .where("job_id", "=", id)
      .where("number", ">", after)
      .orderBy("number")
      .limit(Math.min(Math.max(size, 1), 10_000))
      .execute();
    return rows.map(({ logged_at, ...line }) => ({ ...line, loggedAt: new Date(logged_at) }));
  }

  /** The revisions of these jobs, without those that are gone. */
  async revisions(ids: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.#among(ids).select(["id", "revision"]).execute();
    return new Map(rows.map(({ id, revision }) => [id, revision]));
  }

  /** Under which fence each of these jobs runs, without those that don't. */
  async running(ids: readonly string[]): Promise<Map<string, number | null>> {
    const rows = await this.#among(ids)
      .select(["id", "fence"])
      .where("status", "=", "running")
      .execute();
    return new Map(rows.map(({ id, fence }) => [id, fence]));
  }

  #among(ids: readonly string[]) {
    const json = JSON.stringify(ids);
    return this.#db.selectFrom("jobs").where("id", "in", jsonValues(json));
  }
}

function toSummary(row: SummaryRow): JobSummary {
  return {
    id: row.id,
    status: row.status,
    description: row.description,
    taskName: row.task_name,
    tags: JSON.parse(row.tags),
    attempt: row.attempt,
    retries: row.retries,
    priority: row.priority,
    progress: row.progress,
    progressMessage: row.progress_message,
    submittedAt: new Date(row.submitted_at),
    runAt: new Date(row.run_at),
    startedAt: toDate(row.started_at),
    finishedAt: toDate(row.finished_at),
    error: row.error,
    errorTraceback: row.error_traceback,
    artifactId: row.artifact_id,
    parentId: row.parent_id,
    createdBy: row.created_by,
  };
}

/** The last attempt stands in the record itself until another one follows. */
function lastAttempt(row: SummaryRow, kept: number): JobAttempt[] {
  if (row.started_at === null || row.attempt <= kept) return [];
  const { attempt, started_at, finished_at } = row;
  const error = row.status === "canceled" ? CANCELED : row.error;
  return [toAttempt({ attempt, started_at, finished_at, error })];
}

function toAttempt(
  row: Pick<AttemptRow, "attempt" | "started_at" | "error"> & { finished_at: number | null },
): JobAttempt {
  return {
    attempt: row.attempt,
    startedAt: new Date(row.started_at),
    finishedAt: toDate(row.finished_at),
    error: row.error,
  };
}

function toDate(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
