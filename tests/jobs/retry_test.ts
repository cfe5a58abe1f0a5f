import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as v from "valibot";
import {
  JobNotFoundError,
  JobStateError,
  NonRetryableError,
  type SubmitOptions,
} from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
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

/** Milliseconds that a job waits after each failure, until it has failed for good. */
async function delaysOf(bench: TestScheduler, options: SubmitOptions): Promise<number[]> {
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("fails", {}, options);
  const delays: number[] = [];
  for (let attempt = 1; ; attempt++) {
    const { status, runAt } = await bench.reach(
      id,
      (record) =>
        record.status === "failed" || (record.status === "pending" && record.attempt === attempt),
    );
    if (status === "failed") return delays;
    const delay = runAt.getTime() - clock.now();
    delays.push(delay);
    clock.advance(delay / 1_000);
  }
}

function assertWithin(delays: readonly number[], longest: readonly number[]): void {
  assertEquals(delays.length, longest.length);
  for (const [index, delay] of delays.entries()) {
    const most = (longest[index] ?? 0) * 1_000;
    assert(
      delay >= Math.floor(most / 2) && delay <= most,
      `${delay} is not half of ${most} to ${most}`,
    );
  }
}

function failingBench(): TestScheduler {
  const bench = new TestScheduler();
  bench.registry.register("fails", {
    run: () => {
      throw new Error("no");
    },
  });
  return bench;
}

test("a job is run once where retries says nothing", async () => {
  await using bench = failingBench();
  assertEquals(await delaysOf(bench, {}), []);
});

test("a job that throws is run again after 1, 2, 4 seconds and so on, times 0.5 to 1", async () => {
  await using bench = failingBench();
  assertWithin(await delaysOf(bench, { retries: 8 }), [1, 2, 4, 8, 16, 32, 60, 60]);
});

test("backoff sets the first delay, the factor and the longest", async () => {
  await using bench = failingBench();
  const backoff = { initial: 10, factor: 3, max: 100 };
  assertWithin(await delaysOf(bench, { retries: 4, backoff }), [10, 30, 90, 100]);
  assertWithin(await delaysOf(bench, { retries: 3, backoff: { factor: 1 } }), [1, 1, 1]);
});

test("backoff is taken from the submission, then from the task, then from the defaults", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("fails", {
    job: { retries: 2, backoff: { initial: 10, factor: 5 } },
    run: () => {
      throw new Error("no");
    },
  });
  assertWithin(await delaysOf(bench, {}), [10, 50]);
  assertWithin(await delaysOf(bench, { backoff: { initial: 20 } }), [20, 60]);
});

test("delays are drawn, so that what failed together doesn't come back together", async () => {
  await using bench = failingBench();
  const delays = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const id = await bench.scheduler.submit("fails", {}, { retries: 1 });
      const { runAt } = await bench.reach(id, ({ status, attempt }) => {
        return status === "pending" && attempt === 1;
      });
      return runAt.getTime();
    }),
  );
  assert(new Set(delays).size > 5);
});

test("a job is not run before its backoff has passed", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const backoff = { initial: 40 };
  const id = await scheduler.submit("held", {}, { retries: 1, backoff });
  (await hold.next()).fail(new Error("no"));
  await bench.reach(id, ({ status, attempt }) => status === "pending" && attempt === 1);
  clock.advance(19.9);
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals(hold.count, 1);
  clock.advance(20.1);
  (await hold.next()).release();
  assertEquals((await scheduler.wait(id)).attempt, 2);
});

test("a record has the history of its attempts, each with times and error", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const begun = clock.date();
  const id = await scheduler.submit("held", {}, { retries: 2, backoff: { initial: 0 } });
  const first = await hold.next();
  assertEquals(first.context.attempt, 1);
  clock.advance(1);
  first.fail(new RangeError("first"));
  const second = await hold.next();
  assertEquals(second.context.attempt, 2);
  const { error, errorTraceback } = await scheduler.get(id);
  assertEquals([error, errorTraceback], [null, null]);
  clock.advance(2);
  second.fail(new TypeError("second"));
  const third = await hold.next();
  clock.advance(4);
  third.release({ ok: true });
  const record = await scheduler.wait(id);
  const at = (seconds: number) => new Date(begun.getTime() + seconds * 1_000);
  assertEquals(record.attempts, [
    { attempt: 1, startedAt: at(0), finishedAt: at(1), error: "RangeError: first" },
    { attempt: 2, startedAt: at(1), finishedAt: at(3), error: "TypeError: second" },
    { attempt: 3, startedAt: at(3), finishedAt: at(7), error: null },
  ]);
  assertEquals([record.attempt, record.startedAt, record.error], [3, at(3), null]);
});

test("a job between two attempts shows the error of the last one", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const id = await bench.scheduler.submit("held", {}, { retries: 1 });
  (await hold.next()).fail(new RangeError("first"));
  const record = await bench.reach(id, ({ status, attempt }) => {
    return status === "pending" && attempt === 1;
  });
  assertEquals(record.error, "RangeError: first");
  assert(record.errorTraceback?.includes("retry_test.ts"));
  assertEquals(record.finishedAt, null);
  assertEquals(record.attempts.length, 1);
});

test("NonRetryableError fails a job at once, its subclasses too", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  class OutOfStockError extends NonRetryableError {}
  let runs = 0;
  registry.register("final", {
    job: { retries: 5 },
    run: () => {
      runs += 1;
      throw runs === 1 ? new NonRetryableError("no use") : new OutOfStockError("none left");
    },
  });
  for (const message of ["no use", "none left"]) {
    const { status, attempt, error } = await scheduler.wait(await scheduler.submit("final"));
    assertEquals([status, attempt, error], ["failed", 1, `NonRetryableError: ${message}`]);
  }
});

test("retry() queues a failed job again under its id, with its history", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("held", {}, { tags: ["kept"] });
  const first = await hold.next();
  first.context.progress(0.9, "nearly");
  first.context.log("first");
  first.fail(new Error("no"));
  const { startedAt, finishedAt } = await scheduler.wait(id);
  clock.advance(10);
  scheduler.maxConcurrency = 0;
  await scheduler.retry(id);
  const pending = await scheduler.get(id);
  assertEquals([pending.status, pending.runAt, pending.progress], ["pending", clock.date(), null]);
  assertEquals([pending.progressMessage, pending.finishedAt], [null, null]);
  scheduler.maxConcurrency = 1;
  (await hold.next()).release({ ok: true });
  const record = await scheduler.wait(id);
  assertEquals([record.status, record.attempt, record.result], ["completed", 2, { ok: true }]);
  assertEquals([record.tags, record.error], [["kept"], null]);
  assertEquals(record.attempts, [
    { attempt: 1, startedAt: startedAt as Date, finishedAt, error: "Error: no" },
    { attempt: 2, startedAt: clock.date(), finishedAt: clock.date(), error: null },
  ]);
  assertEquals((await scheduler.logs(id)).length, 1);
});

test("retry() gives a job all its retries again", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held", {}, { retries: 1, backoff: { initial: 0 } });
  for (let round = 1; round <= 2; round++) {
    for (let run = 1; run <= 2; run++) (await hold.next()).fail(new Error("no"));
    assertEquals((await scheduler.wait(id)).attempt, round * 2);
    await scheduler.retry(id);
  }
  (await hold.next()).release();
  const { attempts } = await scheduler.wait(id);
  assertEquals(
    attempts.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5],
  );
});

test("retry() queues a canceled job again, also one that never ran", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const never = await scheduler.submit("held", {}, { delay: 60 });
  const running = await scheduler.submit("held");
  await hold.next();
  for (const id of [never, running]) {
    await scheduler.cancel(id);
    await scheduler.retry(id);
    const run = await hold.next();
    assertEquals(run.context.jobId, id);
    run.release({ ok: true });
    assertEquals((await scheduler.wait(id)).status, "completed");
  }
  assertEquals((await scheduler.get(never)).attempts.length, 1);
  assertEquals(
    (await scheduler.get(running)).attempts.map(({ error }) => error),
    ["JobCanceled: it was canceled", null],
  );
});

test("retry() of a job whose canceled run ignores its signal runs it again exactly once", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const stubborn = await hold.next();
  await scheduler.cancel(id);
  await scheduler.retry(id);
  const again = await hold.next();
  assertEquals(again.context.attempt, 2);
  stubborn.release({ from: "the canceled run" });
  again.release({ from: "the second run" });
  const record = await scheduler.wait(id);
  assertEquals([record.attempt, record.result], [2, { from: "the second run" }]);
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals(hold.count, 2);
  assertEquals((await scheduler.get(id)).attempt, 2);
});

test("retry() of a job whose canceled run still commits runs it again once that has ended", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler, registry } = bench;
  const runs: number[] = [];
  const inside = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  registry.register("commits", {
    inject: [TaskContext],
    run: async (_params, context) => {
      runs.push(context.attempt);
      if (context.attempt > 1) return { attempt: context.attempt };
      inside.resolve();
      await letGo.promise;
      return await context.complete(() => ({ attempt: context.attempt }));
    },
  });
  const id = await scheduler.submit("commits");
  await inside.promise;
  // Canceled, retried, canceled and retried again, while the first run is still there.
  await Promise.all([scheduler.cancel(id), scheduler.retry(id)]);
  await Promise.all([scheduler.cancel(id).catch(() => {}), scheduler.retry(id).catch(() => {})]);
  letGo.resolve();
  const record = await scheduler.wait(id);
  assertEquals(record.status, "completed");
  assertEquals(runs.toSorted(), [...new Set(runs)]);
  assertEquals(record.attempts.length, record.attempt);
});

test("retry() refuses a job that is pending, running or completed", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const refuse = async (id: string, status: string) => {
    await assertRejects(
      () => scheduler.retry(id),
      JobStateError,
      `Cannot retry job ${id}: it is ${status}`,
    );
  };
  await refuse(await scheduler.submit("held", {}, { delay: 60 }), "pending");
  const id = await scheduler.submit("held");
  const run = await hold.next();
  await refuse(id, "running");
  run.release();
  await scheduler.wait(id);
  await refuse(id, "completed");
});

test("retry() refuses a closure, which is gone", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn(() => Promise.reject(new Error("no")));
  await scheduler.wait(id);
  await assertRejects(() => scheduler.retry(id), JobStateError, "closure");
  assertEquals((await scheduler.get(id)).status, "failed");
});

test("retry() refuses an id that no job has", async () => {
  await using bench = new TestScheduler();
  await assertRejects(() => bench.scheduler.retry("01J00000000000000000000000"), JobNotFoundError);
});

test("a job is run again after another task's params were refused in it", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, executor, clock } = bench;
  registry.register("inner", { params: v.object({ n: v.number() }), run: () => {} });
  let runs = 0;
  registry.register("outer", {
    run: async () => {
      runs += 1;
      if (runs === 1) await executor.execute("inner", { n: "one" });
    },
  });
  const id = await scheduler.submit("outer", {}, { retries: 1 });
  const ending = scheduler.wait(id);
  await bench.reach(id, ({ status, attempt }) => status === "pending" && attempt === 1);
  clock.advance(60);
  assertEquals((await ending).attempt, 2);
});
