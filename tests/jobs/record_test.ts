import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as v from "valibot";
import { JobNotFoundError } from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

const Name = v.object({ name: v.string() });

test("a record tells everything of a pending, a running and a completed job", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, registry, clock } = bench;
  const hold = new Hold();
  registry.register("work", {
    params: Name,
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const submittedAt = clock.date();
  const id = await scheduler.submit("work", { name: "Alice" }, { retries: 2, priority: 3 });
  const pending = {
    id,
    status: "pending",
    description: null,
    taskName: "work",
    tags: [],
    attempt: 0,
    retries: 2,
    priority: 3,
    progress: null,
    progressMessage: null,
    submittedAt,
    runAt: submittedAt,
    startedAt: null,
    finishedAt: null,
    error: null,
    errorTraceback: null,
    artifactId: null,
    parentId: null,
    createdBy: null,
    params: { name: "Alice" },
    result: null,
    attempts: [],
  } as const;
  assertEquals(await scheduler.get(id), { ...pending });

  clock.advance(10);
  const startedAt = clock.date();
  scheduler.maxConcurrency = 1;
  const run = await hold.next();
  const running = { ...pending, status: "running", attempt: 1, startedAt } as const;
  assertEquals(await scheduler.get(id), {
    ...running,
    attempts: [{ attempt: 1, startedAt, finishedAt: null, error: null }],
  });

  clock.advance(5);
  const finishedAt = clock.date();
  run.release({ done: true });
  assertEquals(await scheduler.wait(id), {
    ...running,
    status: "completed",
    finishedAt,
    result: { done: true },
    attempts: [{ attempt: 1, startedAt, finishedAt, error: null }],
  });
});

test("a failed job's record has the error and where it was thrown", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, logger } = bench;
  registry.register("fails", {
    run: () => {
      throw new RangeError("out of range", { cause: new Error("the reason") });
    },
  });
  const record = await scheduler.wait(await scheduler.submit("fails"));
  assertEquals([record.status, record.error], ["failed", "RangeError: out of range"]);
  assert(record.errorTraceback?.includes("record_test.ts"));
  assert(record.errorTraceback?.includes("Caused by: Error: the reason"));
  assertEquals([record.result, record.finishedAt], [null, bench.clock.date()]);
  assertEquals(
    record.attempts.map(({ error }) => error),
    ["RangeError: out of range"],
  );
  assertEquals(logger.messages, ["a job failed"]);
});

test("a task that returns nothing has completed with null", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("nothing", { run: () => {} });
  const { status, result } = await bench.scheduler.wait(await bench.scheduler.submit("nothing"));
  assertEquals([status, result], ["completed", null]);
});

test("a result is what returns makes of it", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("typed", {
    returns: v.object({ at: v.pipe(v.string(), v.transform(Number)) }),
    run: () => ({ at: "5" }),
  });
  const { result } = await bench.scheduler.wait(await bench.scheduler.submit("typed"));
  assertEquals(result, { at: 5 });
});

test("a result that returns refuses fails the job", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("typed", {
    returns: v.object({ at: v.pipe(v.number(), v.minValue(1, "Too early")) }),
    run: () => ({ at: 0 }),
  });
  const { status, error } = await bench.scheduler.wait(await bench.scheduler.submit("typed"));
  assertEquals(status, "failed");
  assert(error?.startsWith("ResultValidationError: "));
  assert(error?.endsWith("Too early"));
});

test("a result that JSON can't hold fails the job at once", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  registry.register("cyclic", { job: { retries: 3 }, run: () => cycle });
  registry.register("big", { job: { retries: 3 }, run: () => ({ big: 1n }) });
  for (const task of ["cyclic", "big"]) {
    const record = await scheduler.wait(await scheduler.submit(task));
    assertEquals([record.status, record.attempt, record.result], ["failed", 1, null]);
    assert(record.error?.startsWith(`SerializationError: JSON can't hold the result of "${task}"`));
  }
  const closure = await scheduler.wait(await scheduler.spawn(() => () => {}));
  assertEquals(closure.status, "failed");
  assert(closure.error?.startsWith("SerializationError: "));
});

test("a result of more than maxResult bytes fails the job at once, and points to artifacts", async () => {
  await using bench = new TestScheduler({ maxResult: 20 });
  const { scheduler, registry } = bench;
  registry.register("sized", {
    params: v.object({ text: v.string() }),
    job: { retries: 3 },
    run: ({ text }) => ({ text }),
  });
  // {"text":"…"} has 11 bytes beside the text; each ä has two.
  const fits = await scheduler.wait(await scheduler.submit("sized", { text: "123456789" }));
  assertEquals(fits.status, "completed");
  for (const text of ["1234567890", "ääääää"]) {
    const record = await scheduler.wait(await scheduler.submit("sized", { text }));
    assertEquals([record.status, record.attempt, record.result], ["failed", 1, null]);
    assert(record.error?.startsWith("ResultTooLargeError: The result is 2"));
    assert(record.error?.endsWith("save it as an artifact and return its id"));
  }
});

test("a result of 1 MiB is kept by default, and no larger one", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  // Two bytes are quotes.
  const most = "x".repeat(1024 * 1024 - 2);
  assertEquals((await scheduler.wait(await scheduler.spawn(() => most))).result, most);
  const { status } = await scheduler.wait(await scheduler.spawn(() => `${most}x`));
  assertEquals(status, "failed");
});

test("a job whose result is an artifact, or has artifact_id, has its id", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = "01J00000000000000000000000";
  const artifact = { id, data: 1, metadata: null, sha256: "0", level: 0, parentId: null };
  const artifactIdOf = async (result: unknown) =>
    (await scheduler.wait(await scheduler.spawn(() => result))).artifactId;
  assertEquals(await artifactIdOf(artifact), id);
  assertEquals(await artifactIdOf({ artifact_id: id, rows: 5 }), id);
  assertEquals(await artifactIdOf({ ...artifact, artifact_id: "other" }), "other");
  for (const result of [{ id }, { artifact_id: 5 }, { ...artifact, id: 5 }, [artifact], id, null]) {
    assertEquals(await artifactIdOf(result), null);
  }
});

test("a job's artifact_id is told where complete() has its result", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn((context) => context.complete(() => ({ artifact_id: "a1" })));
  assertEquals((await scheduler.wait(id)).artifactId, "a1");
});

test("a job that a job submits has its id as parent", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const children: string[] = [];
  registry.register("child", { run: () => ({}) });
  registry.register("parent", {
    run: async () => {
      children.push(await scheduler.submit("child"));
      children.push(...(await scheduler.submitMany([{ task: "child" }, { task: "child" }])));
      children.push(await scheduler.spawn(() => scheduler.submit("child")));
    },
  });
  const parent = await scheduler.submit("parent");
  assertEquals((await scheduler.wait(parent)).parentId, null);
  assertEquals(children.length, 4);
  for (const id of children) assertEquals((await scheduler.wait(id)).parentId, parent);
  const [closure = ""] = children.slice(-1);
  const grandchild = v.parse(v.string(), await scheduler.result(closure));
  assertEquals((await scheduler.get(grandchild)).parentId, closure);
});

test("a job that was submitted beside running ones has no parent", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, executor } = bench;
  const hold = new Hold();
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  registry.register("submits", {
    run: async () => ({ id: await scheduler.submit("held") }),
  });
  await scheduler.submit("held");
  const run = await hold.next();
  const { id } = v.parse(v.object({ id: v.string() }), await executor.execute("submits"));
  assertEquals((await scheduler.get(id)).parentId, null);
  run.release();
});

test("get() refuses an id that no job has", async () => {
  await using bench = new TestScheduler();
  for (const id of ["01J00000000000000000000000", "", "no ULID"]) {
    const error = await assertRejects(
      () => bench.scheduler.get(id),
      JobNotFoundError,
      `There is no job "${id}"`,
    );
    assertEquals(error.jobId, id);
  }
});
