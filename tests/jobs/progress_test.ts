import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { JobNotFoundError } from "../../lib/jobs/mod.ts";
import { Session, TransactionTimeoutError } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { type HeldRun, Hold, TestScheduler } from "./test_scheduler.ts";

/** A job whose runs are held. */
async function startHeld(bench: TestScheduler, retries = 0): Promise<[string, Hold, HeldRun]> {
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const backoff = { initial: 0 };
  const id = await bench.scheduler.submit("held", {}, { retries, backoff });
  return [id, hold, await hold.next()];
}

async function linesOf({ scheduler }: TestScheduler, id: string): Promise<string[]> {
  return (await scheduler.logs(id)).map(({ line }) => line);
}

test("progress() shows in the record while the job runs, with its message", async () => {
  await using bench = new TestScheduler();
  const [id, , { context, release }] = await startHeld(bench);
  context.progress(0.5, "half");
  const { status, progressMessage } = await bench.reach(id, ({ progress }) => progress === 0.5);
  assertEquals([status, progressMessage], ["running", "half"]);
  bench.clock.advance(1);
  context.progress(1);
  const last = await bench.reach(id, ({ progress }) => progress === 1);
  assertEquals(last.progressMessage, null);
  release();
});

test("progress() goes from 0 to 1, and refuses anything else", async () => {
  await using bench = new TestScheduler();
  const [id, , { context, release }] = await startHeld(bench);
  for (const fraction of [-0.01, 1.01, Number.NaN, Number.POSITIVE_INFINITY]) {
    assertThrows(() => context.progress(fraction), RangeError, "it goes from 0 to 1");
  }
  context.progress(0, "begun");
  release();
  const { progress, progressMessage } = await bench.scheduler.wait(id);
  assertEquals([progress, progressMessage], [0, "begun"]);
});

test("progress() told often is written from time to time, the last one with the result", async () => {
  await using bench = new TestScheduler();
  const [id, , { context, release }] = await startHeld(bench);
  context.progress(0.1);
  const { revision } = await revisionAt(bench, id, 0.1);
  for (let percent = 11; percent <= 90; percent++) {
    context.progress(percent / 100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The clock stands still, so nothing more is written until the run ends.
  assertEquals((await bench.scheduler.get(id)).progress, 0.1);
  release();
  assertEquals((await bench.scheduler.wait(id)).progress, 0.9);
  const final = await revisionAt(bench, id, 0.9);
  assertEquals(final.revision - revision, 2);
});

async function revisionAt({ scheduler }: TestScheduler, id: string, fraction: number) {
  for await (const event of scheduler.events(id)) {
    if (event.status !== "deleted" && event.progress === fraction) return event;
  }
  throw new Error(`${fraction} was never told`);
}

test("progress() is null at the start of each attempt", async () => {
  await using bench = new TestScheduler();
  const [id, hold, first] = await startHeld(bench, 1);
  first.context.progress(0.9, "nearly");
  first.fail(new Error("no"));
  const second = await hold.next();
  const { attempt, progress, progressMessage } = await bench.scheduler.get(id);
  assertEquals([attempt, progress, progressMessage], [2, null, null]);
  second.release();
  await bench.scheduler.wait(id);
});

test("log() keeps lines in order, with time and attempt", async () => {
  await using bench = new TestScheduler();
  const { scheduler, clock } = bench;
  const [id, hold, first] = await startHeld(bench, 1);
  const at = clock.date();
  first.context.log("one");
  clock.advance(2);
  first.context.log("two");
  first.fail(new Error("no"));
  const second = await hold.next();
  second.context.log("three");
  second.release();
  await scheduler.wait(id);
  const lines = await scheduler.logs(id);
  const later = clock.date();
  assertEquals(
    lines.map(({ number: _, ...line }) => line),
    [
      { line: "one", attempt: 1, loggedAt: at },
      { line: "two", attempt: 1, loggedAt: later },
      { line: "three", attempt: 2, loggedAt: later },
    ],
  );
  const numbers = lines.map(({ number }) => number);
  assertEquals(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
});

test("log() shows lines while the job runs", async () => {
  await using bench = new TestScheduler();
  const [id, , { context, release }] = await startHeld(bench);
  context.log("early");
  // Written with the line.
  context.progress(0.5);
  await bench.reach(id, ({ progress }) => progress === 0.5);
  assertEquals(await linesOf(bench, id), ["early"]);
  release();
});

test("log() cuts a line that is very long", async () => {
  await using bench = new TestScheduler();
  const [id, , { context, release }] = await startHeld(bench);
  context.log("x".repeat(16_384));
  context.log("y".repeat(16_385));
  release();
  await bench.scheduler.wait(id);
  assertEquals(await linesOf(bench, id), ["x".repeat(16_384), `${"y".repeat(16_383)}…`]);
});

test("logs() pages by number and size", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const [id, , { context, release }] = await startHeld(bench);
  const all = Array.from({ length: 1_200 }, (_, index) => `line ${index}`);
  for (const line of all) context.log(line);
  release();
  await scheduler.wait(id);
  assertEquals(await linesOf(bench, id), all.slice(0, 1_000));
  assertEquals((await scheduler.logs(id, { size: 10_000 })).length, 1_200);
  const page = await scheduler.logs(id, { size: 3 });
  assertEquals(
    page.map(({ line }) => line),
    all.slice(0, 3),
  );
  const next = await scheduler.logs(id, { after: page.at(-1)?.number, size: 2 });
  assertEquals(
    next.map(({ line }) => line),
    all.slice(3, 5),
  );
  const end = (await scheduler.logs(id, { size: 10_000 })).at(-1)?.number;
  assertEquals(await scheduler.logs(id, { after: end }), []);
});

test("logs() is empty for a job that logged nothing, and keeps jobs apart", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const loud = await scheduler.spawn((context) => context.log("loud"));
  const quiet = await scheduler.spawn(() => {});
  await Promise.all([scheduler.wait(loud), scheduler.wait(quiet)]);
  assertEquals(await linesOf(bench, loud), ["loud"]);
  assertEquals(await linesOf(bench, quiet), []);
  await assertRejects(() => scheduler.logs("01J00000000000000000000000"), JobNotFoundError);
});

test("what a canceled run reports is not written", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const [id, , { context }] = await startHeld(bench);
  await scheduler.cancel(id);
  context.log("too late");
  context.progress(0.5);
  // Written after it, if it was written at all.
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals((await scheduler.get(id)).progress, null);
  assertEquals(await linesOf(bench, id), []);
});

test("what is reported inside an open transaction is kept, and written after it", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const inside = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const hold = new Hold();
  registry.register("in_transaction", {
    inject: [TaskContext, Session],
    run: async (_params, context, session) => {
      await session.transaction(async () => {
        context.log("inside");
        context.progress(0.5, "inside");
        inside.resolve();
        await letGo.promise;
      });
      return await hold.enter(context);
    },
  });
  const id = await scheduler.submit("in_transaction");
  await inside.promise;
  assertEquals((await scheduler.get(id)).progress, null);
  letGo.resolve();
  const run = await hold.next();
  await bench.reach(id, ({ progress }) => progress === 0.5);
  assertEquals(await linesOf(bench, id), ["inside"]);
  run.release();
});

test("what is reported inside a transaction that is rolled back is kept all the same", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  registry.register("rolls_back", {
    inject: [TaskContext, Session],
    run: async (_params, context, session) => {
      await session.transaction(() => {
        context.log("inside");
        context.progress(0.5);
        throw new TransactionTimeoutError(1);
      });
    },
  });
  const id = await scheduler.submit("rolls_back");
  const { status, progress } = await scheduler.wait(id);
  assertEquals([status, progress], ["failed", 0.5]);
  assertEquals(await linesOf(bench, id), ["inside"]);
});

test("log() and progress() take what is no text, for tasks without types", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const untyped = (value: unknown) => value as string;
  registry.register("careless", {
    inject: [TaskContext],
    run: (_params, { log, progress }) => {
      log("first");
      log(untyped(new TypeError("broken")));
      log(untyped({ a: 1 }));
      log(untyped(null));
      progress(0.5, untyped({ half: true }));
    },
  });
  const id = await scheduler.submit("careless");
  const { status, progressMessage } = await scheduler.wait(id);
  assertEquals([status, progressMessage], ["completed", '{"half":true}']);
  const lines = await scheduler.logs(id);
  assertEquals(
    lines.map(({ line }) => line),
    ["first", "TypeError: broken", '{"a":1}', "null"],
  );
});

test("log() says that lines were dropped where more wait than are kept", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  registry.register("chatty", {
    inject: [TaskContext],
    run: (_params, { log }) => {
      for (let number = 0; number < 10_010; number++) log(`${number}`);
    },
  });
  const id = await scheduler.submit("chatty");
  await scheduler.wait(id);
  const lines = await scheduler.logs(id, { after: 9_990, size: 100 });
  assertEquals(lines.at(-1)?.line, "… more lines were dropped: 10000 were waiting to be written");
  assertEquals(lines.length, 11);
});
