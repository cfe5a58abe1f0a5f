import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  InvalidJobOptionsError,
  NonRetryableError,
  Scheduler,
  SchedulerStoppedError,
} from "../../lib/jobs/mod.ts";
import { Database, isUlid, NestedWriteError } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

test("spawn() runs a closure and keeps its result", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn(async () => ({ answer: 42 }), {
    description: "thinks",
    tags: ["a", "b", "a"],
  });
  assert(isUlid(id));
  const record = await scheduler.wait(id);
  const { status, taskName, params, description, tags, result, attempt } = record;
  assertEquals(
    { status, taskName, params, description, tags, result, attempt },
    {
      status: "completed",
      taskName: null,
      params: null,
      description: "thinks",
      tags: ["a", "b"],
      result: { answer: 42 },
      attempt: 1,
    },
  );
});

test("spawn() takes a closure that isn't async, and no options", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const { description, tags, result } = await scheduler.wait(await scheduler.spawn(() => 7));
  assertEquals([description, tags, result], [null, [], 7]);
});

test("spawn() keeps any JSON as the result", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  for (const result of ["text", "", 0, -1.5, true, false, [], [1, "two", null], null, { a: [] }]) {
    const id = await scheduler.spawn(() => result);
    assertEquals((await scheduler.wait(id)).result, result);
    assertEquals(await scheduler.result(id), result);
  }
  const nothing = await scheduler.wait(await scheduler.spawn(() => undefined));
  assertEquals([nothing.status, nothing.result], ["completed", null]);
});

test("spawn() fails a job whose closure throws, and never runs it again", async () => {
  await using bench = new TestScheduler();
  const { scheduler, logger } = bench;
  let runs = 0;
  const id = await scheduler.spawn(() => {
    runs += 1;
    throw new RangeError("too far");
  });
  const { status, error, errorTraceback, retries } = await scheduler.wait(id);
  assertEquals([status, error, retries, runs], ["failed", "RangeError: too far", 0, 1]);
  assert(errorTraceback?.includes("spawn_test.ts"));
  assertEquals(logger.messages, ["a job failed"]);
  const final = await scheduler.spawn(() => Promise.reject(new NonRetryableError("no")));
  assertEquals((await scheduler.wait(final)).error, "NonRetryableError: no");
});

test("spawn() fails a job whose closure throws what is no error", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const record = await scheduler.wait(await scheduler.spawn(() => Promise.reject("just text")));
  assertEquals([record.error, record.errorTraceback], ["Error: just text", null]);
});

test("spawn() gives the closure a context: job, attempt, progress, log", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn((context) => {
    assert(context instanceof TaskContext);
    context.progress(0.25, "a quarter");
    context.log("one");
    const { taskName, jobId, attempt, principal } = context;
    return { taskName, jobId, attempt, principal, aborted: context.signal.aborted };
  });
  const record = await scheduler.wait(id);
  assertEquals(record.result, {
    taskName: "closure",
    jobId: id,
    attempt: 1,
    principal: null,
    aborted: false,
  });
  assertEquals([record.progress, record.progressMessage], [0.25, "a quarter"]);
  assertEquals(
    (await scheduler.logs(id)).map(({ line }) => line),
    ["one"],
  );
});

test("spawn() lets the closure complete in a transaction, with any JSON", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn((context) => context.complete(() => ["all", "done"]));
  const { status, result } = await scheduler.wait(id);
  assertEquals([status, result], ["completed", ["all", "done"]]);
});

test("spawn() refuses what is no function", async () => {
  await using bench = new TestScheduler();
  // Callers without types may pass anything.
  const notAFunction = { call: "me" } as unknown as () => void;
  await assertRejects(() => bench.scheduler.spawn(notAFunction), TypeError, "no function");
  assertEquals(await bench.scheduler.list(), []);
});

test("spawn() refuses options that can't be used", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  for (const options of [{ tags: [""] }, { description: "x".repeat(10_001) }]) {
    await assertRejects(() => scheduler.spawn(() => {}, options), InvalidJobOptionsError);
  }
  assertEquals(await scheduler.list(), []);
});

test("spawn() is refused inside a transaction, which would wait for itself", async () => {
  await using bench = new TestScheduler();
  const { scheduler, database } = bench;
  await scheduler.start();
  await database.transaction(async () => {
    await assertRejects(() => scheduler.spawn(() => {}), NestedWriteError);
  });
  assertEquals(await scheduler.list(), []);
});

test("spawn() is refused after stop()", async () => {
  await using bench = new TestScheduler();
  await bench.scheduler.stop();
  await assertRejects(() => bench.scheduler.spawn(() => {}), SchedulerStoppedError);
});

test("spawn() waits for a free slot", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler } = bench;
  const hold = new Hold();
  const first = await scheduler.spawn((context) => hold.enter(context));
  const second = await scheduler.spawn((context) => hold.enter(context));
  const run = await hold.next();
  assertEquals((await scheduler.get(second)).status, "pending");
  run.release();
  await scheduler.wait(first);
  (await hold.next()).release();
  await scheduler.wait(second);
  assertEquals(hold.most, 1);
});

test("spawn() and submit() share the slots: neither starves the other", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler, registry } = bench;
  const order: string[] = [];
  const hold = new Hold();
  registry.register("queued", {
    run: () => {
      order.push("job");
    },
  });
  const first = await scheduler.spawn((context) => hold.enter(context));
  const run = await hold.next();
  const ids = await scheduler.submitMany(Array(4).fill({ task: "queued" }));
  for (let closure = 0; closure < 4; closure++) {
    ids.push(await scheduler.spawn(() => void order.push("closure")));
  }
  run.release();
  await Promise.all([first, ...ids].map((id) => scheduler.wait(id)));
  // In turn, whoever is first.
  assertEquals(order.slice(0, 4).toSorted(), ["closure", "closure", "job", "job"]);
  assertEquals(order.length, 8);
});

test("spawn() works without an executor, and Scheduler is injected then too", async () => {
  await using database = Database.sqlite(":memory:");
  await using scheduler = new Scheduler({ database });
  const id = await scheduler.spawn((_context, injected) => injected === scheduler, {
    inject: [Scheduler],
  });
  assertEquals((await scheduler.wait(id)).result, true);
});

test("spawn() begins closures in the order in which they were spawned", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 2 });
  const { scheduler } = bench;
  const order: number[] = [];
  const ids: string[] = [];
  for (let number = 0; number < 20; number++) {
    ids.push(await scheduler.spawn(() => void order.push(number)));
  }
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  assertEquals(
    order,
    order.toSorted((a, b) => a - b),
  );
  assertStrictEquals(order.length, 20);
});
