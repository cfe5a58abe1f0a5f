import { describe, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import {
  JobNotFoundError,
  JobReleasedError,
  NonRetryableError,
  Scheduler,
  SchedulerStoppedError,
} from "../../lib/jobs/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { defineTask, TaskContext, TaskRegistry, token } from "../../lib/tasks/mod.ts";
import { FakeClock, JobStuckError, TestScheduler } from "../../lib/testing/mod.ts";
import { Hold } from "../jobs/test_scheduler.ts";
import { RecordingLogger } from "../tasks/recording_logger.ts";

const NEW_YEAR = new Date("2030-01-01T00:00:00.000Z");
const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Tasks that say when they run; and a scheduler for them. */
function createBench(
  options: { maxConcurrency?: number; database?: Database; clock?: FakeClock } = {},
) {
  const registry = new TaskRegistry();
  const { clock = new FakeClock({ now: NEW_YEAR }) } = options;
  /** The names that `note` was given, with the seconds since the beginning. */
  const notes: string[] = [];
  const note = (name: string) => {
    notes.push(`${name} at ${(clock.now() - NEW_YEAR.getTime()) / 1_000}`);
  };
  const hold = new Hold();
  registry.register("note", {
    params: v.object({ name: v.optional(v.string(), "note") }),
    run: ({ name }) => note(name),
  });
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  registry.register("parent", {
    params: v.object({ task: v.string(), delay: v.optional(v.number(), 0) }),
    inject: [Scheduler],
    run: async ({ task, delay }, scheduler) => {
      note("parent begins");
      const { status } = await scheduler.wait(await scheduler.submit(task, {}, { delay }));
      note("parent ends");
      return { status };
    },
  });
  const logger = new RecordingLogger();
  const jobs = new TestScheduler({ registry, logger, ...options, clock });
  const seconds = () => (clock.now() - NEW_YEAR.getTime()) / 1_000;
  return { jobs, registry, notes, note, hold, seconds, logger };
}

/** That a promise stays pending, as far as the microtasks and timers of now go. */
async function assertPending(promise: Promise<unknown>): Promise<void> {
  const turn = new Promise((resolve) => setTimeout(resolve, 0, "pending"));
  assertStrictEquals(await Promise.race([promise, turn]), "pending");
}

describe("run()", () => {
  test("resolves to the record at its end", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    const double = registry.register("double", {
      params: v.object({ n: v.number() }),
      run: ({ n }) => ({ doubled: 2 * n }),
    });
    const job = await jobs.run(double, { n: 4 }, { tags: ["a"] });
    assertEquals(
      [job.status, job.result, job.tags, job.submittedAt],
      ["completed", { doubled: 8 }, ["a"], NEW_YEAR],
    );
    assertEquals((await jobs.run("double", { n: 5 })).result, { doubled: 10 });
  });

  test("resolves to a job that has failed, too", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    registry.register("fails", {
      run: () => {
        throw new NonRetryableError("no");
      },
    });
    const { status, error } = await jobs.run("fails", {}, { retries: 5 });
    assertEquals([status, error], ["failed", "NonRetryableError: no"]);
  });

  test("runs a job after a year, which takes no time of its own", async () => {
    const { jobs, notes, seconds } = createBench();
    await using _ending = jobs;
    await jobs.run("note", {}, { delay: 365 * DAY });
    assertEquals([notes, seconds()], [[`note at ${365 * DAY}`], 365 * DAY]);
  });

  test("runs a job again after its backoff, at the very times", async () => {
    const { jobs, registry, notes, note } = createBench();
    await using _ending = jobs;
    registry.register("flaky", {
      inject: [TaskContext],
      run: (_params, { attempt }) => {
        note(`attempt ${attempt}`);
        if (attempt < 4) throw new Error("no");
      },
    });
    const backoff = { initial: HOUR, factor: 1, max: HOUR };
    const { status, attempts } = await jobs.run("flaky", {}, { retries: 5, backoff });
    assertEquals([status, notes.length], ["completed", 4]);
    for (const [index, { startedAt, finishedAt }] of attempts.entries()) {
      assertEquals(startedAt, finishedAt);
      const last = attempts[index - 1]?.startedAt;
      if (last === undefined) continue;
      // It waits 0.5 to 1 of its backoff.
      const waited = (startedAt.getTime() - last.getTime()) / 1_000;
      assert(waited >= HOUR / 2 && waited <= HOUR, `${waited}`);
    }
  });

  test("injects what was provided", async () => {
    const Greeting = token<{ text: string }>("Greeting");
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    assertStrictEquals(jobs.provide(Greeting, { create: () => ({ text: "Hello" }) }), jobs);
    registry.register("greet", {
      inject: [Greeting],
      run: (_params, { text }) => ({ text }),
    });
    assertEquals((await jobs.run("greet")).result, { text: "Hello" });
  });
});

describe("wait()", () => {
  test("lets no more time pass than the job needs", async () => {
    const { jobs, notes, seconds } = createBench();
    await using _ending = jobs;
    const { scheduler } = jobs;
    await scheduler.submit("note", { name: "late" }, { delay: DAY });
    const id = await scheduler.submit("note", { name: "soon" }, { delay: HOUR });
    await jobs.wait(id);
    await jobs.settled();
    assertEquals([notes, seconds()], [[`soon at ${HOUR}`], HOUR]);
  });

  test("runs what is due before, in its order and at its time", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    const { scheduler } = jobs;
    const last = await scheduler.submit("note", { name: "c" }, { delay: DAY });
    await scheduler.submit("note", { name: "b" }, { delay: HOUR });
    await scheduler.submit("note", { name: "a" }, { delay: 0.001 });
    await jobs.wait(last);
    assertEquals(notes, ["a at 0.001", `b at ${HOUR}`, `c at ${DAY}`]);
  });

  test("resolves at once where the job has ended", async () => {
    const { jobs, seconds } = createBench();
    await using _ending = jobs;
    const { id } = await jobs.run("note");
    await jobs.scheduler.submit("note", {}, { delay: HOUR });
    assertEquals((await jobs.wait(id)).status, "completed");
    await jobs.settled();
    assertEquals(seconds(), 0);
  });

  test("lets no time pass while something runs on real time", async () => {
    const { jobs, hold, seconds } = createBench();
    await using _ending = jobs;
    const held = await jobs.scheduler.submit("held");
    const later = await jobs.scheduler.submit("note", {}, { delay: HOUR });
    const waiting = jobs.wait(later);
    const run = await hold.next();
    await assertPending(waiting);
    assertEquals(seconds(), 0);
    run.release();
    assertEquals((await waiting).finishedAt, new Date(NEW_YEAR.getTime() + HOUR * 1_000));
    assertEquals((await jobs.wait(held)).status, "completed");
  });

  test("resolves although another job goes on", async () => {
    const { jobs, hold } = createBench();
    await using _ending = jobs;
    await jobs.scheduler.submit("held");
    await hold.next();
    assertEquals((await jobs.run("note")).status, "completed");
  });

  test("lets time pass while a job waits for another one, and gives it its slot", async () => {
    const { jobs, notes } = createBench({ maxConcurrency: 1 });
    await using _ending = jobs;
    const { result } = await jobs.run("parent", { task: "note", delay: HOUR });
    assertEquals(result, { status: "completed" });
    assertEquals(notes, ["parent begins at 0", `note at ${HOUR}`, `parent ends at ${HOUR}`]);
  });

  test("lets no time pass between the end of a job and what waits for it", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    // Each of these would be leapt to while the parents are about to go on.
    for (let n = 1; n <= 20; n++) {
      await jobs.scheduler.submit("parent", { task: "note", delay: n * 10 });
      await jobs.scheduler.submit("note", { name: "other" }, { delay: n * 10 + 0.001 });
    }
    await jobs.advance(DAY);
    const ends = notes.filter((note) => note.startsWith("parent ends"));
    assertEquals(
      ends,
      Array.from({ length: 20 }, (_, n) => `parent ends at ${(n + 1) * 10}`),
    );
  });

  test("lets time pass while a job waits for several, one after the other", async () => {
    const { jobs, registry } = createBench({ maxConcurrency: 1 });
    await using _ending = jobs;
    registry.register("all", {
      inject: [Scheduler],
      run: async (_params, scheduler) => {
        const delays = [DAY, 0, HOUR];
        const ids = await scheduler.submitMany(delays.map((delay) => ({ task: "note", delay })));
        const ended = await Promise.all(ids.map((id) => scheduler.wait(id)));
        return { ended: ended.length };
      },
    });
    assertEquals((await jobs.run("all")).result, { ended: 3 });
  });

  test("can be called by a job", async () => {
    const { jobs, notes } = createBench({ maxConcurrency: 1 });
    await using _ending = jobs;
    const id = await jobs.scheduler.spawn(async () => {
      return (await jobs.run("note", {}, { delay: HOUR })).status;
    });
    assertEquals([(await jobs.wait(id)).result, notes], ["completed", [`note at ${HOUR}`]]);
  });

  test("runs what a job submits, and what that submits", async () => {
    const { jobs, registry, notes, note, seconds } = createBench();
    await using _ending = jobs;
    registry.register("countdown", {
      params: v.object({ n: v.number() }),
      inject: [Scheduler],
      run: async ({ n }, scheduler) => {
        note(`${n}`);
        if (n > 0) await scheduler.submit("countdown", { n: n - 1 }, { delay: 60 });
      },
    });
    await jobs.run("countdown", { n: 3 });
    await jobs.settled();
    assertEquals([notes, seconds()], [["3 at 0"], 0]);
    await jobs.advance(DAY);
    assertEquals(notes, ["3 at 0", "2 at 60", "1 at 120", "0 at 180"]);
  });

  test("awaits a closure", async () => {
    const { jobs, seconds } = createBench();
    await using _ending = jobs;
    const id = await jobs.scheduler.spawn(
      async ({ jobId }, database) => {
        const later = await jobs.scheduler.submit("note", {}, { delay: HOUR });
        await jobs.scheduler.wait(later);
        return [jobId, database.url];
      },
      { inject: [Database] },
    );
    const { result } = await jobs.wait(id);
    assertEquals([result, seconds()], [[id, jobs.database.url], HOUR]);
  });

  test("shares the time with another wait()", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    const [late, soon] = await Promise.all([
      jobs.run("note", { name: "late" }, { delay: DAY }),
      jobs.run("note", { name: "soon" }, { delay: HOUR }),
    ]);
    assertEquals(notes, [`soon at ${HOUR}`, `late at ${DAY}`]);
    assertEquals([late.startedAt, soon.startedAt], [late.runAt, soon.runAt]);
  });

  test("shares the time with an advance() of the test, and of its clock", async () => {
    const { jobs, notes, seconds } = createBench();
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("note", {}, { delay: DAY });
    const waiting = jobs.wait(id);
    await jobs.advance(HOUR);
    assertEquals(notes, []);
    assert(seconds() < DAY);
    jobs.clock.advance(2 * DAY);
    assertEquals((await waiting).status, "completed");
    assertEquals(notes, [`note at ${seconds()}`]);
  });

  test("rejects where there is no such job, or no more", async () => {
    const { jobs, hold } = createBench();
    await using _ending = jobs;
    await assertRejects(() => jobs.wait("01ARZ3NDEKTSV4RRFFQ69G5FAV"), JobNotFoundError);
    const id = await jobs.scheduler.submit("held");
    const waiting = jobs.wait(id);
    await hold.next();
    await jobs.scheduler.delete(id);
    await assertRejects(() => waiting, JobNotFoundError);
  });

  test("rejects with the reason of its signal, and leaves the job", async () => {
    const { jobs, hold } = createBench();
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("held");
    const leaving = new AbortController();
    const waiting = jobs.wait(id, { signal: leaving.signal });
    const run = await hold.next();
    leaving.abort(new Error("enough"));
    await assertRejects(() => waiting, Error, "enough");
    run.release();
    assertEquals((await jobs.wait(id)).status, "completed");
  });
});

describe("whatever else goes on", () => {
  /** Somebody else who lets no time pass, again and again. */
  function settleOn(jobs: TestScheduler) {
    let isOver = false;
    const settling = (async () => {
      while (!isOver) {
        await jobs.settled();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    return {
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        await settling;
      },
    };
  }

  test("settled() resolves after what was submitted before it", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    await using _one = settleOn(jobs);
    await using _other = settleOn(jobs);
    for (let n = 1; n <= 50; n++) {
      await jobs.scheduler.submit("note");
      await jobs.settled();
      assertEquals(notes.length, n);
    }
  });

  test("wait() never takes what was just submitted for stuck", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    await using _one = settleOn(jobs);
    await using _other = settleOn(jobs);
    for (let n = 1; n <= 50; n++) {
      await jobs.run("note", {}, { delay: 60 });
      assertEquals(notes.length, n);
    }
  });

  test("wait() lets no time pass while it is about to resolve", async () => {
    const { jobs, seconds } = createBench();
    await using _ending = jobs;
    const { scheduler } = jobs;
    const wait = scheduler.wait.bind(scheduler);
    // One that takes its time to hear of the end.
    scheduler.wait = async (id, options) => {
      const record = await wait(id, options);
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
      return record;
    };
    await scheduler.submit("note", {}, { delay: DAY });
    await jobs.run("note", {}, { delay: HOUR });
    assertEquals(seconds(), HOUR);
  });

  test("wait() does not give up a job that is freed while it looks for what keeps it", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    const unknown = defineTask("unknown", { run: () => {} });
    registry.register("keyed", {
      params: v.object({ waits: v.boolean() }),
      inject: [Scheduler],
      run: async ({ waits }, scheduler) => {
        if (waits) await scheduler.wait(await scheduler.submit(unknown));
      },
    });
    const { scheduler } = jobs;
    const holder = await scheduler.submit("keyed", { waits: true }, { concurrencyKey: "key" });
    const held = await scheduler.submit("keyed", { waits: false }, { concurrencyKey: "key" });
    const list = scheduler.list.bind(scheduler);
    scheduler.list = async (options) => {
      scheduler.list = list;
      await scheduler.cancel(holder);
      await scheduler.wait(held);
      return await list(options);
    };
    assertEquals((await jobs.wait(held)).status, "completed");
  });
});

describe("a schedule", () => {
  test("ticks at its time, although it validates what it submits at its leisure", async () => {
    const { jobs, registry, notes, note } = createBench();
    await using _ending = jobs;
    registry.register("slow", {
      params: v.pipeAsync(
        v.object({}),
        v.checkAsync(async () => {
          for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
          return true;
        }),
      ),
      run: () => note("slow"),
    });
    await jobs.scheduler.cron("hourly", "@hourly", "slow");
    await jobs.advance(2.5 * HOUR);
    assertEquals(notes, [`slow at ${HOUR}`, `slow at ${2 * HOUR}`]);
  });

  test("ticks on the way of advance(), each tick at its time", async () => {
    const { jobs, notes, seconds } = createBench();
    await using _ending = jobs;
    await jobs.scheduler.cron("hourly", "0 * * * *", "note");
    await jobs.advance(2.5 * HOUR);
    assertEquals(notes, [`note at ${HOUR}`, `note at ${2 * HOUR}`]);
    assertEquals(seconds(), 2.5 * HOUR);
  });

  test("ticks on the way of wait()", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    await jobs.scheduler.cron("daily", "@daily", "note", { name: "tick" });
    await jobs.run("note", {}, { delay: 2.5 * DAY });
    assertEquals(notes, [`tick at ${DAY}`, `tick at ${2 * DAY}`, `note at ${2.5 * DAY}`]);
  });

  test("that a job has declared ticks as well", async () => {
    const { jobs, registry, notes } = createBench();
    await using _ending = jobs;
    registry.register("declare", {
      inject: [Scheduler],
      run: async (_params, scheduler) => void (await scheduler.cron("h", "@hourly", "note")),
    });
    await jobs.scheduler.submit("declare", {}, { delay: 60 });
    await jobs.advance(HOUR);
    assertEquals(notes, [`note at ${HOUR}`]);
  });

  test("does not keep up hope for what no time can help", async () => {
    const { jobs } = createBench();
    await using _ending = jobs;
    await jobs.scheduler.cron("hourly", "@hourly", "note");
    const unknown = defineTask("unknown", { run: () => {} });
    await assertRejects(() => jobs.run(unknown), JobStuckError, 'no task "unknown" is registered');
  });
});

describe("wait() for a job that can never end rejects", () => {
  test("where its task is not registered", async () => {
    const { jobs } = createBench();
    await using _ending = jobs;
    const unknown = defineTask("unknown", { run: () => {} });
    const id = await jobs.scheduler.submit(unknown);
    const error = await assertRejects(() => jobs.wait(id), JobStuckError);
    assertStrictEquals(error.jobId, id);
    assertStrictEquals(
      error.message,
      `Job ${id} can never end: it is pending, and no task "unknown" is registered in the registry of its executor`,
    );
  });

  test("where maxConcurrency is 0, and goes on when it isn't any more", async () => {
    const { jobs, seconds } = createBench({ maxConcurrency: 0 });
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("note", {}, { delay: HOUR });
    await assertRejects(() => jobs.wait(id), JobStuckError, "maxConcurrency of its scheduler is 0");
    assertEquals(seconds(), 0);
    // What is due and can't be claimed must not be waited for.
    await jobs.advance(DAY);
    assertEquals(seconds(), DAY);
    jobs.scheduler.maxConcurrency = 1;
    assertEquals((await jobs.wait(id)).status, "completed");
  });

  test("where it waits, and maxConcurrency is 0 when it could go on", async () => {
    const { jobs, hold } = createBench({ maxConcurrency: 1 });
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("parent", { task: "held" });
    const run = await hold.next();
    jobs.scheduler.maxConcurrency = 0;
    run.release();
    await assertRejects(
      () => jobs.wait(id),
      JobStuckError,
      "it is running, and waits; the maxConcurrency of its scheduler is 0",
    );
  });

  test("where it waits for one that can't", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    const unknown = defineTask("unknown", { run: () => {} });
    registry.register("hopes", {
      inject: [Scheduler],
      run: async (_params, scheduler) => {
        await scheduler.wait(await scheduler.submit(unknown, {}, { delay: HOUR }));
      },
    });
    const { message } = await assertRejects(() => jobs.run("hopes"), JobStuckError);
    assertMatch(
      message,
      /^Job (\w+) can never end: it is running, and waits for job \w+ \(it is pending, and no task "unknown"/,
    );
  });

  test("where two wait for each other", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    const other = Promise.withResolvers<string>();
    registry.register("first", {
      inject: [Scheduler],
      run: async (_params, scheduler) => void (await scheduler.wait(await other.promise)),
    });
    registry.register("second", {
      params: v.object({ first: v.string() }),
      inject: [Scheduler],
      run: async ({ first }, scheduler) => void (await scheduler.wait(first)),
    });
    const first = await jobs.scheduler.submit("first");
    const second = await jobs.scheduler.submit("second", { first });
    other.resolve(second);
    await assertRejects(
      () => jobs.wait(first),
      JobStuckError,
      `it is running, and waits for job ${second} (it is running, and waits for job ${first} (which waits for it in turn))`,
    );
  });

  test("where its concurrencyKey is taken by one that waits for it", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    registry.register("keyed", {
      params: v.object({ again: v.boolean() }),
      inject: [Scheduler],
      run: async ({ again }, scheduler) => {
        if (!again) return;
        const options = { concurrencyKey: "key" };
        await scheduler.wait(await scheduler.submit("keyed", { again: false }, options));
      },
    });
    const holder = await jobs.scheduler.submit("keyed", { again: true }, { concurrencyKey: "key" });
    const { message } = await assertRejects(() => jobs.wait(holder), JobStuckError);
    assertMatch(
      message,
      /as many of "keyed" run as its concurrency, or the job's concurrencyKey, allows/,
    );
    assertMatch(message, new RegExp(`job ${holder} \\(which waits for it in turn\\)`));
  });

  test("where nothing is due any more, but not before", async () => {
    const { jobs, registry } = createBench();
    await using _ending = jobs;
    // The one that holds the key goes on after a day.
    registry.register("keyed", {
      params: v.object({ delay: v.number() }),
      inject: [Scheduler],
      run: async ({ delay }, scheduler) => {
        await scheduler.wait(await scheduler.submit("note", {}, { delay }));
      },
    });
    await jobs.scheduler.submit("keyed", { delay: DAY }, { concurrencyKey: "key" });
    const { startedAt } = await jobs.run("keyed", { delay: 0 }, { concurrencyKey: "key" });
    assertEquals(startedAt, new Date(NEW_YEAR.getTime() + DAY * 1_000));
  });
});

describe("advance()", () => {
  test("runs everything that is due on the way at its own time", async () => {
    const { jobs, notes, seconds } = createBench();
    await using _ending = jobs;
    for (const delay of [30, 60, 10, 60.001]) {
      await jobs.scheduler.submit("note", { name: `${delay}` }, { delay });
    }
    await jobs.advance(60);
    assertEquals([notes, seconds()], [["10 at 10", "30 at 30", "60 at 60"], 60]);
    await jobs.advance(0.001);
    assertEquals(notes.at(-1), "60.001 at 60.001");
  });

  test("awaits what runs", async () => {
    const { jobs, hold } = createBench();
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("held", {}, { delay: 30 });
    const advancing = jobs.advance(60);
    const run = await hold.next();
    await assertPending(advancing);
    run.release();
    await advancing;
    assertEquals((await jobs.scheduler.get(id)).status, "completed");
  });

  test("lets nothing run before anything is due", async () => {
    const { jobs, notes } = createBench();
    await using _ending = jobs;
    const id = await jobs.scheduler.submit("note", {}, { delay: 60 });
    await jobs.advance(59.999);
    assertEquals([notes, (await jobs.scheduler.get(id)).status], [[], "pending"]);
  });

  test("refuses what is no time from now on", async () => {
    const { jobs, seconds } = createBench();
    await using _ending = jobs;
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assertRejects(() => jobs.advance(wrong), RangeError, `Cannot let ${wrong}`);
    }
    assertEquals(seconds(), 0);
  });
});

test("housekeeping costs nothing: many years pass in a few steps", async () => {
  const { jobs } = createBench();
  await using _ending = jobs;
  const { clock } = jobs;
  let calls = 0;
  const everyMinute = () => {
    calls += 1;
    clock.after(60_000, everyMinute);
  };
  clock.after(60_000, everyMinute);
  await jobs.advance(10 * 365 * DAY);
  assert(calls <= 2, `${calls} calls`);
});

test("settled() resolves when nothing runs and nothing is due, without any time", async () => {
  const { jobs, notes, hold, seconds } = createBench();
  await using _ending = jobs;
  await jobs.settled();
  await jobs.scheduler.submitMany(Array(25).fill({ task: "note" }));
  await jobs.scheduler.submit("note", {}, { delay: 1 });
  await jobs.settled();
  assertEquals([notes.length, seconds()], [25, 0]);
  await jobs.scheduler.submit("held");
  const settling = jobs.settled();
  const run = await hold.next();
  await assertPending(settling);
  run.release();
  await settling;
});

test("lists go by the times of the records, whatever other clocks have shown", async () => {
  const ahead = createBench();
  await using _ahead = ahead.jobs;
  await ahead.jobs.run("note", {}, { delay: DAY });
  const { jobs } = createBench();
  await using _ending = jobs;
  const { scheduler, clock } = jobs;
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) {
    ids.push((await jobs.run("note")).id);
    await jobs.advance(DAY);
  }
  const list = async (options: Parameters<Scheduler["list"]>[0]) =>
    (await scheduler.list(options)).map(({ id }) => id);
  assertEquals(await list({}), ids.toReversed());
  assertEquals(await list({ since: clock.date(-2 * DAY) }), ids.slice(1).toReversed());
  assertEquals(await list({ until: clock.date(-2 * DAY) }), ids.slice(0, 1));
});

test("two schedulers run each other's jobs on one database and one clock", async () => {
  await using database = Database.sqlite(":memory:");
  const clock = new FakeClock({ now: NEW_YEAR });
  const { jobs: one } = createBench({ database, clock });
  const { jobs: other, hold } = createBench({ database, clock, maxConcurrency: 0 });
  await using _one = one;
  await using _other = other;
  const id = await other.scheduler.submit("note", {}, { delay: HOUR });
  await one.advance(HOUR);
  assertEquals((await other.wait(id)).status, "completed");
  assertEquals(hold.count, 0);
});

test("wait() awaits what another scheduler runs", async () => {
  await using database = Database.sqlite(":memory:");
  const clock = new FakeClock({ now: NEW_YEAR });
  const { jobs: one, hold } = createBench({ database, clock });
  const { jobs: other } = createBench({ database, clock });
  await using _one = one;
  await using _other = other;
  const id = await one.scheduler.submit("held");
  const run = await hold.next();
  const waiting = other.wait(id);
  await other.settled();
  await assertPending(waiting);
  run.release({ held: true });
  assertEquals((await waiting).result, { held: true });
});

test("wait() lets time pass for what another scheduler runs, where that needs it again", async () => {
  await using database = Database.sqlite(":memory:");
  const clock = new FakeClock({ now: NEW_YEAR });
  const { jobs: one, hold } = createBench({ database, clock });
  const { jobs: other, hold: otherHold } = createBench({ database, clock });
  await using _one = one;
  await using _other = other;
  const id = await one.scheduler.submit("held", {}, { retries: 1 });
  const run = await hold.next();
  const waiting = other.wait(id);
  await other.settled();
  run.fail(new Error("no"));
  const again = await Promise.race([hold.next(), otherHold.next()]);
  again.release();
  assertEquals((await waiting).status, "completed");
});

describe("disposal", () => {
  test("ends a job that loops for ever by its signal, and who waits", async () => {
    const { jobs, registry } = createBench();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<unknown>();
    registry.register("forever", {
      inject: [TaskContext],
      run: async (_params, { signal }) => {
        begun.resolve();
        const turn = () => new Promise((resolve) => setImmediate(resolve));
        while (!signal.aborted) await turn();
        ended.resolve(signal.reason);
      },
    });
    const id = await jobs.scheduler.submit("forever");
    const waits = [jobs.wait(id), jobs.advance(60), jobs.settled()];
    const ends = Promise.allSettled(waits);
    await begun.promise;
    await jobs[Symbol.asyncDispose]();
    assert((await ended.promise) instanceof JobReleasedError);
    for (const end of await ends) {
      assert(end.status === "rejected" && end.reason instanceof SchedulerStoppedError);
    }
  });

  test("closes its own database, and leaves one that was given open", async () => {
    const { jobs } = createBench();
    await jobs.run("note");
    await jobs[Symbol.asyncDispose]();
    await assertRejects(() => jobs.scheduler.list());
    await using database = Database.sqlite(":memory:");
    const given = createBench({ database });
    await given.jobs.run("note");
    await given.jobs[Symbol.asyncDispose]();
    assertEquals((await given.jobs.scheduler.list()).length, 1);
  });

  test("lets nobody wait after it", async () => {
    const { jobs } = createBench();
    const { id } = await jobs.run("note", {});
    await jobs[Symbol.asyncDispose]();
    await assertRejects(() => jobs.advance(1), SchedulerStoppedError);
    await assertRejects(() => jobs.settled(), SchedulerStoppedError);
    await assertRejects(() => jobs.wait(id));
  });
});
