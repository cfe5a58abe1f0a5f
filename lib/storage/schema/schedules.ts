import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * The tables of schedules: what each is, and which workers declare it.
 *
 * Times are milliseconds since 1970.
 */
export const createSchedules = (prefix: string): Migration => ({
  up: async (db: Kysely<unknown>): Promise<void> => {
    await db.schema
      .createTable("schedules")
      .addColumn("name", "text", (column) => column.primaryKey().notNull())
      .addColumn("version", "integer", (column) => column.notNull())
      .addColumn("expression", "text", (column) => column.notNull())
      .addColumn("time_zone", "text", (column) => column.notNull())
      .addColumn("task_name", "text", (column) => column.notNull())
      .addColumn("params", "text", (column) => column.notNull())
      .addColumn("options", "text", (column) => column.notNull())
      .addColumn("missed", "text", (column) => column.notNull())
      .addColumn("paused", "integer", (column) => column.notNull())
      .addColumn("last_tick", "integer", (column) => column.notNull())
      .addColumn("last_run_at", "integer")
      .addColumn("last_job_id", "text")
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createTable("schedule_workers")
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("worker", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}schedule_workers_key`, ["name", "worker"])
      .modifyEnd(sql`without rowid`)
      .execute();
  },
});
