import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/** Keyed by its primary key alone: one page less to write for each row. */
const withoutRowid = sql`without rowid`;

/**
 * The tables of jobs: what is known of each (`jobs`, with its tags, former
 * attempts and log), and the queue of the embedded engine.
 *
 * Times are milliseconds since 1970.
 */
export const createJobs = (prefix: string): Migration => ({
  up: async (db: Kysely<unknown>): Promise<void> => {
    await db.schema
      .createTable("jobs")
      .addColumn("id", "text", (column) => column.primaryKey().notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("revision", "integer", (column) => column.notNull())
      .addColumn("task_name", "text")
      .addColumn("description", "text")
      .addColumn("tags", "text", (column) => column.notNull())
      .addColumn("attempt", "integer", (column) => column.notNull())
      .addColumn("failures", "integer", (column) => column.notNull())
      .addColumn("fence", "integer")
      .addColumn("retries", "integer", (column) => column.notNull())
      .addColumn("backoff", "text", (column) => column.notNull())
      .addColumn("timeout", "real")
      .addColumn("priority", "integer", (column) => column.notNull())
      .addColumn("concurrency_key", "text")
      .addColumn("idempotency_key", "text")
      .addColumn("submitted_at", "integer", (column) => column.notNull())
      .addColumn("run_at", "integer", (column) => column.notNull())
      .addColumn("started_at", "integer")
      .addColumn("finished_at", "integer")
      .addColumn("progress", "real")
      .addColumn("progress_message", "text")
      .addColumn("artifact_id", "text")
      .addColumn("parent_id", "text")
      .addColumn("created_by", "text")
      .addColumn("error", "text")
      .addColumn("error_traceback", "text")
      .addColumn("params", "text")
      .addColumn("result", "text")
      .modifyEnd(withoutRowid)
      .execute();
    // Lists run from the newest id down, all of them or those of one status or task.
    await db.schema
      .createIndex(`${prefix}jobs_of_status`)
      .on("jobs")
      .columns(["status", "id"])
      .execute();
    await db.schema
      .createIndex(`${prefix}jobs_of_task`)
      .on("jobs")
      .columns(["task_name", "id"])
      .execute();
    await db.schema
      .createIndex(`${prefix}jobs_idempotency`)
      .unique()
      .on("jobs")
      .columns(["task_name", "idempotency_key"])
      .where("idempotency_key", "is not", null)
      .execute();

    await db.schema
      .createTable("job_tags")
      .addColumn("tag", "text", (column) => column.notNull())
      .addColumn("job_id", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}job_tags_key`, ["tag", "job_id"])
      .modifyEnd(withoutRowid)
      .execute();
    await db.schema
      .createIndex(`${prefix}job_tags_of_job`)
      .on("job_tags")
      .column("job_id")
      .execute();

    await db.schema
      .createTable("job_attempts")
      .addColumn("job_id", "text", (column) => column.notNull())
      .addColumn("attempt", "integer", (column) => column.notNull())
      .addColumn("started_at", "integer", (column) => column.notNull())
      .addColumn("finished_at", "integer", (column) => column.notNull())
      .addColumn("error", "text")
      .addColumn("error_traceback", "text")
      .addPrimaryKeyConstraint(`${prefix}job_attempts_key`, ["job_id", "attempt"])
      .modifyEnd(withoutRowid)
      .execute();

    await db.schema
      .createTable("job_logs")
      .addColumn("number", "integer", (column) => column.primaryKey().autoIncrement())
      .addColumn("job_id", "text", (column) => column.notNull())
      .addColumn("attempt", "integer", (column) => column.notNull())
      .addColumn("logged_at", "integer", (column) => column.notNull())
      .addColumn("line", "text", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex(`${prefix}job_logs_of_job`)
      .on("job_logs")
      .columns(["job_id", "number"])
      .execute();

    await db.schema
      .createTable("job_queue")
      .addColumn("id", "text", (column) => column.primaryKey().notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addColumn("task", "text", (column) => column.notNull())
      .addColumn("concurrency_key", "text")
      .addColumn("priority", "integer", (column) => column.notNull())
      .addColumn("due", "integer", (column) => column.notNull())
      .addColumn("worker", "text")
      .addColumn("fence", "integer")
      .addColumn("lost", "integer", (column) => column.notNull())
      .modifyEnd(withoutRowid)
      .execute();
    // Each state has an index of its own: what waits for its time, or for its key, is in nobody's way.
    await db.schema
      .createIndex(`${prefix}job_queue_delayed`)
      .on("job_queue")
      .column("due")
      .where(sql.ref("state"), "=", "delayed")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_delayed_of_task`)
      .on("job_queue")
      .column("task")
      .where(sql.ref("state"), "=", "delayed")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_ready`)
      .on("job_queue")
      .columns(["task", "priority desc", "due", "id"])
      .where(sql.ref("state"), "=", "ready")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_held`)
      .on("job_queue")
      .columns(["task", "concurrency_key", "priority desc", "due", "id"])
      .where(sql.ref("state"), "=", "held")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_suspect`)
      .on("job_queue")
      .column("task")
      .where(sql.ref("state"), "=", "suspect")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_claimed`)
      .on("job_queue")
      .columns(["worker", "id"])
      .where(sql.ref("state"), "=", "claimed")
      .execute();
    await db.schema
      .createIndex(`${prefix}job_queue_running`)
      .on("job_queue")
      .columns(["task", "concurrency_key"])
      .where(sql.ref("state"), "=", "claimed")
      .execute();

    await db.schema
      .createTable("job_fence")
      .addColumn("value", "integer", (column) => column.notNull())
      .execute();
    await (db as Kysely<{ job_fence: { value: number } }>)
      .insertInto("job_fence")
      .values({ value: 0 })
      .execute();
  },
});
