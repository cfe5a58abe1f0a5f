import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Scheduler } from "../../../lib/jobs/mod.ts";
import { Database } from "../../../lib/storage/mod.ts";
import { TaskExecutor, TaskRegistry } from "../../../lib/tasks/mod.ts";
import { RecordingLogger } from "../../tasks/recording_logger.ts";
import { giveBack } from "./fixtures/tasks.ts";
import { JobFile } from "./job_file.ts";
import type { WorkerProcess } from "./worker_process.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

async function declare(worker: WorkerProcess, schedule: string): Promise<void> {
  worker.tell(`cron ${schedule}`);
  await worker.says("declared");
}

/** Resolves when there are so many jobs. */
async function haveJobs({ database, scheduler }: JobFile, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = async () => {
    if ((await scheduler.list()).length >= count) resolve();
  };
  using _listening = await database.onForeignCommit(() => void look());
  await look();
  await promise;
}

test("each tick of a fleet has one job, while processes are killed and started", async () => {
  await using file = await JobFile.create();
  const each = "each hello * * * * * *";
  const steady = await file.worker();
  await declare(steady, each);
  for (let round = 1; round <= 2; round++) {
    const victim = await file.worker();
    await declare(victim, each);
    await haveJobs(file, round * 2);
    await victim.kill();
  }
  await haveJobs(file, 5);
  await steady.kill();
  const jobs = await file.scheduler.list();
  // A job that has lost its worker is due at another time, but was submitted within its tick's second.
  const ticks = jobs.map(({ attempt, runAt, submittedAt }) =>
    attempt === 1 ? runAt.getTime() : Math.floor(submittedAt.getTime() / 1_000) * 1_000,
  );
  assertGreaterOrEqual(ticks.length, 5);
  assertEquals(
    ticks.filter((tick) => tick % 1_000 !== 0),
    [],
  );
  assertEquals([...new Set(ticks)], ticks);
});

test("a schedule is gone when the last process that declares it was killed", async () => {
  await using file = await JobFile.create();
  await using database = Database.sqlite(file.path);
  const registry = new TaskRegistry();
  const { promise: takenOver, resolve } = Promise.withResolvers<void>();
  registry.register(giveBack.name, { run: () => resolve() });
  await using scheduler = new Scheduler({ database, lease: 60 });
  new TaskExecutor({ registry, database, scheduler, logger: new RecordingLogger() });

  const worker = await file.worker({ lease: 60 });
  await declare(worker, "yearly hello 0 0 1 1 *");
  const id = await file.scheduler.submit(giveBack);
  await worker.says(`started ${id}`);
  await scheduler.start();
  assertEquals(
    (await scheduler.schedules.list()).map(({ name }) => name),
    ["yearly"],
  );
  await worker.kill();
  // So its death was noticed.
  await takenOver;
  assertEquals(await scheduler.schedules.list(), []);
});
