import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import * as v from "valibot";
import {
  IdempotencyConflictError,
  InvalidJobOptionsError,
  type JobSubmission,
  QueueFullError,
} from "../../lib/jobs/mod.ts";
import { defineTask, TaskNotFoundError, ValidationError } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

const double = defineTask("double", {
  params: v.object({ value: v.number() }),
  run: ({ value }) => ({ doubled: value * 2 }),
});
const narrow = defineTask("narrow", { job: { maxPending: 2 }, run: () => ({}) });

function createBench(maxConcurrency = 10): TestScheduler {
  const bench = new TestScheduler({ maxConcurrency });
  bench.registry.register(double);
  bench.registry.register(narrow);
  return bench;
}

test("submitMany() gives the ids in order, and runs them all", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const ids = await scheduler.submitMany(
    [1, 2, 3].map((value) => ({ task: double, params: { value } })),
  );
  const records = await Promise.all(ids.map((id) => scheduler.wait(id)));
  assertEquals(
    records.map(({ result }) => result),
    [{ doubled: 2 }, { doubled: 4 }, { doubled: 6 }],
  );
  assertEquals(ids, ids.toSorted());
});

test("submitMany() takes names, and options for each", async () => {
  await using bench = createBench(0);
  const { scheduler } = bench;
  const [first = "", second = ""] = await scheduler.submitMany([
    { task: "double", params: { value: 1 }, priority: 5, tags: ["a"], description: "one" },
    { task: "double", params: { value: 2 }, delay: 60 },
  ]);
  const { priority, tags, description } = await scheduler.get(first);
  assertEquals([priority, tags, description], [5, ["a"], "one"]);
  assertEquals((await scheduler.get(second)).runAt, bench.clock.date(60));
});

test("submitMany() takes none", async () => {
  await using bench = createBench();
  assertEquals(await bench.scheduler.submitMany([]), []);
});

test("submitMany() submits none where one is wrong", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const good = { task: double, params: { value: 1 } };
  const both = (submission: JobSubmission) => scheduler.submitMany([good, submission]);
  await assertRejects(() => both({ task: "nobody" }), TaskNotFoundError);
  await assertRejects(() => both({ task: "double", params: { value: "1" } }), ValidationError);
  await assertRejects(() => both({ ...good, retries: 101 }), InvalidJobOptionsError);
  // Callers without types may give a session where it has no place.
  const withSession: object = { session: bench.database.session() };
  await assertRejects(() => both({ ...good, ...withSession }), InvalidJobOptionsError, "session");
  assertEquals(await scheduler.list(), []);
});

test("submitMany() submits none where the queue has no room for all", async () => {
  await using bench = createBench(0);
  const { scheduler } = bench;
  const three = [{ task: double, params: { value: 1 } }, ...Array(3).fill({ task: narrow })];
  await assertRejects(() => scheduler.submitMany(three), QueueFullError);
  assertEquals(await scheduler.list(), []);
  assertEquals((await scheduler.submitMany(three.slice(0, 3))).length, 3);
});

test("submitMany() gives one job for one idempotency key, and none where its params differ", async () => {
  await using bench = createBench(0);
  const { scheduler } = bench;
  const submission = (value: number) => ({
    task: double,
    params: { value },
    idempotencyKey: "key",
  });
  await assertRejects(
    () => scheduler.submitMany([submission(1), submission(2)]),
    IdempotencyConflictError,
  );
  assertEquals(await scheduler.list(), []);
  const [first, second] = await scheduler.submitMany([submission(1), submission(1)]);
  assertEquals(first, second);
  assertEquals((await scheduler.list()).length, 1);
});

test("submitMany() beside others leaves what is refused to its caller alone", async () => {
  await using bench = createBench(0);
  const { scheduler } = bench;
  // What arrives together is committed together.
  const outcomes = await Promise.allSettled([
    scheduler.submitMany([{ task: double, params: { value: 1 } }]),
    scheduler.submitMany(Array(3).fill({ task: narrow })),
    scheduler.submitMany([{ task: double, params: { value: 2 } }]),
  ]);
  assertEquals(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assertEquals(
    (await scheduler.list()).map(({ taskName }) => taskName),
    ["double", "double"],
  );
});

test("submitMany() runs more than a group commit holds, each once", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const counts = new Map<number, number>();
  const done = Promise.withResolvers<void>();
  const count = registry.register("count", {
    params: v.object({ value: v.number() }),
    run: ({ value }) => {
      counts.set(value, (counts.get(value) ?? 0) + 1);
      if (counts.size === 2_500) done.resolve();
    },
  });
  const ids = await scheduler.submitMany(
    Array.from({ length: 2_500 }, (_, value) => ({ task: count, params: { value } })),
  );
  await done.promise;
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  assertEquals(new Set(counts.values()), new Set([1]));
}, 30_000);
