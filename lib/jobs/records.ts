import { type Expression, type Kysely, type RawBuilder, sql } from "kysely";
import { jsonValues, prepare, prepareInsert } from "../storage/mod.ts";
import { CANCELED } from "./failure.ts";
import type { JobStatus } from "./record.ts";
import { LEAST_LINE } from "./run_log.ts";
import type { AttemptRow, JobRow, JobTables } from "./tables.ts";

/** The statements on the records of jobs, each compiled once. */
export type Records = ReturnType<typeof createRecords>;

/** What a submission writes. */
export type NewJob = Pick<
  JobRow,
  | "id"
  | "task_name"
  | "description"
  | "tags"
  | "retries"
  | "backoff"
  | "timeout"
  | "priority"
  | "concurrency_key"
  | "idempotency_key"
  | "submitted_at"
  | "run_at"
  | "parent_id"
  | "created_by"
  | "params"
>;

/** The run that may write: its job is running, under its fence. */
interface Run {
  id: string;
  fence: number;
}

/** What the runs of one job need to know of it. */
const RUN_COLUMNS = [
  "id",
  "task_name",
  "description",
  "params",
  "attempt",
  "failures",
  "retries",
  "backoff",
  "timeout",
  "priority",
  "created_by",
] as const;

export type RunRow = Pick<JobRow, (typeof RUN_COLUMNS)[number]>;

export function createRecords(db: Kysely<JobTables>) {
  const revised = { revision: sql<number>`revision + 1` };
  return {
    insert: prepareInsert<JobTables, NewJob>(db)((db, rows) =>
      db.insertInto("jobs").values(
        rows.map((parameter) => ({
          id: parameter("id"),
          status: status("pending"),
          revision: 1,
          task_name: parameter("task_name"),
          description: parameter("description"),
          tags: parameter("tags"),
          attempt: 0,
          failures: 0,
          retries: parameter("retries"),
          backoff: parameter("backoff"),
          timeout: parameter("timeout"),
          priority: parameter("priority"),
          concurrency_key: parameter("concurrency_key"),
          idempotency_key: parameter("idempotency_key"),
          submitted_at: parameter("submitted_at"),
          run_at: parameter("run_at"),
          parent_id: parameter("parent_id"),
          created_by: parameter("created_by"),
          params: parameter("params"),
        })),
      ),
    ),

    insertTags: prepareInsert<JobTables, { tag: string; id: string }>(db)((db, rows) =>
      db
        .insertInto("job_tags")
        .values(rows.map((parameter) => ({ tag: parameter("tag"), job_id: parameter("id") }))),
    ),

    byIdempotencyKey: prepare<JobTables, { task: string; key: string }>(db)((db, parameter) =>
      db
        .selectFrom("jobs")
        .select(["id", "params"])
        .where("task_name", "=", parameter("task"))
        .where("idempotency_key", "=", parameter("key")),
    ),

    byId: prepare<JobTables, { id: string }>(db)((db, parameter) =>
      db.selectFrom("jobs").selectAll().where("id", "=", parameter("id")),
    ),

    /** Pending jobs run: these have been claimed under one fence. */
    start: prepare<JobTables, { ids: string; fence: number; now: number }>(db)((db, parameter) =>
      db
        .updateTable("jobs")
        .set({
          ...revised,
          status: status("running"),
          attempt: sql`attempt + 1`,
          fence: parameter("fence"),
          started_at: parameter("now"),
          finished_at: null,
          progress: null,
          progress_message: null,
          error: null,
          error_traceback: null,
        })
        .where("id", "in", jsonValues(parameter("ids")))
        .where("status", "=", status("pending"))
        .returning(RUN_COLUMNS),
    ),

    /** Which run each of these jobs has, or had last. */
    runs: prepare<JobTables, { ids: string }>(db)((db, parameter) =>
      db
        .selectFrom("jobs")
        .select(["id", "status", "fence"])
        .where("id", "in", jsonValues(parameter("ids"))),
    ),

    complete: prepare<JobTables, Run & { now: number; result: string; artifactId: string | null }>(
      db,
    )((db, parameter) =>
      db
        .updateTable("jobs")
        .set({
          ...revised,
          status: status("completed"),
          finished_at: parameter("now"),
          result: parameter("result"),
          artifact_id: parameter("artifactId"),
        })
        .where("id", "=", parameter("id"))
        .where("status", "=", status("running"))
        .where("fence", "=", parameter("fence")),
    ),

    fail: prepare<JobTables, Run & { now: number } & Failure>(db)((db, parameter) =>
      db
        .updateTable("jobs")
        .set({
          ...revised,
          status: status("failed"),
          failures: sql`failures + 1`,
          finished_at: parameter("now"),
          error: parameter("error"),
          error_traceback: parameter("traceback"),
        })
        .where("id", "=", parameter("id"))
        .where("status", "=", status("running"))
        .where("fence", "=", parameter("fence"))
        .returning("id"),
    ),

    /** A running job waits for another run; `failed` is 1 where this one counts as a failure. */
    postpone: prepare<JobTables, Run & { runAt: number; failed: 0 | 1 } & Failure>(db)(
      (db, parameter) =>
        db
          .updateTable("jobs")
          .set({
            ...revised,
            status: status("pending"),
            failures: sql`failures + ${parameter("failed")}`,
            fence: null,
            run_at: parameter("runAt"),
            error: parameter("error"),
            error_traceback: parameter("traceback"),
          })
          .where("id", "=", parameter("id"))
          .where("status", "=", status("running"))
          .where("fence", "=", parameter("fence"))
          .returning(["id", "attempt", "started_at"]),
    ),

    /** Fails what has no run to fail it: a closure whose process is gone. */
    failUnstarted: prepare<JobTables, { id: string; now: number } & Failure>(db)((db, parameter) =>
      db
        .updateTable("jobs")
        .set({
          ...revised,
          status: status("failed"),
          finished_at: parameter("now"),
          error: parameter("error"),
          error_traceback: parameter("traceback"),
        })
        .where("id", "=", parameter("id"))
        .where("status", "=", status("pending")),
    ),

    cancel: prepare<JobTables, { id: string; now: number }>(db)((db, parameter) =>
      db
        .updateTable("jobs")
        .set({ ...revised, status: status("canceled"), finished_at: parameter("now") })
        .where("id", "=", parameter("id")),
    ),

    /** Jobs that have failed or were canceled are pending as if they had just been submitted, but for their history. */
    retry: prepare<JobTables, Among & { now: number }>(db)((db, parameter) =>
      db
        .updateTable("jobs")
        .set({
          ...revised,
          status: status("pending"),
          failures: 0,
          fence: null,
          run_at: parameter("now"),
          finished_at: null,
          progress: null,
          progress_message: null,
        })
        .where(isAmong(parameter("ids"), parameter("status")))
        .where(canBeRetried)
        .returning(["id", "task_name", "run_at", "priority", "concurrency_key", "attempt"]),
    ),

    /** The last attempts of the jobs that `retry` is for, which their next ones would write over. */
    keepEnded: prepare<JobTables, Among>(db)((db, parameter) =>
      db
        .insertInto("job_attempts")
        .columns(["job_id", "attempt", "started_at", "finished_at", "error", "error_traceback"])
        .expression((eb) =>
          eb
            .selectFrom("jobs")
            .select([
              "id",
              "attempt",
              "started_at",
              "finished_at",
              sql<
                string | null
              >`iif(status = ${status("canceled")}, ${sql.lit(CANCELED)}, error)`.as("error"),
              "error_traceback",
            ])
            .where(isAmong(parameter("ids"), parameter("status")))
            .where(canBeRetried)
            .where("started_at", "is not", null)
            .where("finished_at", "is not", null)
            .$narrowType<{ started_at: number; finished_at: number }>(),
        )
        .onConflict((conflict) => conflict.doNothing()),
    ),

    progress: prepare<JobTables, Run & { progress: number; message: string | null }>(db)(
      (db, parameter) =>
        db
          .updateTable("jobs")
          .set({
            ...revised,
            progress: parameter("progress"),
            progress_message: parameter("message"),
          })
          .where("id", "=", parameter("id"))
          .where("status", "=", status("running"))
          .where("fence", "=", parameter("fence"))
          .returning("id"),
    ),

    log: prepare<JobTables, Run & { now: number; line: string }>(db)((db, parameter) =>
      db
        .insertInto("job_logs")
        .columns(["job_id", "attempt", "logged_at", "line"])
        .expression((eb) =>
          eb
            .selectFrom("jobs")
            .select([
              "id",
              "attempt",
              sql<number>`${parameter("now")}`.as("logged_at"),
              sql<string>`${parameter("line")}`.as("line"),
            ])
            .where("id", "=", parameter("id"))
            .where("status", "=", status("running"))
            .where("fence", "=", parameter("fence")),
        ),
    ),

    /** What attempts before this one have logged, in bytes, as a `RunLog` counts them. */
    logSize: prepare<JobTables, { id: string; attempt: number }>(db)((db, parameter) =>
      db
        .selectFrom("job_logs")
        .select(
          sql<number | null>`sum(max(octet_length(line), ${sql.lit(LEAST_LINE)}))`.as("bytes"),
        )
        .where("job_id", "=", parameter("id"))
        .where("attempt", "<", parameter("attempt")),
    ),

    keepAttempt: prepare<JobTables, AttemptRow>(db)((db, parameter) =>
      db
        .insertInto("job_attempts")
        .values({
          job_id: parameter("job_id"),
          attempt: parameter("attempt"),
          started_at: parameter("started_at"),
          finished_at: parameter("finished_at"),
          error: parameter("error"),
          error_traceback: parameter("error_traceback"),
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),

    attempts: prepare<JobTables, { id: string }>(db)((db, parameter) =>
      db
        .selectFrom("job_attempts")
        .selectAll()
        .where("job_id", "=", parameter("id"))
        .orderBy("attempt"),
    ),

    /** Attempts up to this one are forgotten, */
    forgetAttempts: prepare<JobTables, { id: string; attempt: number }>(db)((db, parameter) =>
      db
        .deleteFrom("job_attempts")
        .where("job_id", "=", parameter("id"))
        .where("attempt", "<=", parameter("attempt")),
    ),

    /** and what they have logged, found by looking at no more than that. */
    forgetLogs: prepare<JobTables, { id: string; attempt: number }>(db)((db, parameter) =>
      db
        .deleteFrom("job_logs")
        .where("job_id", "=", parameter("id"))
        .where("number", "<", (eb) =>
          eb.fn.coalesce(
            eb
              .selectFrom("job_logs")
              .select("number")
              .where("job_id", "=", parameter("id"))
              .where("attempt", ">", parameter("attempt"))
              .orderBy("number")
              .limit(1),
            sql.lit(Number.MAX_SAFE_INTEGER),
          ),
        ),
    ),

    /** Jobs of this status, if one is given, that have ended by then, if a time is given. */
    delete: prepare<JobTables, Among & { endedBy: number | null }>(db)((db, parameter) =>
      db
        .deleteFrom("jobs")
        .where(isAmong(parameter("ids"), parameter("status")))
        .where(
          sql<boolean>`(${parameter("endedBy")} is null or finished_at <= ${parameter("endedBy")})`,
        )
        .returning("id"),
    ),
    deleteTags: prepare<JobTables, { ids: string }>(db)((db, parameter) =>
      db.deleteFrom("job_tags").where("job_id", "in", jsonValues(parameter("ids"))),
    ),
    deleteAttempts: prepare<JobTables, { ids: string }>(db)((db, parameter) =>
      db.deleteFrom("job_attempts").where("job_id", "in", jsonValues(parameter("ids"))),
    ),
    deleteLogs: prepare<JobTables, { ids: string }>(db)((db, parameter) =>
      db.deleteFrom("job_logs").where("job_id", "in", jsonValues(parameter("ids"))),
    ),
  };
}

/** Some jobs, by a JSON array of their ids; of these only those of a status, if one is given. */
interface Among {
  ids: string;
  status: JobStatus | null;
}

function isAmong(ids: Expression<string>, status: Expression<JobStatus | null>) {
  return sql<boolean>`id in ${jsonValues(ids)} and (${status} is null or status = ${status})`;
}

/** What has completed is done, and a closure is gone. */
const canBeRetried = sql<boolean>`status in ('failed', 'canceled') and task_name is not null`;

interface Failure {
  error: string | null;
  traceback: string | null;
}

/** Written into the statement, so that an index of one status can be used. */
function status(name: JobStatus): RawBuilder<JobStatus> {
  return sql.lit(name);
}
