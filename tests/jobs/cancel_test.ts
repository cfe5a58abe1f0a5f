import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobCanceledError, JobNotFoundError, JobStateError } from "../../lib/jobs/mod.ts";
import { runShell, shell } from "../../lib/shell/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Lines } from "../lines.ts";
import { isAlive } from "../shell/processes.ts";
import { TemporaryFolder } from "../storage/databases.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

function createBench(maxConcurrency = 10): { bench: TestScheduler; hold: Hold } {
  const bench = new TestScheduler({ maxConcurrency });
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  return { bench, hold };
}

/** Resolves to the reason when `signal` aborts. */
async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  return signal.reason;
}

test("cancel() of a pending job keeps it from running", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const first = await scheduler.submit("held");
  const run = await hold.next();
  const id = await scheduler.submit("held");
  clock.advance(1);
  await scheduler.cancel(id);
  const { status, attempt, startedAt, finishedAt, attempts } = await scheduler.get(id);
  assertEquals(
    { status, attempt, startedAt, finishedAt, attempts },
    { status: "canceled", attempt: 0, startedAt: null, finishedAt: clock.date(), attempts: [] },
  );
  run.release();
  await scheduler.wait(first);
  const last = await scheduler.submit("held");
  (await hold.next()).release();
  await scheduler.wait(last);
  assertEquals(hold.count, 2);
});

test("cancel() of a delayed job keeps it from running when its time has come", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("held", {}, { delay: 60 });
  await scheduler.cancel(id);
  clock.advance(60);
  const other = await scheduler.submit("held");
  const run = await hold.next();
  assertEquals(run.context.jobId, other);
  run.release();
  await scheduler.wait(other);
  assertEquals((await scheduler.get(id)).status, "canceled");
});

test("cancel() of a running job makes it canceled at once, and its signal follows", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock, logger } = bench;
  const id = await scheduler.submit("held", {}, { retries: 3 });
  const { context } = await hold.next();
  const { signal } = context;
  clock.advance(5);
  await scheduler.cancel(id);
  const { status, finishedAt, error, attempts } = await scheduler.get(id);
  assertEquals([status, finishedAt, error], ["canceled", clock.date(), null]);
  assertEquals(attempts[0]?.finishedAt, clock.date());
  assertEquals(attempts[0]?.error, "JobCanceled: it was canceled");
  const reason = await aborted(signal);
  assert(reason instanceof JobCanceledError);
  assertEquals(reason.message, `Job ${id} was canceled`);
  await scheduler.stop();
  // That is no failure.
  assertEquals(logger.entries, []);
});

test("cancel() frees the slot of a run that ignores its signal", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const stubborn = await hold.next();
  await scheduler.cancel(id);
  const other = await scheduler.spawn(() => "other");
  assertEquals((await scheduler.wait(other)).result, "other");
  // What it returns in the end changes nothing.
  stubborn.release({ late: true });
  await scheduler.wait(await scheduler.spawn(() => {}));
  const { status, result } = await scheduler.get(id);
  assertEquals([status, result], ["canceled", null]);
});

test("cancel() ends a command of runShell, with all its processes", async () => {
  await using bench = new TestScheduler();
  await using folder = await TemporaryFolder.create();
  const { scheduler, registry } = bench;
  const pipe = folder.file("pids");
  assertEquals((await runShell(shell`mkfifo ${pipe}`)).returncode, 0);
  const ended = Promise.withResolvers<number>();
  registry.register("command", {
    inject: [TaskContext],
    run: async (_params, { signal }) => {
      const command = shell`(sleep 1000 & echo $$ $! > ${pipe}; wait)`;
      const { returncode } = await runShell(command, { signal });
      ended.resolve(returncode);
      return { returncode };
    },
  });
  const reader = Bun.spawn(["cat", pipe], { stdout: "pipe" });
  const id = await scheduler.submit("command");
  const pids = (await new Lines(reader.stdout).next()).split(" ").map(Number);
  assertEquals(pids.map(isAlive), [true, true]);
  await scheduler.cancel(id);
  assertEquals(await ended.promise, -1);
  assertEquals(pids.map(isAlive), [false, false]);
  assertEquals((await scheduler.get(id)).status, "canceled");
});

test("cancel() of a closure that waits for its turn keeps it from running", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler } = bench;
  const first = await scheduler.submit("held");
  const run = await hold.next();
  let runs = 0;
  const id = await scheduler.spawn(() => {
    runs += 1;
  });
  await scheduler.cancel(id);
  assertEquals((await scheduler.wait(id)).status, "canceled");
  run.release();
  await scheduler.wait(first);
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals(runs, 0);
});

test("cancel() of a running closure aborts its signal", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const seen = Promise.withResolvers<unknown>();
  const running = Promise.withResolvers<void>();
  const id = await scheduler.spawn(async ({ signal }) => {
    running.resolve();
    seen.resolve(await aborted(signal));
  });
  await running.promise;
  await scheduler.cancel(id);
  assert((await seen.promise) instanceof JobCanceledError);
  const { status, error } = await scheduler.get(id);
  assertEquals([status, error], ["canceled", null]);
});

test("cancel() of a job that waits for its next attempt keeps its history", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("held", {}, { retries: 1 });
  (await hold.next()).fail(new Error("no"));
  await bench.reach(id, ({ status, attempt }) => status === "pending" && attempt === 1);
  await scheduler.cancel(id);
  clock.advance(60);
  await scheduler.wait(await scheduler.spawn(() => {}));
  const { status, attempts } = await scheduler.get(id);
  assertEquals(status, "canceled");
  assertEquals(
    attempts.map(({ error }) => error),
    ["Error: no"],
  );
  assertEquals(hold.count, 1);
});

test("cancel() of a job that is canceled already changes nothing", async () => {
  const { bench } = createBench(0);
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("held");
  await scheduler.cancel(id);
  const before = await Array.fromAsync(scheduler.events(id));
  clock.advance(1);
  await scheduler.cancel(id);
  assertEquals(await Array.fromAsync(scheduler.events(id)), before);
});

test("cancel() refuses a job that is completed or failed", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const completed = await scheduler.spawn(() => {});
  const failed = await scheduler.spawn(() => Promise.reject(new Error("no")));
  for (const [id, status] of [
    [completed, "completed"],
    [failed, "failed"],
  ] as const) {
    await scheduler.wait(id);
    const error = await assertRejects(
      () => scheduler.cancel(id),
      JobStateError,
      `Cannot cancel job ${id}: it is ${status}`,
    );
    assertEquals(error.status, status);
    assertEquals((await scheduler.get(id)).status, status);
  }
});

test("cancel() refuses an id that no job has", async () => {
  await using bench = new TestScheduler();
  await assertRejects(() => bench.scheduler.cancel("01J00000000000000000000000"), JobNotFoundError);
});

test("a canceled run's own error is logged, and not kept", async () => {
  await using bench = new TestScheduler();
  const { scheduler, logger } = bench;
  const running = Promise.withResolvers<void>();
  const id = await scheduler.spawn(async ({ signal }) => {
    running.resolve();
    await aborted(signal);
    throw new RangeError("while it was cleaning up");
  });
  await running.promise;
  const logged = logger.next();
  await scheduler.cancel(id);
  assertEquals((await logged).message, "a run failed after it had been interrupted");
  assertEquals((await scheduler.get(id)).error, null);
});
