import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  JobCanceledError,
  type JobFilter,
  type Scheduler,
  SchedulerStoppedError,
} from "../../lib/jobs/mod.ts";
import { joinNeighbours } from "../../lib/jobs/neighbours.ts";
import { NestedWriteError } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { tablesInUse } from "./tables_in_use.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

const ALL: JobFilter = { since: new Date(0) };

function createBench(options: { maxConcurrency?: number } = {}) {
  const bench = new TestScheduler(options);
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  bench.registry.register("quick", { run: () => ({}) });
  return { bench, hold };
}

async function idsOf(scheduler: Scheduler, filter?: JobFilter): Promise<string[]> {
  return (await scheduler.list({ ...filter, size: 1_000 })).map(({ id }) => id);
}

test("deleteMany() deletes what the list shows, whatever the filter", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const begun = clock.date();
  const submit = async () => {
    for (const task of ["held", "quick"]) {
      for (const tags of [[], ["x"], ["x", "y"]]) {
        clock.advance(1);
        await scheduler.submit(task, {}, { tags });
      }
    }
    await scheduler.cancel((await idsOf(scheduler))[0] ?? "");
    return await idsOf(scheduler);
  };
  const filters: JobFilter[] = [
    { task: "held" },
    { tags: ["x"] },
    { task: "quick", tags: ["x", "y"] },
    { status: "canceled" },
    { status: "pending", tags: ["x"] },
    { status: "completed" },
    { since: new Date(begun.getTime() + 30_000) },
    { until: clock.date(5) },
  ];
  for (const filter of filters) {
    const all = await submit();
    const shown = await idsOf(scheduler, filter);
    assertEquals(await scheduler.deleteMany(filter), shown.length);
    assertEquals(
      await idsOf(scheduler),
      all.filter((id) => !shown.includes(id)),
    );
  }
  const [, newest = "", ...older] = await submit();
  assertEquals(await scheduler.deleteMany({ before: newest }), older.length);
  assertEquals(await scheduler.deleteMany(ALL), 2);
  assertEquals(await tablesInUse(bench), []);
});

test("deleteMany() goes through many batches, and leaves nothing of any job", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("talks", {
    inject: [TaskContext],
    run: (_params, { attempt, log }) => {
      log("line");
      if (attempt === 1) throw new Error("no");
    },
  });
  const options = { tags: ["a", "b"], retries: 1, backoff: { initial: 0 } };
  const ids = await scheduler.submitMany(Array(350).fill({ task: "talks", ...options }));
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  const kept = await scheduler.submit("quick", {}, { delay: 60 });
  assertEquals(await scheduler.deleteMany({ tags: ["b"] }), 350);
  assertEquals(await tablesInUse(bench), ["jobs", "job_queue"]);
  assertEquals(await idsOf(scheduler), [kept]);
});

test("deleteMany() lets others write between its batches", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  await scheduler.submitMany(Array(2_000).fill({ task: "quick" }));
  const order: string[] = [];
  const deleting = scheduler.deleteMany({ task: "quick" }).then((count) => {
    order.push("deleted");
    return count;
  });
  let turns = 0;
  const turn = () => {
    turns += 1;
    if (!order.includes("deleted")) setImmediate(turn);
  };
  setImmediate(turn);
  await scheduler.submit("held").then(() => order.push("submitted"));
  assertEquals(await deleting, 2_000);
  // A batch has at most 500, and the first ones have fewer.
  assert(turns >= 5, `${turns}`);
  assertEquals(order, ["submitted", "deleted"]);
});

test("deleteMany() leaves what is submitted meanwhile, and so ends", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler, database } = bench;
  await scheduler.submitMany(Array(350).fill({ task: "quick" }));
  const later: Promise<unknown>[] = [];
  let isOver = false;
  joinNeighbours(database, {
    hear: (ids) => {
      if (ids.length === 0 || isOver) return;
      later.push(scheduler.submitMany(Array(ids.length).fill({ task: "quick" })));
    },
  });
  assertEquals(await scheduler.deleteMany({ task: "quick" }), 350);
  isOver = true;
  await Promise.all(later);
  assertEquals((await idsOf(scheduler)).length, 350);
});

test("deleteMany() deletes nothing that has left the filter since it looked", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler, database } = bench;
  const [first = "", second = ""] = await scheduler.submitMany(Array(2).fill({ task: "quick" }));
  for (const id of [first, second]) await scheduler.cancel(id);
  const { promise: begin, resolve } = Promise.withResolvers<void>();
  const deleting = begin.then(() => scheduler.deleteMany({ status: "canceled" }));
  await database.transaction(async (tx) => {
    // It looks, and then waits for its turn to write.
    resolve();
    for (let times = 0; times < 50; times++) await scheduler.list();
    await scheduler.retry(first, { session: tx });
  });
  assertEquals(await deleting, 1);
  assertEquals(await idsOf(scheduler), [first]);
});

test("deleteMany() aborts what runs, forgets closures that wait, and tells who follows", async () => {
  const { bench, hold } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  const { scheduler } = bench;
  await scheduler.submit("held", {}, { tags: ["a"] });
  const { signal } = (await hold.next()).context;
  const aborting = new Promise((resolve) => signal.addEventListener("abort", resolve));
  let runs = 0;
  const closure = await scheduler.spawn(
    () => {
      runs += 1;
    },
    { tags: ["a"] },
  );
  const following = Array.fromAsync(scheduler.events(closure));
  await scheduler.get(closure);
  assertEquals(await scheduler.deleteMany({ tags: ["a"] }), 2);
  assertEquals((await following).at(-1)?.status, "deleted");
  await aborting;
  assert(signal.reason instanceof JobCanceledError);
  await scheduler.stop({ grace: 0, abortGrace: 0.01 });
  assertEquals(runs, 0);
  assertEquals(await tablesInUse(bench), []);
});

test("deleteMany() frees idempotency keys", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  const options = { idempotencyKey: "key" };
  const first = await scheduler.submit("quick", {}, options);
  assertEquals(await scheduler.submit("quick", {}, options), first);
  await scheduler.deleteMany({ task: "quick" });
  assert((await scheduler.submit("quick", {}, options)) !== first);
});

test("deleteMany() refuses to delete everything by a forgotten filter, and what is no filter", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  await scheduler.submit("quick");
  for (const filter of [{}, { tags: [] }, { status: undefined }]) {
    await assertRejects(
      () => scheduler.deleteMany(filter),
      TypeError,
      "Cannot delete jobs without a filter: to delete all, give one that all fit, { since: new Date(0) }",
    );
  }
  const misspelt = { task: "quick", state: "failed" };
  await assertRejects(() => scheduler.deleteMany(misspelt), TypeError, "state");
  await assertRejects(
    () => scheduler.deleteMany({ since: new Date(Number.NaN) }),
    TypeError,
    "Cannot use this filter: since: ",
  );
  assertEquals((await scheduler.list()).length, 1);
  assertEquals(await scheduler.deleteMany(ALL), 1);
  assertEquals(await scheduler.deleteMany(ALL), 0);
});

test("deleteMany() is refused inside a transaction, since it would wait for itself", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  await database.migrate();
  await assertRejects(
    () => database.transaction(() => scheduler.deleteMany(ALL)),
    NestedWriteError,
  );
});

test("deleteMany() ends with the scheduler; a stopped one still deletes", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  await scheduler.submitMany(Array(350).fill({ task: "quick" }));
  const deleting = scheduler.deleteMany(ALL);
  const stopping = scheduler.stop();
  await assertRejects(() => deleting, SchedulerStoppedError);
  await stopping;
  const { length } = await idsOf(scheduler);
  assertEquals(await scheduler.deleteMany(ALL), length);
});
