/**
 * A service with background jobs of each kind:
 *
 * ```sh
 * DATABASE_URL=jobs.db bun run examples/jobs.ts
 * ```
 *
 * Kill it (`kill -9`) while a job runs, and start it again: the job runs again.
 * Left out, `DATABASE_URL` is `:memory:`, and the jobs end with the process.
 * `HOST` and `PORT` say where it listens.
 *
 * @module
 */
import { Database, registry, Scheduler, ServiceBuilder, Session, TaskContext } from "taskmount";
import * as v from "valibot";
import { jobCommands } from "./job_commands.ts";
import { listen } from "./listen.ts";
import { readSettings } from "./settings.ts";
import { migrate, type Tables } from "./tables.ts";
import { transfer } from "./tasks/transfer.ts";

// When `bun --hot` runs this file again, its tasks are registered again.
registry.clear();

registry.register("spawn_background_job", {
  description: "Spawns a closure, which runs on in the background after the answer.",
  tags: ["admin", "background"],
  params: v.object({ processing_time: v.optional(v.pipe(v.number(), v.minValue(0)), 60) }),
  inject: [Scheduler],
  run: async ({ processing_time }, scheduler) => {
    const id = await scheduler.spawn(
      async ({ signal }) => {
        await pause(processing_time, signal);
        return { status: "completed", processing_time };
      },
      { description: `Background processing (${processing_time}s)` },
    );
    return {
      message: "Background job started",
      job_id: id,
      check_status: `${scheduler.prefix}/${id}`,
    };
  },
});

registry.register("print_report", {
  description: "Fails twice before it succeeds, as things do that depend on others.",
  tags: ["demo", "retry"],
  inject: [TaskContext],
  job: { retries: 3, backoff: { initial: 0.5 } },
  run: (_params, { attempt }) => {
    if (attempt < 3) throw new Error(`The printer is out of paper, at attempt ${attempt}`);
    return { printed: true, attempt };
  },
});

registry.register("count_to", {
  description: "Takes its time, and tells how far it is.",
  tags: ["demo", "progress"],
  params: v.object({
    number: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 50),
    seconds: v.optional(v.pipe(v.number(), v.minValue(0)), 0.1),
  }),
  inject: [TaskContext],
  run: async ({ number, seconds }, { progress, log, signal }) => {
    for (let counted = 1; counted <= number; counted++) {
      await pause(seconds, signal);
      progress(counted / number, `${counted} of ${number}`);
      log(`counted ${counted}`);
    }
    return { counted: number };
  },
});

const audit = registry.register("audit", {
  description: "Adds up all accounts: transfers must not change the sum.",
  tags: ["money", "database"],
  inject: [Session],
  run: async (_params, session) => {
    const accounts = await session.kysely<Tables>().selectFrom("accounts").selectAll().execute();
    return {
      accounts: accounts.length,
      cents: accounts.reduce((sum, { cents }) => sum + cents, 0),
    };
  },
});

registry.register(transfer);

/** Waits so many seconds, or until a job that is canceled need not any more. */
async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1_000);
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  await promise.finally(() => clearTimeout(timer));
}

try {
  const settings = readSettings(process.env);
  const service = new ServiceBuilder({
    id: "taskmount-jobs-example",
    displayName: "taskmount jobs example",
  })
    .withDatabase(Database.open(settings.databaseUrl))
    .withTasks()
    .withJobs({ maxConcurrency: 5 })
    .withHealth()
    .onStartup(async ({ database, scheduler }) => {
      await migrate(database);
      await scheduler.cron("audit", "* * * * *", audit, {}, { description: "each minute" });
    })
    .build();
  const server = listen(service, settings);
  await service.start();
  console.log(jobCommands(server.url.origin));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
