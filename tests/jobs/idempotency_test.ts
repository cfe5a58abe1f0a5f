import { test } from "bun:test";
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { IdempotencyConflictError } from "../../lib/jobs/mod.ts";
import { defineTask } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

const pay = defineTask("pay", { run: () => ({}) });
const options = { idempotencyKey: "order-1" };

function createBench(maxConcurrency = 0): TestScheduler {
  const bench = new TestScheduler({ maxConcurrency });
  bench.registry.register(pay);
  bench.registry.register("refund", { run: () => ({}) });
  bench.registry.register("narrow", { job: { maxPending: 1 }, run: () => ({}) });
  return bench;
}

test("submit() gives the job that has the idempotency key, where the params are the same", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", { to: "Bob", cents: 5 }, options);
  assertEquals(await scheduler.submit("pay", { to: "Bob", cents: 5 }, options), id);
  assertEquals((await scheduler.list()).length, 1);
});

test("submit() compares params whatever the order of their keys, at any depth", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", { to: "Bob", how: { a: 1, b: [1, 2] } }, options);
  const same = { how: { b: [1, 2], a: 1 }, to: "Bob" };
  assertEquals(await scheduler.submit("pay", same, options), id);
});

test("submit() refuses other params under the same key", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", { cents: [1, 2] }, options);
  for (const params of [{ cents: [2, 1] }, { cents: [1, 2], to: "Bob" }, {}, { cents: "1,2" }]) {
    const error = await assertRejects(
      () => scheduler.submit("pay", params, options),
      IdempotencyConflictError,
      `The idempotency key "order-1" belongs to job ${id}, which has other params`,
    );
    assertEquals(error.jobId, id);
  }
  assertEquals((await scheduler.list()).length, 1);
});

test("submit() compares params as they are kept", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const at = new Date("2030-01-01T00:00:00.000Z");
  const id = await scheduler.submit("pay", { at, gone: undefined }, options);
  assertEquals(await scheduler.submit("pay", { at: at.toJSON() }, options), id);
});

test("an idempotency key belongs to its task", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", {}, options);
  assertNotEquals(await scheduler.submit("refund", { other: true }, options), id);
});

test("submit() without a key, or under another one, makes another job", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const ids = [
    await scheduler.submit("pay", {}, options),
    await scheduler.submit("pay", {}, { idempotencyKey: "order-2" }),
    await scheduler.submit("pay", {}),
    await scheduler.submit("pay", {}),
  ];
  assertEquals(new Set(ids).size, 4);
});

test("an idempotency key lives as long as the record: after the end, until it is deleted", async () => {
  await using bench = createBench(1);
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", {}, options);
  assertEquals((await scheduler.wait(id)).status, "completed");
  assertEquals(await scheduler.submit("pay", {}, options), id);
  await assertRejects(
    () => scheduler.submit("pay", { cents: 1 }, options),
    IdempotencyConflictError,
  );
  assertEquals((await scheduler.get(id)).attempt, 1);
  await scheduler.delete(id);
  assertNotEquals(await scheduler.submit("pay", { cents: 1 }, options), id);
});

test("what a later submission says of the same job changes nothing", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("pay", {}, { ...options, priority: 1 });
  await scheduler.submit("pay", {}, { ...options, priority: 2, tags: ["late"] });
  const { priority, tags } = await scheduler.get(id);
  assertEquals([priority, tags], [1, []]);
});

test("submissions with one key at the same time make one job", async () => {
  await using bench = createBench(10);
  const { scheduler } = bench;
  const ids = await Promise.all(
    Array.from({ length: 50 }, () => scheduler.submit("pay", { cents: 5 }, options)),
  );
  assertEquals(new Set(ids).size, 1);
  assertEquals((await scheduler.list()).length, 1);
});

test("a full queue still gives the job that is there", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const id = await scheduler.submit("narrow", {}, options);
  assertEquals(await scheduler.submit("narrow", {}, options), id);
});
