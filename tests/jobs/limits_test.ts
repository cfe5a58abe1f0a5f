import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { QueueFullError, Scheduler, type SchedulerOptions } from "../../lib/jobs/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { TaskContext, TaskExecutor, TaskRegistry } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

function createBench(options: Partial<Omit<SchedulerOptions, "clock">> = {}) {
  const bench = new TestScheduler(options);
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const submit = (count: number) => bench.scheduler.submitMany(Array(count).fill({ task: "held" }));
  return { bench, hold, submit };
}

/** How many jobs run, as their records say. */
async function running({ scheduler }: TestScheduler): Promise<number> {
  return (await scheduler.list({ status: "running" })).length;
}

test("new Scheduler() refuses numbers that it can't use", async () => {
  await using database = Database.sqlite(":memory:");
  for (const option of [
    "maxConcurrency",
    "crashLimit",
    "maxParams",
    "maxResult",
    "maxLog",
  ] as const) {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assertThrows(
        () => new Scheduler({ database, [option]: value }),
        RangeError,
        `Cannot use ${value} as ${option}`,
      );
    }
    await using _taken = new Scheduler({ database, [option]: 0 });
  }
  for (const lease of [0, 0.09, 86_401, Number.NaN]) {
    assertThrows(
      () => new Scheduler({ database, lease }),
      RangeError,
      `Cannot use ${lease} as lease`,
    );
  }
  for (const lease of [0.1, 86_400]) {
    await using _taken = new Scheduler({ database, lease });
  }
});

test("new TaskExecutor() refuses a scheduler that another one has", async () => {
  await using database = Database.sqlite(":memory:");
  await using scheduler = new Scheduler({ database });
  const registry = new TaskRegistry();
  await using _executor = new TaskExecutor({ registry, database, scheduler });
  assertThrows(
    () => new TaskExecutor({ registry, database, scheduler }),
    TypeError,
    "Cannot give one scheduler to two executors",
  );
});

test("maxConcurrency is 10 by default", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  assertEquals(bench.scheduler.maxConcurrency, 10);
  const ids = await submit(11);
  const runs = await Promise.all(Array.from({ length: 10 }, () => hold.next()));
  assertEquals(await running(bench), 10);
  for (const run of runs) run.release();
  (await hold.next()).release();
  await Promise.all(ids.map((id) => bench.scheduler.wait(id)));
  assertEquals(hold.most, 10);
});

test("a job that ends makes room for the next one", async () => {
  const { bench, hold, submit } = createBench({ maxConcurrency: 2 });
  await using _ending = bench;
  const ids = await submit(20);
  for (const _ of ids) (await hold.next()).release();
  await Promise.all(ids.map((id) => bench.scheduler.wait(id)));
  assertEquals(hold.most, 2);
});

test("maxConcurrency limits jobs, never what is executed", async () => {
  const { bench, hold, submit } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  await submit(2);
  const job = await hold.next();
  const executing = Array.from({ length: 3 }, () => bench.executor.execute("held"));
  for (const _ of executing) (await hold.next()).release();
  await Promise.all(executing);
  assertEquals(await running(bench), 1);
  job.release();
  (await hold.next()).release();
});

test("maxConcurrency that is raised lets more jobs run at once", async () => {
  const { bench, hold, submit } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  await submit(3);
  const runs = [await hold.next()];
  bench.scheduler.maxConcurrency = 3;
  assertEquals(bench.scheduler.maxConcurrency, 3);
  runs.push(await hold.next(), await hold.next());
  assertEquals(hold.held, 3);
  for (const run of runs) run.release();
});

test("maxConcurrency that is lowered interrupts nothing, and begins nothing until enough have ended", async () => {
  const { bench, hold, submit } = createBench({ maxConcurrency: 3 });
  await using _ending = bench;
  const { scheduler } = bench;
  await submit(4);
  const [first, second, third] = [await hold.next(), await hold.next(), await hold.next()];
  scheduler.maxConcurrency = 1;
  assertEquals(first.context.signal.aborted, false);
  for (const run of [first, second]) {
    run.release();
    await scheduler.wait(run.context.jobId ?? "");
    // Whatever this wakes has come to nothing by now.
    await scheduler.list();
    assertEquals(hold.count, 3);
  }
  third.release();
  (await hold.next()).release();
});

test("maxConcurrency 0 submits only; raised, it runs what has waited", async () => {
  const { bench, hold, submit } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  await submit(1);
  const closure = await scheduler.spawn(() => "closure");
  await scheduler.start();
  assertEquals(
    (await scheduler.list()).map(({ status }) => status),
    ["pending", "pending"],
  );
  scheduler.maxConcurrency = 2;
  (await hold.next()).release();
  assertEquals((await scheduler.wait(closure)).result, "closure");
});

test("maxConcurrency refuses what is no whole number from 0 on", async () => {
  const { bench } = createBench({ maxConcurrency: 4 });
  await using _ending = bench;
  for (const value of [-1, 0.5, Number.NaN]) {
    assertThrows(() => {
      bench.scheduler.maxConcurrency = value;
    }, RangeError);
  }
  assertEquals(bench.scheduler.maxConcurrency, 4);
});

test("submit() refuses one more than maxPending", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, registry } = bench;
  registry.register("narrow", { job: { maxPending: 2 }, run: () => ({}) });
  registry.register("other", { run: () => ({}) });
  await scheduler.submit("narrow");
  await scheduler.submit("narrow", {}, { delay: 60 });
  await assertRejects(
    () => scheduler.submit("narrow"),
    QueueFullError,
    'As many jobs of "narrow" wait as its maxPending allows: 2',
  );
  await scheduler.submit("other");
  assertEquals((await scheduler.list()).length, 3);
});

test("maxPending counts neither what runs nor what has ended", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler, registry } = bench;
  const hold = new Hold();
  registry.register("narrow", {
    job: { maxPending: 1 },
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  await scheduler.submit("narrow");
  const run = await hold.next();
  const second = await scheduler.submit("narrow");
  await assertRejects(() => scheduler.submit("narrow"), QueueFullError);
  run.release();
  (await hold.next()).release();
  await scheduler.wait(second);
  const third = await scheduler.submit("narrow", {}, { delay: 60 });
  await assertRejects(() => scheduler.submit("narrow"), QueueFullError);
  await scheduler.cancel(third);
  await scheduler.submit("narrow");
  (await hold.next()).release();
});

test("maxPending counts what waits for its key", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const hold = new Hold();
  registry.register("narrow", {
    job: { maxPending: 2 },
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const options = { concurrencyKey: "key" };
  await scheduler.submit("narrow", {}, options);
  await hold.next();
  await scheduler.submit("narrow", {}, options);
  await scheduler.submit("narrow", {}, options);
  // A claim has set them aside by now.
  await scheduler.wait(await scheduler.spawn(() => {}));
  await assertRejects(() => scheduler.submit("narrow"), QueueFullError);
});

test("maxPending 0 lets nothing wait", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("closed", { job: { maxPending: 0 }, run: () => ({}) });
  await assertRejects(() => bench.scheduler.submit("closed"), QueueFullError);
});
