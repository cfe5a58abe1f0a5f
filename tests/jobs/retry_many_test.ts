import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type JobFilter, SchedulerStoppedError } from "../../lib/jobs/mod.ts";
import { NestedWriteError } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

/** Registers `fails`, whose runs are noted, and whether they fail. */
function createBench(options: { maxConcurrency?: number } = {}) {
  const bench = new TestScheduler(options);
  const runs: string[] = [];
  const state = { fails: true };
  bench.registry.register("fails", {
    inject: [TaskContext],
    run: (_params, { jobId }) => {
      runs.push(jobId ?? "");
      if (state.fails) throw new Error("no");
    },
  });
  return { bench, runs, state };
}

/** Jobs that have failed. */
async function failed({ scheduler }: TestScheduler, count: number): Promise<string[]> {
  const ids = await scheduler.submitMany(Array(count).fill({ task: "fails" }));
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  return ids;
}

test("retryMany() without a filter queues all that has failed or was canceled again, and nothing else", async () => {
  const { bench, state } = createBench();
  await using _ending = bench;
  const { scheduler, registry } = bench;
  const hold = new Hold();
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const [one = ""] = await failed(bench, 1);
  const closure = await scheduler.spawn(() => {
    throw new Error("no");
  });
  await scheduler.wait(closure);
  state.fails = false;
  const done = await scheduler.submit("fails");
  await scheduler.wait(done);
  const canceled = await scheduler.submit("fails", {}, { delay: 60 });
  await scheduler.cancel(canceled);
  const delayed = await scheduler.submit("fails", {}, { delay: 60 });
  const running = await scheduler.submit("held");
  const run = await hold.next();
  assertEquals(await scheduler.retryMany(), 2);
  for (const [id, attempt] of [
    [one, 2],
    [canceled, 1],
    [done, 1],
  ] as const) {
    const record = await scheduler.wait(id);
    assertEquals([record.status, record.attempt], ["completed", attempt]);
  }
  assertEquals((await scheduler.get(closure)).status, "failed");
  assertEquals((await scheduler.get(delayed)).status, "pending");
  assertEquals((await scheduler.get(running)).status, "running");
  run.release();
});

test("retryMany() keeps the history of each, and gives each its retries anew, as retry() does", async () => {
  const { bench, state } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const options = { retries: 1, backoff: { initial: 0 } };
  const id = await scheduler.submit("fails", {}, options);
  await scheduler.wait(id);
  const canceled = await scheduler.submit("fails", {}, { delay: 60 });
  await scheduler.cancel(canceled);
  assertEquals(await scheduler.retryMany({ status: "failed" }), 1);
  assertEquals(
    (await scheduler.wait(id)).attempts.map(({ attempt, error }) => [attempt, error]),
    [1, 2, 3, 4].map((attempt) => [attempt, "Error: no"]),
  );
  state.fails = false;
  assertEquals(await scheduler.retryMany({ status: "canceled" }), 1);
  assertEquals((await scheduler.wait(canceled)).attempts.length, 1);
  assertEquals((await scheduler.get(id)).status, "failed");
});

test("retryMany() takes what the list shows, whatever the filter", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, clock } = bench;
  const begun = clock.date();
  const ids: string[] = [];
  for (const task of ["a", "b"]) {
    bench.registry.register(task, { run: () => ({}) });
    for (const tags of [[], ["x"], ["x", "y"]]) {
      clock.advance(1);
      ids.push(await scheduler.submit(task, {}, { tags }));
    }
  }
  const third = ids[2] ?? "";
  const filters: (JobFilter & { expected: number })[] = [
    { expected: 3, task: "a" },
    { expected: 4, tags: ["x"] },
    { expected: 1, task: "b", tags: ["x", "y"] },
    { expected: 4, since: new Date(begun.getTime() + 3_000) },
    { expected: 2, until: new Date(begun.getTime() + 3_000) },
    { expected: 2, before: third },
    { expected: 1, before: third, tags: ["x"] },
    { expected: 6, status: "canceled" },
    { expected: 0, status: "failed" },
    { expected: 0, status: "completed" },
    { expected: 0, task: "c" },
    { expected: 6 },
  ];
  for (const { expected, ...filter } of filters) {
    for (const id of ids) await scheduler.cancel(id);
    const listed = (await scheduler.list(filter)).map(({ id }) => id).sort();
    assertEquals(await scheduler.retryMany(filter), expected, JSON.stringify(filter));
    const retried = (await scheduler.list({ status: "pending" })).map(({ id }) => id).sort();
    assertEquals(retried, expected === 0 ? [] : listed);
  }
});

test("retryMany() goes through many batches, the oldest job first, and meets each once", async () => {
  const { bench, runs } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  const { scheduler } = bench;
  const ids = await failed(bench, 350);
  runs.length = 0;
  // They fail again while it goes on.
  assertEquals(await scheduler.retryMany(), 350);
  for (const id of ids) assertEquals((await scheduler.wait(id)).attempt, 2);
  assertEquals(runs, ids);
});

test("retryMany() goes through what has failed and what was canceled side by side", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  registry.register("fails", { run: () => Promise.reject(new Error("no")) });
  registry.register("rests", { run: () => ({}) });
  const tasks = Array.from({ length: 350 }, (_, number) => (number % 3 === 0 ? "fails" : "rests"));
  const ids = await scheduler.submitMany(
    tasks.map((task) => ({ task, ...(task === "rests" ? { delay: 60 } : {}) })),
  );
  for (const [index, id] of ids.entries()) {
    if (tasks[index] === "rests") await scheduler.cancel(id);
    else await scheduler.wait(id);
  }
  assertEquals(await scheduler.retryMany(), 350);
});

test("retryMany() ends while jobs go on to be submitted and to fail", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler, registry } = bench;
  let isOver = false;
  registry.register("breeds", {
    run: async () => {
      if (!isOver) await scheduler.submitMany(Array(2).fill({ task: "breeds" }));
      throw new Error("no");
    },
  });
  await failed(bench, 250);
  await scheduler.submit("breeds");
  assertEquals(await scheduler.retryMany({ task: "fails" }), 250);
  const newest = (await scheduler.list({ size: 1 }))[0]?.id ?? "";
  const known = await scheduler.list({ before: newest, size: 1_000 });
  const count = await scheduler.retryMany();
  isOver = true;
  assert(count <= known.length + 250, `${count} of ${known.length}`);
});

test("retryMany() leaves alone what has changed since it looked, and what is gone", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler, database } = bench;
  const ids = await scheduler.submitMany(Array(3).fill({ task: "fails" }));
  for (const id of ids) await scheduler.cancel(id);
  const [first = "", second = ""] = ids;
  const { promise: begin, resolve } = Promise.withResolvers<void>();
  const retrying = begin.then(() => scheduler.retryMany());
  await database.transaction(async (tx) => {
    // It looks, and then waits for its turn to write.
    resolve();
    for (let times = 0; times < 50; times++) await scheduler.list();
    await scheduler.retry(first, { session: tx });
    await scheduler.delete(second, { session: tx });
  });
  assertEquals(await retrying, 1);
  assertEquals((await scheduler.list({ status: "pending" })).length, 2);
});

test("retryMany() refuses what is no filter", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const wrong: [object, string][] = [
    [{ size: 10 }, "Cannot use this filter: size: "],
    [{ status: "done" }, "Cannot use this filter: status: "],
    [{ since: new Date(Number.NaN) }, "Cannot use this filter: since: "],
    [{ before: "1" }, "Cannot use this filter: before: Expected the id of a job, a ULID"],
  ];
  for (const [filter, message] of wrong) {
    await assertRejects(() => scheduler.retryMany(filter), TypeError, message);
  }
});

test("retryMany() inside a transaction is refused, since it would wait for itself", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  await bench.database.migrate();
  await assertRejects(
    () => bench.database.transaction(() => bench.scheduler.retryMany()),
    NestedWriteError,
  );
});

test("retryMany() ends with the scheduler", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  await failed(bench, 300);
  const retrying = scheduler.retryMany();
  const stopping = scheduler.stop({ grace: 0 });
  await assertRejects(() => retrying, SchedulerStoppedError);
  await stopping;
});
