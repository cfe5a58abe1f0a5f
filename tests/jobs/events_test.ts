import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type JobEvent, JobNotFoundError } from "../../lib/jobs/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { TemporaryFolder } from "../storage/databases.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

const NOBODY = "01J00000000000000000000000";

/** A signal that counts who listens to it. */
class CountedSignal {
  readonly #controller = new AbortController();
  listeners = 0;

  get signal(): AbortSignal {
    const { signal } = this.#controller;
    const add = signal.addEventListener;
    const remove = signal.removeEventListener;
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        this.listeners += 1;
        add.apply(signal, args);
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        this.listeners -= 1;
        remove.apply(signal, args);
      },
    });
    return signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

function createBench(): { bench: TestScheduler; hold: Hold } {
  const bench = new TestScheduler();
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  return { bench, hold };
}

async function next(events: AsyncIterator<JobEvent>): Promise<JobEvent> {
  const { done, value } = await events.next();
  assert(!done);
  return value;
}

test("events() tells each state up to the end, under revisions that rise", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  scheduler.maxConcurrency = 0;
  const id = await scheduler.submit("held");
  const events = scheduler.events(id);
  const told: JobEvent[] = [await next(events)];
  scheduler.maxConcurrency = 1;
  const run = await hold.next();
  told.push(await next(events));
  run.context.progress(0.5);
  told.push(await next(events));
  run.release({ ok: true });
  told.push(await next(events));
  assertEquals(await events.next(), { done: true, value: undefined });
  assertEquals(
    told.map((event) =>
      event.status === "deleted" ? [] : [event.status, event.progress, event.result],
    ),
    [
      ["pending", null, null],
      ["running", null, null],
      ["running", 0.5, null],
      ["completed", 0.5, { ok: true }],
    ],
  );
  const revisions = told.map(({ revision }) => revision);
  assertEquals(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  assertEquals(new Set(revisions).size, 4);
});

test("events() tells when a closure begins", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler } = bench;
  const hold = new Hold();
  const events = scheduler.events(await scheduler.spawn((context) => hold.enter(context)));
  assertEquals((await next(events)).status, "pending");
  scheduler.maxConcurrency = 1;
  const run = await hold.next();
  assertEquals((await next(events)).status, "running");
  run.release();
});

test("events() of a job that has ended tells its last state and ends", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.spawn(() => 1);
  await scheduler.wait(id);
  const told = await Array.fromAsync(scheduler.events(id));
  assertEquals(
    told.map(({ status }) => status),
    ["completed"],
  );
});

test("events() resumes after a revision that is known", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const running = await next(scheduler.events(id));
  const resumed = scheduler.events(id, { after: running.revision });
  const following = next(resumed);
  run.release();
  const { revision, status } = await following;
  assertEquals(status, "completed");
  assert(revision > running.revision);
  assertEquals(await Array.fromAsync(scheduler.events(id, { after: revision })), []);
  const [missed] = await Array.fromAsync(scheduler.events(id, { after: running.revision }));
  assertEquals(missed?.revision, revision);
});

test("events() spares a slow reader what came in between, never the last state", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const slow = scheduler.events(id);
  assertEquals((await next(slow)).status, "running");
  // It asks for no more until all is over.
  for (let step = 1; step <= 5; step++) {
    run.context.progress(step / 10);
    await bench.reach(id, ({ progress }) => progress === step / 10);
    clock.advance(1);
  }
  run.release({ ok: true });
  await scheduler.wait(id);
  const rest = await Array.fromAsync(slow);
  assertEquals(
    rest.map((event) =>
      event.status === "deleted" ? [] : [event.status, event.progress, event.result],
    ),
    [["completed", 0.5, { ok: true }]],
  );
});

test("events() never loses the last state to a reader that races with it", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const ids = await Promise.all(Array.from({ length: 50 }, (_, n) => scheduler.spawn(() => n)));
  const results = await Promise.all(ids.map(async (id) => (await scheduler.wait(id)).result));
  assertEquals(results, [...Array(50).keys()]);
});

test("events() tells every reader, and many at once", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const readers = Array.from({ length: 20 }, () => scheduler.events(id));
  await Promise.all(readers.map(next));
  const lasts = Promise.all(readers.map(next));
  run.release();
  for (const { status } of await lasts) assertEquals(status, "completed");
});

test("events() of a job that is deleted end with the status `deleted`", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  await hold.next();
  const events = scheduler.events(id);
  const { revision } = await next(events);
  const following = next(events);
  await scheduler.delete(id);
  const last = await following;
  assertEquals(last.status, "deleted");
  assert(last.revision > revision);
  assertEquals(await events.next(), { done: true, value: undefined });
});

test("events() of a job that is retried goes on where it has not ended", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  (await hold.next()).fail(new Error("no"));
  const failed = (await Array.fromAsync(scheduler.events(id))).at(-1);
  await scheduler.retry(id);
  const run = await hold.next();
  const again = scheduler.events(id, { after: failed?.revision ?? 0 });
  assertEquals((await next(again)).status, "running");
  run.release();
  assertEquals((await next(again)).status, "completed");
});

test("events() refuses an id that no job has", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  await assertRejects(() => scheduler.events(NOBODY).next(), JobNotFoundError);
  await assertRejects(() => scheduler.events(NOBODY, { after: 5 }).next(), JobNotFoundError);
});

test("events() ends at once when its signal aborts, with the signal's reason", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  await hold.next();
  const counted = new CountedSignal();
  const events = scheduler.events(id, { signal: counted.signal });
  await next(events);
  const following = events.next();
  assertEquals(counted.listeners, 1);
  const reason = new Error("enough");
  counted.abort(reason);
  assertStrictEquals(await following.catch((error: unknown) => error), reason);
  assertEquals(counted.listeners, 0);
});

test("events() with a signal that has aborted throws its reason", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.spawn(() => {});
  const reason = new Error("enough");
  const events = scheduler.events(id, { signal: AbortSignal.abort(reason) });
  assertStrictEquals(await events.next().catch((error: unknown) => error), reason);
});

test("events() leaves no listener behind at its end, at a break or an error", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const counted = new CountedSignal();
  const { signal } = counted;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  for await (const _ of scheduler.events(id, { signal })) {
    assertEquals(counted.listeners, 1);
    break;
  }
  assertEquals(counted.listeners, 0);
  await assertRejects(() => scheduler.events(NOBODY, { signal }).next(), JobNotFoundError);
  assertEquals(counted.listeners, 0);
  run.release();
  await Array.fromAsync(scheduler.events(id, { signal }));
  assertEquals(counted.listeners, 0);
});

test("events() tells what a scheduler with another connection to the file does", async () => {
  await using folder = await TemporaryFolder.create();
  await using reading = Database.sqlite(folder.file("app.db"));
  await using writing = Database.sqlite(folder.file("app.db"));
  const hold = new Hold();
  await using reader = new TestScheduler({ database: reading, maxConcurrency: 0 });
  await using bench = new TestScheduler({ database: writing });
  for (const { registry } of [reader, bench]) {
    registry.register("held", {
      inject: [TaskContext],
      run: (_params, context) => hold.enter(context),
    });
  }
  const id = await reader.scheduler.submit("held");
  const events = reader.scheduler.events(id);
  assertEquals((await next(events)).status, "pending");
  await bench.scheduler.start();
  const run = await hold.next();
  assertEquals((await next(events)).status, "running");
  run.release({ by: "another" });
  assertEquals(((await next(events)) as { result?: unknown }).result, { by: "another" });
});

test("events() may be left while the next one is waited for", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const events = scheduler.events(id);
  await next(events);
  const waiting = events.next();
  await events.return();
  assertEquals(await waiting, { done: true, value: undefined });
  run.release();
});
