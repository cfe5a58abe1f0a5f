import { type Kysely, type RawBuilder, sql } from "kysely";
import { jsonValues, prepare, prepareInsert } from "../../storage/mod.ts";
import type { QueueState, QueueTables } from "./tables.ts";

/** The statements of the embedded engine, each compiled once. */
export type Queue = ReturnType<typeof createQueue>;

/**
 * States are written into the statements, never bound: SQLite uses an index
 * of one state only where it sees that state.
 */
export function createQueue(db: Kysely<QueueTables>) {
  return {
    insert: prepareInsert<QueueTables, InsertParameters>(db)((db, rows) =>
      db
        .insertInto("job_queue")
        .values(
          rows.map((parameter) => ({
            id: parameter("id"),
            state: parameter("state"),
            task: parameter("task"),
            concurrency_key: parameter("concurrencyKey"),
            priority: parameter("priority"),
            due: parameter("due"),
            worker: parameter("worker"),
            fence: parameter("fence"),
            lost: 0,
          })),
        )
        .onConflict((conflict) => conflict.column("id").doNothing()),
    ),

    nextFence: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db.updateTable("job_fence").set({ value: sql`value + 1` }).returning("value"),
    ),

    /** Delayed entries whose time has come are ready. */
    promote: prepare<QueueTables, { now: number }>(db)((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: state("ready") })
        .where("state", "=", state("delayed"))
        .where("due", "<=", parameter("now")),
    ),

    /** The tasks that have ready entries, found by one look-up each. */
    readyTasks: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db
        .withRecursive("ready", (db) =>
          db
            .selectFrom("job_queue")
            .select((eb) => eb.fn.min<string | null>("task").as("name"))
            .where("state", "=", state("ready"))
            .unionAll((db) =>
              db
                .selectFrom("ready")
                .select((eb) =>
                  eb
                    .selectFrom("job_queue")
                    .select((eb) => eb.fn.min<string | null>("job_queue.task").as("name"))
                    .where("job_queue.state", "=", state("ready"))
                    .whereRef("job_queue.task", ">", "ready.name")
                    .as("name"),
                )
                .where("ready.name", "is not", null),
            ),
        )
        .selectFrom("ready")
        .select("name")
        .where("name", "is not", null)
        .$narrowType<{ name: string }>(),
    ),

    /** The first ready entries of a task, in the order in which they are claimed. */
    ready: prepare<QueueTables, { task: string; limit: number }>(db)((db, parameter) =>
      db
        .selectFrom("job_queue")
        .select(["id", "task", "concurrency_key", "priority", "due", "lost"])
        .where("state", "=", state("ready"))
        .where("task", "=", parameter("task"))
        .orderBy("priority", "desc")
        .orderBy("due")
        .orderBy("id")
        .limit(parameter("limit")),
    ),

    countClaimed: prepare<QueueTables, Group>(db)((db, parameter) =>
      db
        .selectFrom("job_queue")
        .select((eb) => eb.fn.countAll<number>().as("count"))
        .where("state", "=", state("claimed"))
        .where("task", "=", parameter("task"))
        .where("concurrency_key", "is", parameter("concurrency_key")),
    ),

    claim: prepare<QueueTables, { ids: string; worker: string; fence: number }>(db)(
      (db, parameter) =>
        db
          .updateTable("job_queue")
          .set({
            state: state("claimed"),
            worker: parameter("worker"),
            fence: parameter("fence"),
          })
          .where("id", "in", jsonValues(parameter("ids"))),
    ),

    hold: prepare<QueueTables, { ids: string }>(db)((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: state("held") })
        .where("id", "in", jsonValues(parameter("ids"))),
    ),

    anyHeld: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db
        .selectFrom("job_queue")
        .select(sql<number>`1`.as("one"))
        .where("state", "=", state("held"))
        .limit(1),
    ),

    /** The first held entry of a group is ready again. */
    unhold: prepare<QueueTables, Group>(db)((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: state("ready") })
        .where("id", "=", (eb) =>
          eb
            .selectFrom("job_queue")
            .select("id")
            .where("state", "=", state("held"))
            .where("task", "=", parameter("task"))
            .where("concurrency_key", "is", parameter("concurrency_key"))
            .orderBy("priority", "desc")
            .orderBy("due")
            .orderBy("id")
            .limit(1),
        ),
    ),

    anySuspect: prepare<QueueTables, { worker: string; lost: number }>(db)((db, parameter) =>
      db
        .selectFrom("job_queue")
        .select(sql<number>`1`.as("one"))
        .where("state", "=", state("claimed"))
        .where("worker", "=", parameter("worker"))
        .where("lost", ">=", parameter("lost"))
        .limit(1),
    ),

    setAside: prepare<QueueTables, { id: string }>(db)((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: state("suspect") })
        .where("id", "=", parameter("id")),
    ),

    /** Suspects that were set aside are ready again. */
    takeUp: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db
        .updateTable("job_queue")
        .set({ state: state("ready") })
        .where("state", "=", state("suspect")),
    ),

    unholdAll: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db
        .updateTable("job_queue")
        .set({ state: state("ready") })
        .where("state", "=", state("held")),
    ),

    release: prepare<QueueTables, { id: string; fence: number; state: QueueState; due: number }>(
      db,
    )((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: parameter("state"), due: parameter("due"), worker: null, fence: null })
        .where("id", "=", parameter("id"))
        .where("fence", "=", parameter("fence"))
        .returning(["task", "concurrency_key", "lost"]),
    ),

    ack: prepare<QueueTables, { ids: string; fence: number }>(db)((db, parameter) =>
      db
        .deleteFrom("job_queue")
        .where("id", "in", jsonValues(parameter("ids")))
        .where("fence", "=", parameter("fence"))
        .returning(["task", "concurrency_key", "lost"]),
    ),

    remove: prepare<QueueTables, { ids: string }>(db)((db, parameter) =>
      db
        .deleteFrom("job_queue")
        .where("id", "in", jsonValues(parameter("ids")))
        .where("state", "!=", state("claimed"))
        .returning(["task", "concurrency_key", "lost"]),
    ),

    recover: prepare<QueueTables, { workers: string }>(db)((db, parameter) =>
      db
        .updateTable("job_queue")
        .set({ state: state("ready"), worker: null, fence: null, lost: sql`lost + 1` })
        .where("state", "=", state("claimed"))
        .where("worker", "in", jsonValues(parameter("workers")))
        .returning(["id", "lost", "task", "concurrency_key"]),
    ),

    /** Counts up to `limit`, state by state, since each has an index of its own. */
    waiting: prepare<QueueTables, { task: string; limit: number }>(db)((db, parameter) => {
      const of = (name: QueueState) =>
        db
          .selectFrom("job_queue")
          .select("id")
          .where("state", "=", state(name))
          .where("task", "=", parameter("task"));
      return db
        .selectFrom(
          of("ready")
            .unionAll(of("held"))
            .unionAll(of("suspect"))
            .unionAll(of("delayed"))
            .limit(parameter("limit"))
            .as("waiting"),
        )
        .select((eb) => eb.fn.countAll<number>().as("count"));
    }),

    /** One entry that is ready, or whose time has come. */
    due: prepare<QueueTables, { now: number }>(db)((db, parameter) =>
      db
        .selectFrom("job_queue")
        .select("id")
        .where("state", "=", state("ready"))
        .limit(1)
        .unionAll((db) =>
          db
            .selectFrom("job_queue")
            .select("id")
            .where("state", "=", state("delayed"))
            .where("due", "<=", parameter("now")),
        )
        .limit(1),
    ),

    workers: db
      .selectFrom("job_queue")
      .select("worker")
      .distinct()
      .where("state", "=", state("claimed"))
      .where("worker", "is not", null)
      .$narrowType<{ worker: string }>(),

    nextDue: prepare<QueueTables, Record<never, never>>(db)((db) =>
      db
        .selectFrom("job_queue")
        .select((eb) => eb.fn.min<number | null>("due").as("due"))
        .where("state", "=", state("delayed")),
    ),
  };
}

interface InsertParameters {
  id: string;
  state: QueueState;
  task: string;
  concurrencyKey: string | null;
  priority: number;
  due: number;
  worker: string | null;
  fence: number | null;
}

/** Entries of which only so many run at once. */
interface Group {
  task: string;
  concurrency_key: string | null;
}

function state(name: QueueState): RawBuilder<QueueState> {
  return sql.lit(name);
}
