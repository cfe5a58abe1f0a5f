import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { ListOptions } from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

/** A bench with jobs in every status; the names of a list's jobs are their descriptions. */
async function createBench() {
  const bench = new TestScheduler();
  const { scheduler, registry, clock } = bench;
  const hold = new Hold();
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  registry.register("quick", { run: () => ({ big: "result" }) });
  const submit = async (description: string, task: string, tags: string[], options = {}) => {
    const id = await scheduler.submit(task, { big: "params" }, { description, tags, ...options });
    clock.advance(10);
    return id;
  };
  await scheduler.wait(await submit("completed", "quick", ["a", "b"]));
  const failed = await submit("failed", "held", ["a"]);
  (await hold.next()).fail(new Error("no"));
  await scheduler.wait(failed);
  await scheduler.cancel(await submit("canceled", "held", [], { delay: 1_000 }));
  await submit("running", "held", ["b", "c"]);
  await hold.next();
  await submit("pending", "held", ["a", "b", "c"], { delay: 1_000 });
  const closure = await scheduler.spawn(() => "big", { description: "closure", tags: ["b"] });
  await scheduler.wait(closure);
  const list = async (options?: ListOptions) =>
    (await scheduler.list(options)).map(({ description }) => description);
  return { bench, list };
}

test("list() gives the newest first", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  const all = ["closure", "pending", "running", "canceled", "failed", "completed"];
  assertEquals(await list(), all);
  assertEquals(await list({}), all);
});

test("list() leaves params, result and attempts out, and nothing else", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  for (const summary of await bench.scheduler.list()) {
    const {
      params: _params,
      result: _result,
      attempts: _attempts,
      ...rest
    } = await bench.scheduler.get(summary.id);
    assertEquals({ ...summary }, rest);
    for (const left of ["params", "result", "attempts"]) assert(!(left in summary));
  }
});

test("list() filters by status", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  for (const status of ["pending", "running", "failed", "canceled"] as const) {
    assertEquals(await list({ status }), [status]);
  }
  assertEquals(await list({ status: "completed" }), ["closure", "completed"]);
});

test("list() filters by task", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  assertEquals(await list({ task: "quick" }), ["completed"]);
  assertEquals(await list({ task: "held" }), ["pending", "running", "canceled", "failed"]);
  assertEquals(await list({ task: "nobody" }), []);
});

test("list() filters by tags, all of which a job must have", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  assertEquals(await list({ tags: ["a"] }), ["pending", "failed", "completed"]);
  assertEquals(await list({ tags: ["a", "b"] }), ["pending", "completed"]);
  assertEquals(await list({ tags: ["c", "b", "a"] }), ["pending"]);
  assertEquals(await list({ tags: ["a", "nobody"] }), []);
  assertEquals((await list({ tags: [] })).length, 6);
});

test("list() filters by the time of submission: since is within, until is not", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  // They were submitted ten seconds apart, the last one just now.
  const at = (seconds: number) => bench.clock.date(-seconds);
  assertEquals(await list({ since: at(10) }), ["closure", "pending"]);
  assertEquals(await list({ since: at(9.999) }), ["closure"]);
  assertEquals(await list({ until: at(40) }), ["completed"]);
  assertEquals(await list({ until: at(39.999) }), ["failed", "completed"]);
  assertEquals(await list({ since: at(30), until: at(10) }), ["running", "canceled"]);
  assertEquals(await list({ since: bench.clock.date(1) }), []);
});

test("list() filters by the time of submission also while the clock is set back", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, registry, clock } = bench;
  registry.register("quick", { run: () => ({}) });
  const description = (of: { description: string | null }[]) => of.map((job) => job.description);
  await scheduler.submit("quick", {}, { description: "before" });
  clock.advance(-100);
  await scheduler.submit("quick", {}, { description: "set back" });
  const time = clock.date(50);
  assertEquals(description(await scheduler.list({ since: time })), ["before"]);
  assertEquals(description(await scheduler.list({ until: time })), ["set back"]);
});

test("list() holds all filters together", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  const since = bench.clock.date(-30);
  assertEquals(await list({ status: "pending", task: "held", tags: ["b"], since }), ["pending"]);
  assertEquals(await list({ status: "failed", task: "held", tags: ["a"], since }), []);
});

test("list() pages by size and the last id of the page before", async () => {
  const { bench, list } = await createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const first = await scheduler.list({ size: 2 });
  assertEquals(
    first.map(({ description }) => description),
    ["closure", "pending"],
  );
  const before = first.at(-1)?.id;
  assertEquals(await list({ size: 2, before }), ["running", "canceled"]);
  assertEquals(await list({ before, task: "held", tags: ["a"] }), ["failed"]);
  const oldest = (await scheduler.list()).at(-1)?.id;
  assertEquals(await list({ before: oldest }), []);
});

test("list() gives 100 by default, and at most 1,000", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, registry } = bench;
  registry.register("quick", { run: () => ({}) });
  const ids = await scheduler.submitMany(Array(1_001).fill({ task: "quick" }));
  assertEquals((await scheduler.list()).length, 100);
  assertEquals((await scheduler.list({ size: 5_000 })).length, 1_000);
  // Those of one millisecond keep their order too.
  const newest = ids.toReversed();
  assertEquals(
    (await scheduler.list({ size: 1_000 })).map(({ id }) => id),
    newest.slice(0, 1_000),
  );
});

test("list() is empty before anything was submitted", async () => {
  await using bench = new TestScheduler();
  assertEquals(await bench.scheduler.list(), []);
});
