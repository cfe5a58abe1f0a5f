import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { SubmitOptions } from "../../lib/jobs/mod.ts";
import { type JobSettings, TaskContext, TimeoutError } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

/** A bench with a task that runs until its signal aborts, or a tenth of a second. */
function createBench(settings: { timeout?: number; job?: JobSettings } = {}) {
  const bench = new TestScheduler();
  const reasons: unknown[] = [];
  bench.registry.register("slow", {
    ...settings,
    inject: [TaskContext],
    run: (_params, { signal }) =>
      new Promise<object>((resolve) => {
        const timer = setTimeout(() => resolve({ ended: true }), 100);
        signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reasons.push(signal.reason);
        });
      }),
  });
  const run = async (options: SubmitOptions = {}) => {
    const id = await bench.scheduler.submit("slow", {}, { backoff: { initial: 0 }, ...options });
    return await bench.scheduler.wait(id);
  };
  return { bench, reasons, run };
}

test("a job that takes longer than its timeout fails with TimeoutError", async () => {
  const { bench, reasons, run } = createBench();
  await using _ending = bench;
  const { status, error } = await run({ timeout: 0.01 });
  assertEquals(status, "failed");
  assertEquals(error, 'TimeoutError: "slow" was still running after 0.01 seconds');
  assert(reasons[0] instanceof TimeoutError);
});

test("a timeout counts as a failure, after which the job is run again", async () => {
  const { bench, reasons, run } = createBench();
  await using _ending = bench;
  const { status, attempt } = await run({ timeout: 0.01, retries: 2 });
  assertEquals([status, attempt, reasons.length], ["failed", 3, 3]);
});

test("a job without timeout takes its time", async () => {
  const { bench, run } = createBench();
  await using _ending = bench;
  assertEquals((await run()).status, "completed");
});

test("the task's timeout holds for its jobs", async () => {
  const { bench, run } = createBench({ timeout: 0.01 });
  await using _ending = bench;
  assertEquals((await run()).status, "failed");
});

test("the timeout of the task's jobs overrides its own, to longer and to shorter", async () => {
  const longer = createBench({ timeout: 0.01, job: { timeout: 60 } });
  await using _longer = longer.bench;
  assertEquals((await longer.run()).status, "completed");
  const shorter = createBench({ timeout: 60, job: { timeout: 0.01 } });
  await using _shorter = shorter.bench;
  assertEquals((await shorter.run()).status, "failed");
});

test("a submission's timeout overrides those of the task, to longer and to shorter", async () => {
  const { bench, run } = createBench({ timeout: 0.01, job: { timeout: 0.02 } });
  await using _ending = bench;
  assertEquals((await run({ timeout: 60 })).status, "completed");
  const { error } = await run({ timeout: 0.005 });
  assert(error?.endsWith("after 0.005 seconds"));
});

test("a timeout frees the slot of a run that ignores its signal", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler, registry } = bench;
  registry.register("stubborn", { run: () => new Promise<object>(() => {}) });
  const id = await scheduler.submit("stubborn", {}, { timeout: 0.01 });
  assertEquals((await scheduler.wait(id)).status, "failed");
  assertEquals((await scheduler.wait(await scheduler.spawn(() => 1))).result, 1);
});
