import { type InsertQueryBuilder, type InsertResult, type Kysely, sql } from "kysely";
import { jsonValues, prepare } from "../../storage/mod.ts";
import type { ScheduleRow, ScheduleTables } from "./tables.ts";

/** What a process writes down of a schedule. */
export type Definition = Omit<ScheduleRow, "version" | "paused" | "last_run_at" | "last_job_id">;

/** What makes a schedule another one under the same name. */
const DEFINITION = [
  "expression",
  "time_zone",
  "task_name",
  "params",
  "options",
  "missed",
] as const satisfies readonly (keyof Definition)[];

type Insert = InsertQueryBuilder<ScheduleTables, "schedules", InsertResult>;

export type ScheduleStatements = ReturnType<typeof createStatements>;

/** The statements on schedules. */
export function createStatements(db: Kysely<ScheduleTables>) {
  const differs = (columns: readonly (keyof Definition)[]) =>
    sql<boolean>`(${sql.join(
      columns.map((column) => sql`${sql.ref(`schedules.${column}`)} is not ${excluded(column)}`),
      sql` or `,
    )})`;
  const insert = (orElse: (insert: Insert) => Insert) =>
    prepare<ScheduleTables, Definition>(db)((db, parameter) =>
      orElse(
        db.insertInto("schedules").values({
          name: parameter("name"),
          version: 1,
          expression: parameter("expression"),
          time_zone: parameter("time_zone"),
          task_name: parameter("task_name"),
          params: parameter("params"),
          options: parameter("options"),
          missed: parameter("missed"),
          paused: 0,
          last_tick: parameter("last_tick"),
        }),
      ),
    );
  return {
    /** Adds a schedule, or replaces what is another one; its pause stays. */
    put: insert((insert) =>
      insert.onConflict((conflict) =>
        conflict
          .column("name")
          .doUpdateSet({
            version: sql`${sql.ref("schedules.version")} + 1`,
            ...Object.fromEntries(DEFINITION.map((column) => [column, excluded(column)])),
            // What ticked at other times has missed none of these.
            last_tick: sql`case when ${differs(["expression", "time_zone"])}
                then ${excluded("last_tick")} else ${sql.ref("schedules.last_tick")} end`,
          })
          .where(differs(DEFINITION)),
      ),
    ),

    /** Adds a schedule that is not there any more. */
    restore: insert((insert) => insert.onConflict((conflict) => conflict.doNothing())),

    /** All that were ever declared and not removed, by name. */
    all: db.selectFrom("schedules").selectAll().orderBy("name"),

    named: (names: readonly string[]) =>
      db
        .selectFrom("schedules")
        .selectAll()
        .where("name", "in", jsonValues(JSON.stringify(names)))
        .orderBy("name"),

    /** Ticks up to this one are over, unless they are already, or the schedule is another one or paused. */
    endTick: prepare<ScheduleTables, { name: string; version: number; tick: number }>(db)(
      (db, parameter) =>
        db
          .updateTable("schedules")
          .set({ last_tick: parameter("tick") })
          .where("name", "=", parameter("name"))
          .where("version", "=", parameter("version"))
          .where("last_tick", "<", parameter("tick"))
          .where("paused", "=", 0)
          .returning("name"),
    ),

    /** What a schedule has missed that skips it is over. */
    skipMissed: prepare<ScheduleTables, { name: string; now: number }>(db)((db, parameter) =>
      db
        .updateTable("schedules")
        .set({ last_tick: parameter("now") })
        .where("name", "=", parameter("name"))
        .where("missed", "=", "skip")
        .where("last_tick", "<", parameter("now")),
    ),

    ran: prepare<ScheduleTables, { name: string; now: number; job: string }>(db)((db, parameter) =>
      db
        .updateTable("schedules")
        .set({ last_run_at: parameter("now"), last_job_id: parameter("job") })
        .where("name", "=", parameter("name")),
    ),

    pause: prepare<ScheduleTables, { name: string }>(db)((db, parameter) =>
      db.updateTable("schedules").set({ paused: 1 }).where("name", "=", parameter("name")),
    ),

    /** Nothing was missed meanwhile. */
    resume: prepare<ScheduleTables, { name: string; now: number }>(db)((db, parameter) =>
      db
        .updateTable("schedules")
        .set({ paused: 0, last_tick: parameter("now") })
        .where("name", "=", parameter("name"))
        .where("paused", "=", 1),
    ),

    /** Removes a schedule that nobody declares any more. */
    remove: prepare<ScheduleTables, { name: string }>(db)((db, parameter) =>
      db
        .deleteFrom("schedules")
        .where("name", "=", parameter("name"))
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom("schedule_workers")
                .select("worker")
                .where("schedule_workers.name", "=", parameter("name")),
            ),
          ),
        ),
    ),

    declarations: db.selectFrom("schedule_workers").selectAll(),

    declare: prepare<ScheduleTables, { name: string; worker: string }>(db)((db, parameter) =>
      db
        .insertInto("schedule_workers")
        .values({ name: parameter("name"), worker: parameter("worker") })
        .onConflict((conflict) => conflict.doNothing()),
    ),

    withdraw: prepare<ScheduleTables, { name: string; worker: string }>(db)((db, parameter) =>
      db
        .deleteFrom("schedule_workers")
        .where("name", "=", parameter("name"))
        .where("worker", "=", parameter("worker")),
    ),

    forget: prepare<ScheduleTables, { workers: string }>(db)((db, parameter) =>
      db.deleteFrom("schedule_workers").where("worker", "in", jsonValues(parameter("workers"))),
    ),
  };
}

function excluded(column: keyof Definition) {
  return sql.ref<never>(`excluded.${column}`);
}
