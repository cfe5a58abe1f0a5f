import { describe, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import {
  InvalidScheduleError,
  type JobRecord,
  NonRetryableError,
  ScheduleNotFoundError,
  type Scheduler,
  type SubmitOptions,
} from "../../../lib/jobs/mod.ts";
import { Database } from "../../../lib/storage/mod.ts";
import {
  defineTask,
  TaskContext,
  TaskNotFoundError,
  TaskRegistry,
  ValidationError,
} from "../../../lib/tasks/mod.ts";
import { FakeClock } from "../../../lib/testing/mod.ts";
import { NEW_YEAR, TestScheduler } from "../test_scheduler.ts";

/** What a run was given, each once. */
class Runs {
  readonly #ended: { name: string; jobId: string }[] = [];
  readonly #awaited: ((run: { name: string; jobId: string }) => void)[] = [];

  readonly task = defineTask("note", {
    params: v.object({ name: v.optional(v.string(), "a") }),
    inject: [TaskContext],
    run: ({ name }, { jobId }) => {
      const run = { name, jobId: jobId ?? "" };
      const awaited = this.#awaited.shift();
      if (awaited === undefined) this.#ended.push(run);
      else awaited(run);
    },
  });

  /** The next run that has begun, or begins. */
  async next(): Promise<{ name: string; jobId: string }> {
    return this.#ended.shift() ?? (await new Promise((resolve) => this.#awaited.push(resolve)));
  }
}

/** A scheduler with the task `note`, on a database that outlives it where one is given. */
async function start({
  runs = new Runs(),
  ...options
}: {
  database?: Database;
  clock?: FakeClock;
  runs?: Runs;
} = {}): Promise<TestScheduler & { runs: Runs }> {
  const registry = new TaskRegistry();
  registry.register(runs.task);
  // Which has a timer of its own.
  const bench = new TestScheduler({ registry, retention: false, ...options });
  await bench.scheduler.start();
  return Object.assign(bench, { runs });
}

/** Lets a minute's tick come, and everything that is due at it be submitted. */
async function tick(
  bench: { clock: FakeClock; runs: Runs; scheduler: Scheduler },
  names: string[],
) {
  bench.clock.advance(60);
  const ran: string[] = [];
  for (const _ of names) ran.push((await bench.runs.next()).name);
  assertEquals(ran.sort(), names);
}

async function jobsOf(scheduler: Scheduler): Promise<JobRecord[]> {
  const jobs = await scheduler.list();
  return await Promise.all(jobs.map(({ id }) => scheduler.wait(id)));
}

test("cron() submits the task at each tick, with its params and options", async () => {
  await using bench = await start();
  const { scheduler, runs, clock } = bench;
  const schedule = await scheduler.cron(
    "hourly",
    "0 * * * *",
    runs.task,
    { name: "b" },
    {
      tags: ["report"],
      retries: 2,
      description: "the hourly one",
    },
  );
  assertEquals(schedule, {
    name: "hourly",
    expression: "0 * * * *",
    timeZone: "UTC",
    taskName: "note",
    params: { name: "b" },
    missed: "skip",
    paused: false,
    nextRunAt: clock.date(3_600),
    lastRunAt: null,
    lastJobId: null,
  });
  for (let hour = 1; hour <= 2; hour++) {
    clock.advance(3_600);
    const { name, jobId } = await runs.next();
    assertStrictEquals(name, "b");
    const job = await scheduler.wait(jobId);
    assertEquals(
      [job.runAt, job.tags, job.retries, job.description],
      [clock.date(), ["report"], 2, "the hourly one"],
    );
    const { lastRunAt, lastJobId, nextRunAt } = await scheduler.schedules.get("hourly");
    assertEquals([lastRunAt, lastJobId, nextRunAt], [clock.date(), jobId, clock.date(3_600)]);
  }
  assertStrictEquals((await jobsOf(scheduler)).length, 2);
});

test("a task is run that is in no registry here, but that cron() was given", async () => {
  await using bench = await start();
  const { scheduler, clock } = bench;
  const other = defineTask("elsewhere", { run: () => ({}) });
  await scheduler.cron("other", "* * * * *", other);
  const id = await scheduler.schedules.run("other");
  assertStrictEquals((await scheduler.get(id)).taskName, "elsewhere");
  assertEquals((await scheduler.schedules.get("other")).nextRunAt, clock.date(60));
});

describe("cron() refuses", () => {
  const refused: [what: string, name: string, expression: string, options: object, says: string][] =
    [
      ["a name that can't stand in a path", "a/b", "* * * * *", {}, "a name has"],
      ["an empty name", "", "* * * * *", {}, "a name has"],
      ["what is no expression", "a", "often", {}, "5, or 6 with seconds"],
      ["a time that never comes", "a", "0 0 30 2 *", {}, "never comes"],
      ["an unknown time zone", "a", "* * * * *", { timeZone: "Mars/Phobos" }, "Mars/Phobos"],
      ["an empty time zone", "a", "* * * * *", { timeZone: "" }, "empty"],
      ["an unknown way with what was missed", "a", "* * * * *", { missed: "all" }, '"all"'],
    ];
  for (const [what, name, expression, options, says] of refused) {
    test(what, async () => {
      await using bench = await start();
      const { scheduler } = bench;
      const cron = () => scheduler.cron(name, expression, "note", {}, options);
      await assertRejects(cron, InvalidScheduleError, says);
      assertEquals(await scheduler.schedules.list(), []);
    });
  }

  const ofOneJob: readonly [keyof SubmitOptions, SubmitOptions][] = [
    ["delay", { delay: 60 }],
    ["runAt", { runAt: NEW_YEAR }],
    ["idempotencyKey", { idempotencyKey: "one" }],
  ];
  for (const [option, options] of ofOneJob) {
    test(`${option}, which is of one job, though the compiler takes it in a variable`, async () => {
      await using bench = await start();
      const { scheduler, runs } = bench;
      const cron = () => scheduler.cron("a", "* * * * *", runs.task, {}, options);
      await assertRejects(cron, InvalidScheduleError, option);
      assertEquals(await scheduler.schedules.list(), []);
    });
  }

  test("what could not be submitted", async () => {
    await using bench = await start();
    const { scheduler, runs } = bench;
    await assertRejects(() => scheduler.cron("a", "* * * * *", "nothing"), TaskNotFoundError);
    const wrong = () => scheduler.cron("a", "* * * * *", "note", { name: 1 });
    await assertRejects(wrong, ValidationError);
    // @ts-expect-error there are no 101 retries
    const often = () => scheduler.cron("a", "* * * * *", runs.task, {}, { retries: 101, often: 1 });
    await assertRejects(often, TypeError, "retries");
    assertEquals(await scheduler.schedules.list(), []);
  });
});

test("the same name replaces, and what ticked before ticks no more", async () => {
  await using bench = await start();
  const { scheduler, clock, runs } = bench;
  await scheduler.cron("a", "*/2 * * * *", runs.task, { name: "old" });
  await scheduler.cron("a", "*/3 * * * *", runs.task, { name: "new" });
  await scheduler.cron("z", "* * * * *", runs.task, { name: "z" });
  await tick(bench, ["z"]);
  await tick(bench, ["z"]);
  await tick(bench, ["new", "z"]);
  assertEquals(
    (await scheduler.schedules.list()).map(({ name, expression }) => [name, expression]),
    [
      ["a", "*/3 * * * *"],
      ["z", "* * * * *"],
    ],
  );
  // Half-way to its next tick; as another one it has missed nothing.
  clock.advance(30);
  await scheduler.cron("a", "*/3 * * * *", runs.task, { name: "newer" });
  assertEquals((await scheduler.schedules.get("a")).params, { name: "newer" });
});

test("a paused schedule lets ticks pass, can be run by hand, and goes on when it is resumed", async () => {
  await using bench = await start();
  const { scheduler, clock, runs } = bench;
  await scheduler.cron("a", "* * * * *", runs.task, { name: "a" }, { missed: "once" });
  await scheduler.cron("z", "* * * * *", runs.task, { name: "z" });
  await scheduler.schedules.pause("a");
  const { paused, nextRunAt } = await scheduler.schedules.get("a");
  assertEquals([paused, nextRunAt], [true, null]);
  await tick(bench, ["z"]);
  await scheduler.schedules.run("a");
  assertStrictEquals((await runs.next()).name, "a");
  // Declared again, as after a new deployment, it stays paused.
  await scheduler.cron("a", "* * * * *", runs.task, { name: "a" }, { missed: "once" });
  await tick(bench, ["z"]);
  await scheduler.schedules.resume("a");
  assertEquals((await scheduler.schedules.get("a")).nextRunAt, clock.date(60));
  await tick(bench, ["a", "z"]);
});

test("resuming what isn't paused misses no tick", async () => {
  await using bench = await start();
  const { scheduler, clock, runs } = bench;
  await scheduler.cron("a", "* * * * *", runs.task);
  clock.advance(60);
  await scheduler.schedules.resume("a");
  await runs.next();
});

test("remove() ends a schedule, and its name is free for another one", async () => {
  await using bench = await start();
  const { scheduler, clock, runs } = bench;
  await scheduler.cron("a", "* * * * *", runs.task, { name: "a" });
  await scheduler.cron("z", "* * * * *", runs.task, { name: "z" });
  await scheduler.schedules.pause("a");
  await scheduler.schedules.remove("a");
  for (const act of ["get", "pause", "resume", "run", "remove"] as const) {
    await assertRejects(() => scheduler.schedules[act]("a"), ScheduleNotFoundError, '"a"');
  }
  await tick(bench, ["z"]);
  await scheduler.schedules.remove("z");
  assertStrictEquals(clock.pending, 1);
  await scheduler.cron("a", "* * * * *", runs.task, { name: "b" });
  await tick(bench, ["b"]);
});

test("a schedule whose job is refused goes on with its next tick, and says why", async () => {
  const registry = new TaskRegistry();
  let isWrong = false;
  const params = v.pipe(
    v.object({}),
    v.check(() => !isWrong, "Expected something else"),
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  registry.register("picky", { params, run: () => resolve() });
  await using bench = new TestScheduler({ registry });
  const { scheduler, clock, logger } = bench;
  await scheduler.start();
  await scheduler.cron("picky", "* * * * *", "picky");
  isWrong = true;
  const said = logger.next();
  clock.advance(60);
  const { message, fields } = await said;
  assertStrictEquals(message, "a schedule's job can't be submitted");
  assert(fields["error"] instanceof ValidationError);
  isWrong = false;
  clock.advance(60);
  await promise;
  assertStrictEquals((await jobsOf(scheduler)).length, 1);
});

test("a tick that finds as many jobs waiting as may is dropped", async () => {
  const registry = new TaskRegistry();
  registry.register("few", { job: { maxPending: 0 }, run: () => ({}) });
  await using bench = new TestScheduler({ registry });
  const { scheduler, clock, logger } = bench;
  await scheduler.start();
  await scheduler.cron("few", "* * * * *", "few");
  const said = logger.next();
  clock.advance(60);
  await said;
  assertEquals(await scheduler.list(), []);
  const again = logger.next();
  clock.advance(60);
  await again;
});

describe("of what was missed", () => {
  for (const [missed, expected] of [
    ["skip", []],
    ["once", ["a"]],
  ] as const) {
    test(`while no process ran, "${missed}" runs ${expected.length} jobs`, async () => {
      await using database = Database.sqlite(":memory:");
      const clock = new FakeClock({ now: NEW_YEAR });
      {
        await using first = await start({ database, clock });
        await first.scheduler.cron("a", "* * * * *", first.runs.task, { name: "a" }, { missed });
      }
      clock.advance(200);
      await using second = await start({ database, clock });
      const { scheduler, runs } = second;
      await scheduler.cron("a", "* * * * *", runs.task, { name: "a" }, { missed });
      await scheduler.cron("z", "* * * * *", runs.task, { name: "z" });
      for (const name of expected) assertStrictEquals((await runs.next()).name, name);
      // The third minute is over since 20 seconds.
      clock.advance(40);
      assertEquals([(await runs.next()).name, (await runs.next()).name].sort(), ["a", "z"]);
      assertStrictEquals((await scheduler.list()).length, expected.length + 2);
    });
  }

  test("by a process that was suspended, 'skip' runs what is late by a minute at the most", async () => {
    await using bench = await start();
    const { scheduler, clock, runs } = bench;
    await scheduler.cron("hourly", "0 * * * *", runs.task, { name: "hourly" });
    await scheduler.cron("often", "* * * * *", runs.task, { name: "often" });
    clock.advance(3_600 + 61);
    // The minute's tick is late by a second, that of the hour by a minute and a second.
    assertStrictEquals((await runs.next()).name, "often");
    clock.advance(59);
    assertStrictEquals((await runs.next()).name, "often");
    clock.advance(3_600 - 120 + 59);
    assertEquals([(await runs.next()).name, (await runs.next()).name].sort(), ["hourly", "often"]);
    assertStrictEquals((await scheduler.list()).length, 4);
  });

  test("a schedule that ticks at other times now has missed nothing", async () => {
    await using bench = await start();
    const { scheduler, clock, runs } = bench;
    await scheduler.cron("a", "0 0 1 1 *", runs.task, {}, { missed: "once" });
    clock.advance(90);
    await scheduler.cron("a", "* * * * *", runs.task, { name: "b" }, { missed: "once" });
    clock.advance(30);
    assertStrictEquals((await runs.next()).name, "b");
    assertStrictEquals((await scheduler.list()).length, 1);
  });
});

describe("of several schedulers on one database", () => {
  test("one submits the job of a tick, whichever", async () => {
    await using database = Database.sqlite(":memory:");
    const clock = new FakeClock({ now: NEW_YEAR });
    const runs = new Runs();
    await using one = await start({ database, clock, runs });
    await using two = await start({ database, clock, runs });
    for (const { scheduler } of [one, two]) await scheduler.cron("a", "* * * * *", runs.task);
    for (let minute = 1; minute <= 5; minute++) {
      clock.advance(60);
      const { jobId } = await runs.next();
      assertEquals((await one.scheduler.wait(jobId)).runAt, clock.date());
    }
    // Both have looked when they have gone.
    await one.scheduler.stop();
    await two.scheduler.stop();
    assertStrictEquals((await one.scheduler.list()).length, 5);
  });

  test("each sees what any declares, and it is gone with the last", async () => {
    await using database = Database.sqlite(":memory:");
    const clock = new FakeClock({ now: NEW_YEAR });
    const names = async ({ scheduler }: TestScheduler) =>
      (await scheduler.schedules.list()).map(({ name }) => name);
    await using onlooker = await start({ database, clock });
    {
      await using one = await start({ database, clock });
      await one.scheduler.cron("a", "* * * * *", one.runs.task);
      {
        await using two = await start({ database, clock });
        await two.scheduler.cron("a", "* * * * *", two.runs.task);
        await two.scheduler.cron("b", "* * * * *", two.runs.task);
        assertEquals(await names(onlooker), ["a", "b"]);
        await onlooker.scheduler.schedules.pause("a");
        // Another one declares it still.
        await two.scheduler.schedules.remove("a");
      }
      assertEquals(await names(onlooker), ["a"]);
      assertStrictEquals((await one.scheduler.schedules.get("a")).paused, true);
    }
    assertEquals(await names(onlooker), []);
    await assertRejects(() => onlooker.scheduler.schedules.run("a"), ScheduleNotFoundError);
    // Whoever declares it again finds it as it was left.
    await onlooker.scheduler.cron("a", "* * * * *", onlooker.runs.task);
    assertStrictEquals((await onlooker.scheduler.schedules.get("a")).paused, true);
  });

  test("one that begins finds what it declares also where another has removed it since", async () => {
    await using database = Database.sqlite(":memory:");
    const clock = new FakeClock({ now: NEW_YEAR });
    const runs = new Runs();
    await using one = new TestScheduler({ database, clock, retention: false });
    one.registry.register(runs.task);
    const declaration = { name: "a", expression: "* * * * *", params: {}, options: {} };
    await one.scheduler.schedules.declare({ ...declaration, task: runs.task });
    await using two = await start({ database, clock });
    await two.scheduler.cron("a", "* * * * *", two.runs.task);
    await two.scheduler.schedules.remove("a");
    await one.scheduler.start();
    assertStrictEquals((await two.scheduler.schedules.get("a")).taskName, "note");
    await tick({ clock, runs, scheduler: one.scheduler }, ["a"]);
  });

  test("one that has an older schedule of this name does what the newest one says", async () => {
    await using database = Database.sqlite(":memory:");
    const clock = new FakeClock({ now: NEW_YEAR });
    await using older = await start({ database, clock });
    await older.scheduler.cron("a", "* * * * *", older.runs.task, { name: "old" });
    {
      await using newer = await start({ database, clock });
      await newer.scheduler.cron("a", "*/2 * * * *", newer.runs.task, { name: "new" });
    }
    await older.scheduler.cron("z", "* * * * *", older.runs.task, { name: "z" });
    await tick(older, ["z"]);
    await tick(older, ["new", "z"]);
  });
});

test("schedules begin with the scheduler, and end with it", async () => {
  const runs = new Runs();
  const registry = new TaskRegistry();
  registry.register(runs.task);
  await using bench = new TestScheduler({ registry });
  const { scheduler, clock } = bench;
  await scheduler.cron("a", "* * * * *", runs.task);
  assertStrictEquals((await scheduler.schedules.list()).length, 1);
  await scheduler.start();
  clock.advance(60);
  await runs.next();
  await scheduler.stop();
  assertStrictEquals(clock.pending, 0);
  await assertRejects(() => scheduler.cron("b", "* * * * *", runs.task), Error, "stopped");
});

test("stop() during start() ends schedules too", async () => {
  // The start goes on for a while; whenever the stop comes, nothing is left.
  for (let turns = 0; turns <= 40; turns += 2) {
    const runs = new Runs();
    const registry = new TaskRegistry();
    registry.register(runs.task);
    await using bench = new TestScheduler({ registry });
    const { scheduler, clock, logger } = bench;
    await scheduler.schedules.declare({
      name: "a",
      expression: "* * * * *",
      task: runs.task,
      params: {},
      options: {},
    });
    const starting = scheduler.start().catch((error: unknown) => error);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await scheduler.stop();
    await starting;
    assertStrictEquals(clock.pending, 0, `after ${turns} turns`);
    assertEquals(logger.messages, []);
  }
});

test("after the clock was set back, the next run is told after the last tick that is over", async () => {
  await using bench = await start();
  const { scheduler, runs, clock } = bench;
  await scheduler.cron("a", "0 * * * *", runs.task);
  clock.advance(3_600);
  await runs.next();
  clock.advance(-1_800);
  const again = new Date(NEW_YEAR.getTime() + 2 * 3_600_000);
  assertEquals((await scheduler.schedules.get("a")).nextRunAt, again);
  await scheduler.schedules.settled();
  assertStrictEquals(scheduler.schedules.nextTick(), again.getTime());
});

test("a job of a schedule is retried, and fails, as any other", async () => {
  const registry = new TaskRegistry();
  registry.register("fail", {
    run: () => {
      throw new NonRetryableError("no");
    },
  });
  await using bench = new TestScheduler({ registry });
  const { scheduler } = bench;
  await scheduler.cron("a", "* * * * *", "fail");
  const id = await scheduler.schedules.run("a");
  assertStrictEquals((await scheduler.wait(id)).error, "NonRetryableError: no");
});
