import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { JobNotFoundError, type RetentionOptions, Scheduler } from "../../lib/jobs/mod.ts";
import { joinNeighbours } from "../../lib/jobs/neighbours.ts";
import { ServiceBuilder, ServiceConfigurationError } from "../../lib/service/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { TaskContext, TaskRegistry } from "../../lib/tasks/mod.ts";
import { FakeClock } from "../../lib/testing/mod.ts";
import { tablesInUse } from "./tables_in_use.ts";
import { TestScheduler } from "./test_scheduler.ts";

/** Seconds; less than a day, which is what each clock has for itself. */
const AGE = 3_600;
const BOUNDED = { completed: { age: AGE } };

function createBench(options: ConstructorParameters<typeof TestScheduler>[0] = {}): TestScheduler {
  const bench = new TestScheduler(options);
  bench.registry.register("talks", {
    inject: [TaskContext],
    run: (_params, { attempt, log }) => {
      log("line");
      if (attempt === 1) throw new Error("no");
      return {};
    },
  });
  return bench;
}

/** Tells when a sweep is over, and the next one will be in a minute. */
class SweepClock extends FakeClock {
  #sweptUp = Promise.withResolvers<void>();

  /** The end of the next sweep. */
  get sweptUp(): Promise<void> {
    return this.#sweptUp.promise;
  }

  override after(milliseconds: number, fn: () => void): () => void {
    if (milliseconds === 60_000) {
      this.#sweptUp.resolve();
      this.#sweptUp = Promise.withResolvers();
    }
    return super.after(milliseconds, fn);
  }
}

/** Resolves when any scheduler on the database has told that this job has changed. */
function changeOf(database: Database, id: string): Promise<void> {
  return new Promise((resolve) => {
    joinNeighbours(database, { hear: (ids) => ids.includes(id) && resolve() });
  });
}

const OPTIONS = { tags: ["a"], retries: 1, backoff: { initial: 0 }, idempotencyKey: "key" };

test("a worker deletes what has ended long ago each minute, with its tags, attempts and log", async () => {
  const clock = new SweepClock();
  await using bench = createBench({ clock, retention: BOUNDED });
  const { scheduler, database } = bench;
  const first = clock.sweptUp;
  const id = await scheduler.submit("talks", {}, OPTIONS);
  await scheduler.wait(id);
  await first;
  const second = clock.sweptUp;
  clock.advance(AGE - 1);
  await second;
  assertEquals((await scheduler.get(id)).status, "completed");
  const changing = changeOf(database, id);
  clock.advance(60);
  await changing;
  await assertRejects(() => scheduler.get(id), JobNotFoundError);
  await assertRejects(() => scheduler.logs(id), JobNotFoundError);
  // The key is free with its job.
  assert((await scheduler.submit("talks", {}, { ...OPTIONS, delay: 60 })) !== id);
});

test("a worker deletes at its start what another process has left", async () => {
  await using database = Database.sqlite(":memory:");
  const clock = new FakeClock();
  let id: string;
  {
    await using bench = createBench({ database, clock, retention: false });
    id = await bench.scheduler.submit("talks", {}, OPTIONS);
    await bench.scheduler.wait(id);
  }
  assertEquals(await tablesInUse({ database }), ["jobs", "job_tags", "job_attempts", "job_logs"]);
  clock.advance(AGE);
  await using bench = createBench({ database, clock, retention: BOUNDED });
  const changing = changeOf(database, id);
  await bench.scheduler.start();
  await changing;
  assertEquals(await tablesInUse({ database }), []);
});

test("`retention: false` keeps everything: nothing is looked for", async () => {
  const timersOf = async (retention: RetentionOptions | false) => {
    await using bench = createBench({ retention });
    const { scheduler, clock } = bench;
    const id = await scheduler.submit("talks", {}, OPTIONS);
    await scheduler.wait(id);
    await scheduler.wait(await scheduler.spawn(() => {}));
    clock.advance(AGE);
    await scheduler.wait(await scheduler.spawn(() => {}));
    assertEquals((await scheduler.get(id)).status, "completed");
    return clock.pending;
  };
  const all = { age: Number.POSITIVE_INFINITY, count: Number.POSITIVE_INFINITY };
  const bounds = { completed: all, failed: all, canceled: all };
  assertEquals((await timersOf(bounds)) - (await timersOf(false)), 1);
});

test("a worker that stops leaves no timer of its sweeps", async () => {
  const clock = new SweepClock();
  await using bench = createBench({ clock });
  const { scheduler } = bench;
  const { sweptUp } = clock;
  await scheduler.start();
  await sweptUp;
  await scheduler.stop();
  assertEquals(clock.pending, 0);
});

test("new Scheduler() refuses numbers of its retention that it can't use", async () => {
  await using database = Database.sqlite(":memory:");
  const wrong: [RetentionOptions, string][] = [
    [{ completed: { age: -1 } }, "Cannot use -1 as retention.completed.age"],
    [{ failed: { age: Number.NaN } }, "Cannot use NaN as retention.failed.age"],
    [{ canceled: { count: -1 } }, "Cannot use -1 as retention.canceled.count"],
    [{ completed: { count: 0.5 } }, "Cannot use 0.5 as retention.completed.count"],
    [{ completed: { count: Number.NaN } }, "Cannot use NaN as retention.completed.count"],
  ];
  for (const [retention, message] of wrong) {
    assertThrows(() => new Scheduler({ database, retention }), RangeError, message);
  }
  const all = { age: Number.POSITIVE_INFINITY, count: Number.POSITIVE_INFINITY };
  for (const bounds of [all, { age: 0, count: 0 }, { age: 0.5 }, {}, undefined]) {
    await using _taken = new Scheduler({ database, retention: { completed: bounds, failed: all } });
  }
});

test("withJobs() takes a retention", () => {
  const builder = new ServiceBuilder({ displayName: "Kept" }).withTasks({
    registry: new TaskRegistry(),
  });
  builder.withJobs({ retention: false }).build();
  assertThrows(
    () => builder.withJobs({ retention: { failed: { age: -1 } } }).build(),
    ServiceConfigurationError,
    "retention.failed.age",
  );
});
