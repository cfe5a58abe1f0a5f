import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import * as v from "valibot";
import {
  Database,
  type Service,
  ServiceBuilder,
  Session,
  TaskContext,
  TaskExecutor,
  TaskRegistry,
  TaskRouter,
} from "../../../lib/mod.ts";

/** Who may do what, where the service asks for keys. */
export const CREDENTIALS: readonly (readonly [name: string, value: string])[] = [
  ["x-api-key", "of-everything"],
  ["authorization", "Bearer of-everything"],
  ["X-API-KEY", "of-everything"],
  ["x-api-key", "of-one-task"],
  ["x-api-key", "of-reading"],
  ["x-api-key", "of-nobody"],
];

export const TASKS = ["echo", "typed", "write", "wait", "throw", "narrow"];
export const SCHEDULES = ["yearly", "paused"];

/** A service with all that there is to be had, and tasks of every kind. Whoever adds a part mounts it here. */
export async function startTarget({ guarded }: { guarded: boolean }): Promise<Service> {
  const registry = new TaskRegistry();
  registerTasks(registry);
  const database = Database.sqlite(":memory:");
  const executor = new TaskExecutor({ registry, database });
  const own = TaskRouter.create({ executor, prefix: "/own/tasks", maxBody: 1_000 });
  let builder = new ServiceBuilder({
    displayName: "Fuzzed",
    signals: false,
    basePath: guarded ? "/base" : "",
  })
    .withDatabase(database)
    .withTasks({ registry, traceback: !guarded })
    .withJobs({ maxConcurrency: 20, retention: { completed: { count: 200 } } })
    .withArtifacts({ maxUpload: 100_000 })
    .withHealth({ interval: 0.05 })
    .include(own)
    .include({ prefix: "/mounted", fetch: () => new Response("mounted") })
    .onStartup(async ({ database, scheduler }) => {
      await sql`create table if not exists notes (text text)`.execute(database.kysely());
      for (const name of SCHEDULES) await scheduler.cron(name, "0 0 1 1 *", "echo");
      await scheduler.schedules.pause("paused");
    })
    .onShutdown(() => executor.stop());
  if (guarded) {
    builder = builder.withLimits({ cors: { origins: ["https://app.example.org"] } }).withAuth({
      keys: [
        "of-everything",
        { name: "one task", key: "of-one-task", scopes: ["tasks:execute:echo"] },
        { name: "reader", key: "of-reading", scopes: ["tasks:read", "jobs:read", "system:read"] },
      ],
      publicPaths: ["/mounted/*"],
    });
  }
  const service = builder.build();
  await service.start();
  return service;
}

function registerTasks(registry: TaskRegistry): void {
  registry.register("echo", { params: v.looseObject({}), run: (params) => params });
  registry.register("typed", {
    params: v.object({
      name: v.string(),
      n: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
      tags: v.optional(v.array(v.string()), []),
      nested: v.optional(v.strictObject({ at: v.pipe(v.string(), v.isoDate()) })),
    }),
    run: (params) => ({ seen: params }),
  });
  registry.register("write", {
    params: v.object({ name: v.string() }),
    inject: [Session],
    run: async ({ name }, session) => {
      await session.transaction(async (tx) => {
        await sql`insert into notes (text) values (${name})`.execute(tx.kysely());
        await sql`delete from notes where rowid < (select max(rowid) - 100 from notes)`.execute(
          tx.kysely(),
        );
      });
    },
  });
  registry.register("wait", {
    timeout: 0.02,
    inject: [TaskContext, Session],
    run: async (_params, { signal, progress, log }) => {
      progress(0.5, "half");
      log("waits");
      await sleep(100, undefined, { signal });
    },
  });
  registry.register("throw", {
    run: () => {
      throw new RangeError("as it should");
    },
  });
  registry.register("narrow", {
    params: v.looseObject({}),
    job: { concurrency: 1, maxPending: 5 },
    run: async () => {
      await sleep(1);
    },
  });
}
