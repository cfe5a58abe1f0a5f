import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobCanceledError, JobNotFoundError } from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { tablesInUse } from "./tables_in_use.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

function createBench(): { bench: TestScheduler; hold: Hold } {
  const bench = new TestScheduler();
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  return { bench, hold };
}

test("delete() leaves nothing of a job that has ended: no log, tags or attempts", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const options = { tags: ["a", "b"], retries: 1, backoff: { initial: 0 } };
  const id = await scheduler.submit("held", {}, options);
  const first = await hold.next();
  first.context.log("line");
  first.fail(new Error("no"));
  (await hold.next()).release();
  await scheduler.wait(id);
  assertEquals(await tablesInUse(bench), ["jobs", "job_tags", "job_attempts", "job_logs"]);
  await scheduler.delete(id);
  assertEquals(await tablesInUse(bench), []);
  await assertRejects(() => scheduler.get(id), JobNotFoundError);
  await assertRejects(() => scheduler.logs(id), JobNotFoundError);
  assertEquals(await scheduler.list({ tags: ["a"] }), []);
});

test("delete() of a pending or delayed job keeps it from running", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  scheduler.maxConcurrency = 0;
  const pending = await scheduler.submit("held");
  const delayed = await scheduler.submit("held", {}, { delay: 60 });
  await scheduler.delete(pending);
  await scheduler.delete(delayed);
  assertEquals(await tablesInUse(bench), []);
  clock.advance(60);
  scheduler.maxConcurrency = 1;
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals(hold.count, 0);
});

test("delete() of a running job aborts its signal, and leaves nothing once the run has ended", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const { context } = await hold.next();
  const { signal } = context;
  const aborting = new Promise((resolve) => signal.addEventListener("abort", resolve));
  await scheduler.delete(id);
  await assertRejects(() => scheduler.get(id), JobNotFoundError);
  await aborting;
  assert(signal.reason instanceof JobCanceledError);
  await scheduler.stop();
  assertEquals(await tablesInUse(bench), []);
});

test("delete() of a running closure aborts its signal; of a waiting one keeps it from running", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler } = bench;
  const running = Promise.withResolvers<void>();
  const seen = Promise.withResolvers<unknown>();
  const first = await scheduler.spawn(({ signal }) => {
    signal.addEventListener("abort", () => seen.resolve(signal.reason));
    running.resolve();
    return new Promise(() => {});
  });
  await running.promise;
  let runs = 0;
  const second = await scheduler.spawn(() => {
    runs += 1;
  });
  await scheduler.delete(second);
  await scheduler.delete(first);
  assert((await seen.promise) instanceof JobCanceledError);
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals(runs, 0);
});

test("delete() of a closure that waits for its turn leaves nothing of it, its claim neither", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler } = bench;
  await scheduler.delete(await scheduler.spawn(() => {}));
  // Whatever follows the deletion is written before what comes after it.
  await assertRejects(() => scheduler.delete("01J00000000000000000000000"), JobNotFoundError);
  assertEquals(await tablesInUse(bench), []);
});

test("delete() of a canceled job leaves nothing of it", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held", {}, { delay: 60, tags: ["a"] });
  await scheduler.cancel(id);
  await scheduler.delete(id);
  assertEquals(await tablesInUse(bench), []);
});

test("delete() leaves other jobs alone", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const options = { delay: 60, tags: ["a"] };
  const [first, second] = [
    await scheduler.submit("held", {}, options),
    await scheduler.submit("held", {}, options),
  ];
  await scheduler.delete(first);
  assertEquals(
    (await scheduler.list({ tags: ["a"] })).map(({ id }) => id),
    [second],
  );
});

test("delete() refuses an id that no job has, or no more", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held", {}, { delay: 60 });
  await scheduler.delete(id);
  await assertRejects(() => scheduler.delete(id), JobNotFoundError);
});
