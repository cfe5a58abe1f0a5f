import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobReleasedError, Scheduler, SchedulerStoppedError } from "../../lib/jobs/mod.ts";
import { Database, Session } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { type HeldRun, Hold, TestScheduler } from "./test_scheduler.ts";

/** Hands back at once, and leaves what ignores that behind. */
const AT_ONCE = { grace: 0, abortGrace: 0.01 };

function createBench(options: { maxConcurrency?: number; database?: Database } = {}) {
  const bench = new TestScheduler(options);
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  return { bench, hold };
}

/** The next run, and when its signal aborts. */
async function nextRun(hold: Hold): Promise<HeldRun & { aborted: Promise<unknown> }> {
  const run = await hold.next();
  const { signal } = run.context;
  const aborted = new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
  return { ...run, aborted };
}

test("stop() waits for what runs, and begins nothing more", async () => {
  const { bench, hold } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  const { scheduler } = bench;
  const first = await scheduler.submit("held");
  const second = await scheduler.submit("held");
  const run = await hold.next();
  const stopping = scheduler.stop({ grace: 60 });
  const third = await scheduler.submit("held");
  assertEquals(run.context.signal.aborted, false);
  run.release({ drained: true });
  await stopping;
  const { status, result } = await scheduler.get(first);
  assertEquals([status, result], ["completed", { drained: true }]);
  for (const id of [second, third]) {
    const { status, attempt } = await scheduler.get(id);
    assertEquals([status, attempt], ["pending", 0]);
  }
  assertEquals(hold.count, 1);
});

test("stop() takes what a draining job still reports, and lets it use its session", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const running = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  registry.register("drains", {
    inject: [TaskContext, Session],
    run: async (_params, context, session) => {
      running.resolve();
      await letGo.promise;
      context.log("last words");
      await session
        .kysely<{ sqlite_master: { name: string } }>()
        .selectFrom("sqlite_master")
        .select("name")
        .execute();
      return await context.complete(() => ({ ok: true }));
    },
  });
  const id = await scheduler.submit("drains");
  await running.promise;
  const stopping = scheduler.stop({ grace: 60 });
  letGo.resolve();
  await stopping;
  assertEquals((await scheduler.get(id)).result, { ok: true });
  assertEquals((await scheduler.logs(id)).length, 1);
});

test("stop() aborts what is still running after grace, and hands it back at once", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock, logger } = bench;
  const startedAt = clock.date();
  const id = await scheduler.submit("held", {}, { tags: ["kept"] });
  const run = await nextRun(hold);
  run.context.log("so far");
  clock.advance(5);
  await scheduler.stop(AT_ONCE);
  const reason = await run.aborted;
  assert(reason instanceof JobReleasedError);
  assertEquals(reason.message, `Job ${id} is handed back to the queue: its worker stops`);
  const record = await scheduler.get(id);
  assertEquals([record.status, record.runAt, record.finishedAt], ["pending", clock.date(), null]);
  assertEquals(record.attempts, [
    {
      attempt: 1,
      startedAt,
      finishedAt: clock.date(),
      error: `JobReleasedError: ${reason.message}`,
    },
  ]);
  assertEquals((await scheduler.logs(id)).length, 1);
  // That is no failure.
  assertEquals(logger.entries, []);
});

test("a job that was handed back is run by another worker, and costs neither retries nor crashLimit", async () => {
  await using database = Database.sqlite(":memory:");
  let id = "";
  for (let round = 1; round <= 6; round++) {
    const { bench, hold } = createBench({ database });
    await using _ending = bench;
    if (round === 1) id = await bench.scheduler.submit("held", {}, { retries: 1 });
    else await bench.scheduler.start();
    const run = await hold.next();
    assertEquals([run.context.jobId, run.context.attempt], [id, round]);
    await bench.scheduler.stop(AT_ONCE);
    assertEquals((await bench.scheduler.get(id)).status, "pending");
  }
  const { bench, hold } = createBench({ database });
  await using _ending = bench;
  await bench.scheduler.start();
  // Its one retry is still there.
  (await hold.next()).fail(new Error("no"));
  const { runAt } = await bench.reach(id, ({ status, attempt }) => {
    return status === "pending" && attempt === 7;
  });
  bench.clock.advance((runAt.getTime() - bench.clock.now()) / 1_000);
  (await hold.next()).release({ ok: true });
  const { status, attempts } = await bench.scheduler.wait(id);
  assertEquals([status, attempts.length], ["completed", 8]);
});

test("what a run that was handed back still returns or throws changes nothing", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const ids = await scheduler.submitMany([{ task: "held" }, { task: "held" }]);
  const [first, second] = [await hold.next(), await hold.next()];
  await scheduler.stop(AT_ONCE);
  first.release({ late: true });
  second.fail(new Error("late"));
  for (const id of ids) {
    const { status, result } = await scheduler.get(id);
    assertEquals([status, result], ["pending", null]);
  }
});

test("stop() fails closures that run, and those that wait for their turn, with JobLost", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler, clock } = bench;
  const hold = new Hold();
  const running = await scheduler.spawn((context) => hold.enter(context));
  const waiting = await scheduler.spawn((context) => hold.enter(context));
  const run = await nextRun(hold);
  await scheduler.stop(AT_ONCE);
  assert((await run.aborted) instanceof JobReleasedError);
  const lost = await scheduler.get(running);
  assertEquals([lost.status, lost.finishedAt], ["failed", clock.date()]);
  assertEquals(lost.error, "JobLost: its process stopped while it ran");
  assertEquals(
    lost.attempts.map(({ error }) => error),
    [lost.error],
  );
  const never = await scheduler.get(waiting);
  assertEquals([never.status, never.finishedAt], ["failed", clock.date()]);
  assertEquals(never.error, "JobLost: its process stopped before it could begin");
  assertEquals([never.attempt, never.attempts], [0, []]);
  assertEquals(hold.count, 1);
});

test("stop() lets a closure drain", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const hold = new Hold();
  const id = await scheduler.spawn((context) => hold.enter(context));
  const run = await hold.next();
  const stopping = scheduler.stop({ grace: 60 });
  run.release({ drained: true });
  await stopping;
  assertEquals((await scheduler.get(id)).result, { drained: true });
});

test("a closure whose end came with the stop is told to who waits for it", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const hold = new Hold();
  const id = await scheduler.spawn((context) => hold.enter(context));
  await hold.next();
  const waiting = scheduler.wait(id);
  await scheduler.stop(AT_ONCE);
  assertEquals((await waiting).error, "JobLost: its process stopped while it ran");
});

test("stop() ends who waits for a job or follows its events with SchedulerStoppedError", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  await hold.next();
  const waiting = assertRejects(() => scheduler.wait(id), SchedulerStoppedError);
  const following = assertRejects(
    () => Array.fromAsync(scheduler.events(id)),
    SchedulerStoppedError,
  );
  await scheduler.stop(AT_ONCE);
  await Promise.all([waiting, following]);
  await assertRejects(() => scheduler.wait(id), SchedulerStoppedError);
  await assertRejects(() => scheduler.events(id).next(), SchedulerStoppedError);
});

test("who waits is told of a job that ends while stop() drains", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const waiting = scheduler.wait(id);
  const stopping = scheduler.stop({ grace: 60 });
  run.release({ ok: true });
  assertEquals((await waiting).result, { ok: true });
  await stopping;
});

test("stop() hands back a job that waits for another one", async () => {
  const { bench, hold } = createBench({ maxConcurrency: 1 });
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("parent", {
    run: async () => {
      await scheduler.wait(await scheduler.submit("held"));
    },
  });
  const parent = await scheduler.submit("parent");
  await hold.next();
  await scheduler.stop(AT_ONCE);
  assertEquals(
    (await scheduler.list()).map(({ status }) => status),
    ["pending", "pending"],
  );
  assertEquals((await scheduler.get(parent)).attempts.length, 1);
});

test("stop() is the same when it is called again, and by await using", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  await scheduler.submit("held");
  const run = await hold.next();
  const first = scheduler.stop({ grace: 60 });
  const second = scheduler.stop(AT_ONCE);
  const third = scheduler[Symbol.asyncDispose]();
  assertEquals(run.context.signal.aborted, false);
  run.release();
  await Promise.all([first, second, third]);
  await scheduler.stop();
});

test("stop() before anything was done does nothing", async () => {
  await using database = Database.sqlite(":memory:");
  const scheduler = new Scheduler({ database });
  await scheduler.stop();
  await scheduler.stop();
});

test("start() after stop() is refused", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  await scheduler.start();
  await scheduler.stop();
  await assertRejects(() => scheduler.start(), SchedulerStoppedError, "start another one");
});

test("stop() leaves no timer behind, which would keep the process alive", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, clock } = bench;
  registry.register("noop", { run: () => {} });
  await scheduler.submit("noop", {}, { delay: 60 });
  await scheduler.start();
  await scheduler.submit("noop");
  // While it claims.
  await scheduler.stop();
  assertEquals(clock.pending, 0);
});

test("stop() right after start() leaves nothing running", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  scheduler.maxConcurrency = 0;
  const id = await scheduler.submit("held");
  scheduler.maxConcurrency = 1;
  const starting = assertRejects(() => scheduler.start(), SchedulerStoppedError);
  await scheduler.stop(AT_ONCE);
  await starting;
  assertEquals((await scheduler.get(id)).status, "pending");
  assertEquals(hold.held, 0);
});

test("a stopped scheduler still reads, cancels, retries and deletes", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  await scheduler.stop();
  await scheduler.cancel(id);
  assertEquals((await scheduler.get(id)).status, "canceled");
  await scheduler.retry(id);
  assertEquals((await scheduler.list())[0]?.status, "pending");
  await scheduler.delete(id);
  assertEquals(await scheduler.list(), []);
});

test("stop() during the first start() keeps anything from being run", async () => {
  await using database = Database.sqlite(":memory:");
  await database.migrate();
  const { bench, hold } = createBench({ database });
  await using _ending = bench;
  const starting = assertRejects(() => bench.scheduler.start(), SchedulerStoppedError);
  await bench.scheduler.stop();
  await starting;
  await bench.scheduler.submit("held");
  assertEquals([hold.count, bench.clock.pending], [0, 0]);
});

test("stop() during a start that submit() has begun is no error to log", async () => {
  const { bench } = createBench({ maxConcurrency: 0 });
  await using _ending = bench;
  await bench.scheduler.submit("held");
  await bench.scheduler.stop();
  assertEquals(bench.logger.messages, []);
});

test("spawn() during stop() refuses, or fails its job with JobLost", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  let hasRun = false;
  const spawning = scheduler.spawn(() => {
    hasRun = true;
  });
  await scheduler.stop(AT_ONCE);
  const error = await spawning.then(
    async (id) => (await scheduler.get(id)).error,
    (refusal: Error) => refusal.name,
  );
  assert(error === "SchedulerStoppedError" || error?.startsWith("JobLost"), `${error}`);
  assertEquals(hasRun, false);
});
