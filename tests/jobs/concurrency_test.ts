import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { type JobSettings, TaskContext } from "../../lib/tasks/mod.ts";
import { type HeldRun, Hold, TestScheduler } from "./test_scheduler.ts";

/** A bench whose task holds its runs. */
function createBench(job: JobSettings = {}) {
  const bench = new TestScheduler();
  const hold = new Hold();
  for (const name of ["held", "other"]) {
    bench.registry.register(name, {
      job,
      inject: [TaskContext],
      run: (_params, context) => hold.enter(context),
    });
  }
  const submit = (concurrencyKey?: string, options: object = {}) =>
    bench.scheduler.submit("held", {}, { concurrencyKey, ...options });
  return { bench, hold, submit };
}

/** Whatever may be claimed has been when a job that comes last has ended. */
async function settle({ scheduler }: TestScheduler): Promise<void> {
  await scheduler.wait(await scheduler.spawn(() => {}));
}

test("one job runs per key, the others one after the other", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const ids = [await submit("a"), await submit("a"), await submit("a")];
  const order: (string | null)[] = [];
  for (const _ of ids) {
    const { context, release } = await hold.next();
    await settle(bench);
    assertEquals(hold.held, 1);
    order.push(context.jobId);
    release();
  }
  assertEquals(order, ids);
});

test("jobs of other keys, of no key, and of other tasks run beside it", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  await submit("a");
  await submit("a");
  await submit("b");
  await submit();
  await submit();
  await scheduler.submit("other", {}, { concurrencyKey: "a" });
  const runs = await Promise.all(Array.from({ length: 5 }, () => hold.next()));
  await settle(bench);
  assertEquals(hold.held, 5);
  for (const run of runs) run.release();
  (await hold.next()).release();
});

test("the task's concurrency allows more per key", async () => {
  const { bench, hold, submit } = createBench({ concurrency: 2 });
  await using _ending = bench;
  for (let job = 0; job < 4; job++) await submit("a");
  for (let job = 0; job < 4; job++) await submit("b");
  const runs = await Promise.all(Array.from({ length: 4 }, () => hold.next()));
  await settle(bench);
  assertEquals(hold.held, 4);
  for (const run of runs) run.release();
  for (let job = 0; job < 4; job++) (await hold.next()).release();
  await settle(bench);
  assertEquals(hold.most, 4);
});

test("the task's concurrency limits its jobs without a key", async () => {
  const { bench, hold } = createBench({ concurrency: 2 });
  await using _ending = bench;
  await bench.scheduler.submitMany(Array(6).fill({ task: "held" }));
  for (let job = 0; job < 6; job++) {
    const run = await hold.next();
    await settle(bench);
    run.release();
  }
  assertEquals(hold.most, 2);
});

test("jobs that wait for their key keep no others from running", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const first = await submit("a");
  const run = await hold.next();
  await scheduler.submitMany(
    Array(50).fill({ task: "held", concurrencyKey: "a", priority: 1_000 }),
  );
  const other = await submit("b", { priority: -1_000 });
  const beside = await hold.next();
  assertEquals([run.context.jobId, beside.context.jobId], [first, other]);
});

test("of those that wait for a key the one with the highest priority is next, then the oldest", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  await submit("a");
  const run = await hold.next();
  const low = await submit("a", { priority: -1 });
  const first = await submit("a");
  const second = await submit("a");
  const high = await submit("a", { priority: 1 });
  await settle(bench);
  run.release();
  const order: (string | null)[] = [];
  for (let job = 0; job < 4; job++) {
    const { context, release } = await hold.next();
    order.push(context.jobId);
    release();
  }
  assertEquals(order, [high, first, second, low]);
});

/** What may happen to the job that has the key, by which the next one gets it. */
const ENDS: Record<string, (bench: TestScheduler, id: string, run: HeldRun) => Promise<void>> = {
  completes: async (_bench, _id, run) => run.release(),
  fails: async (_bench, _id, run) => run.fail(new Error("no")),
  "is canceled": ({ scheduler }, id) => scheduler.cancel(id),
  "is deleted": ({ scheduler }, id) => scheduler.delete(id),
};

for (const [what, end] of Object.entries(ENDS)) {
  test(`a job that ${what} leaves its key to the next one`, async () => {
    const { bench, hold, submit } = createBench();
    await using _ending = bench;
    const id = await submit("a");
    const run = await hold.next();
    const next = await submit("a");
    await settle(bench);
    await end(bench, id, run);
    assertEquals((await hold.next()).context.jobId, next);
  });
}

test("a job that waits for its next attempt leaves its key to the next one", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { clock } = bench;
  const id = await submit("a", { retries: 1, backoff: { initial: 60 } });
  const run = await hold.next();
  const next = await submit("a");
  await settle(bench);
  run.fail(new Error("no"));
  const second = await hold.next();
  assertEquals(second.context.jobId, next);
  clock.advance(60);
  await settle(bench);
  assertEquals(hold.held, 1);
  second.release();
  assertEquals((await hold.next()).context.jobId, id);
});

test("a job that waits for its key can be canceled or deleted, and the next one still runs", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  await submit("a");
  const run = await hold.next();
  const [canceled, deleted, next] = [await submit("a"), await submit("a"), await submit("a")];
  await settle(bench);
  await scheduler.cancel(canceled);
  await scheduler.delete(deleted);
  await settle(bench);
  assertEquals(hold.held, 1);
  run.release();
  assertEquals((await hold.next()).context.jobId, next);
});

test("a job that is next for its key and is canceled before it begins leaves that to another", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const first = await submit("a");
  const run = await hold.next();
  await submit();
  const unkeyed = await hold.next();
  const [canceled, next] = [await submit("a"), await submit("a")];
  await settle(bench);
  scheduler.maxConcurrency = 1;
  run.release();
  await scheduler.wait(first);
  await scheduler.cancel(canceled);
  unkeyed.release();
  assertEquals((await hold.next()).context.jobId, next);
});

test("a delayed job takes its key when its time has come, not before", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const delayed = await submit("a", { delay: 60 });
  const first = await submit("a");
  const run = await hold.next();
  assertEquals(run.context.jobId, first);
  bench.clock.advance(60);
  await settle(bench);
  assertEquals(hold.held, 1);
  run.release();
  assertEquals((await hold.next()).context.jobId, delayed);
});

test("keys hold for all schedulers on a database together", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { database, registry, clock } = bench;
  await using second = new TestScheduler({ database, registry, clock });
  await second.scheduler.start();
  await submit("a");
  const run = await hold.next();
  const next = await second.scheduler.submit("held", {}, { concurrencyKey: "a" });
  await settle(second);
  assertEquals(hold.held, 1);
  run.release();
  assertEquals((await hold.next()).context.jobId, next);
});

test("a job that was canceled keeps its key until a retry runs", async () => {
  const { bench, hold, submit } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await submit("a");
  await hold.next();
  const next = await submit("a");
  await settle(bench);
  await scheduler.cancel(id);
  await scheduler.retry(id);
  // Both run in the end, one after the other: which of them is first, the older one.
  const order: (string | null)[] = [];
  for (let job = 0; job < 2; job++) {
    const run = await hold.next();
    order.push(run.context.jobId);
    await settle(bench);
    run.release();
    await scheduler.wait(run.context.jobId ?? "");
  }
  assertEquals(order.toSorted(), [id, next].toSorted());
});
