import { test } from "bun:test";
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import * as v from "valibot";
import { ParamsTooLargeError, Scheduler } from "../../lib/jobs/mod.ts";
import { Database, isUlid } from "../../lib/storage/mod.ts";
import {
  defineTask,
  SerializationError,
  TaskNotFoundError,
  ValidationError,
} from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

const greet = defineTask("greet", {
  params: v.object({ name: v.optional(v.string(), "World") }),
  run: ({ name }) => ({ greeting: `Hello, ${name}` }),
});

/** Ids of all jobs. */
async function ids({ scheduler }: TestScheduler): Promise<string[]> {
  return (await scheduler.list()).map(({ id }) => id);
}

test("submit() resolves to a ULID and runs a task by its name", async () => {
  await using bench = new TestScheduler();
  bench.registry.register(greet);
  const id = await bench.scheduler.submit("greet", { name: "Alice" });
  assertEquals(isUlid(id), true);
  const { status, taskName, params, result } = await bench.scheduler.wait(id);
  assertEquals(
    { status, taskName, params, result },
    {
      status: "completed",
      taskName: "greet",
      params: { name: "Alice" },
      result: { greeting: "Hello, Alice" },
    },
  );
});

test("submit() runs a Task, with params left out or null", async () => {
  await using bench = new TestScheduler();
  bench.registry.register(greet);
  for (const params of [undefined, null, {}]) {
    const id = await bench.scheduler.submit(greet, params);
    const record = await bench.scheduler.wait(id);
    assertEquals([record.params, record.result], [{}, { greeting: "Hello, World" }]);
  }
});

test("submit() wakes an idle worker at once", async () => {
  await using bench = new TestScheduler();
  bench.registry.register(greet);
  await bench.scheduler.wait(await bench.scheduler.submit(greet));
  // No timer fires, since nobody moves the clock.
  const { status } = await bench.scheduler.wait(await bench.scheduler.submit(greet));
  assertEquals(status, "completed");
});

test("submit() refuses an unknown task", async () => {
  await using bench = new TestScheduler();
  await assertRejects(() => bench.scheduler.submit("nobody"), TaskNotFoundError, '"nobody"');
  assertEquals(await ids(bench), []);
});

test("submit() refuses params that the schema refuses, and queues nothing", async () => {
  await using bench = new TestScheduler();
  bench.registry.register(greet);
  const error = await assertRejects(
    () => bench.scheduler.submit("greet", { name: 5 }),
    ValidationError,
  );
  assertEquals(
    error.issues.map(({ path }) => path),
    [["name"]],
  );
  assertEquals(await ids(bench), []);
});

test("submit() asks an asynchronous schema", async () => {
  await using bench = new TestScheduler();
  const even = v.checkAsync(async (count: number) => count % 2 === 0, "Expected an even number");
  const task = bench.registry.register("even", {
    params: v.objectAsync({ count: v.pipeAsync(v.number(), even) }),
    run: ({ count }) => ({ half: count / 2 }),
  });
  await assertRejects(() => bench.scheduler.submit(task, { count: 3 }), ValidationError, "even");
  const { result } = await bench.scheduler.wait(await bench.scheduler.submit(task, { count: 4 }));
  assertEquals(result, { half: 2 });
});

test("submit() refuses params that are no object", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("free", { run: () => ({}) });
  for (const params of ["text", 5, true, [], [1], () => ({})]) {
    await assertRejects(
      () => bench.scheduler.submit("free", params),
      ValidationError,
      "Expected an object",
    );
  }
  assertEquals(await ids(bench), []);
});

test("submit() refuses params that JSON can't hold", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("free", { run: () => ({}) });
  const cycle: { self?: object } = {};
  cycle.self = cycle;
  for (const params of [cycle, { big: 1n }, { toJSON: () => undefined }]) {
    await assertRejects(() => bench.scheduler.submit("free", params), SerializationError);
  }
  assertEquals(await ids(bench), []);
});

test("submit() refuses params of more than maxParams bytes", async () => {
  await using bench = new TestScheduler({ maxParams: 20 });
  bench.registry.register("free", { run: () => ({}) });
  // {"text":"…"} has 11 bytes beside the text; each ä has two.
  await bench.scheduler.submit("free", { text: "123456789" });
  for (const text of ["1234567890", "ääääää"]) {
    await assertRejects(
      () => bench.scheduler.submit("free", { text }),
      ParamsTooLargeError,
      "save the data as an artifact",
    );
  }
});

test("submit() takes params of 1 MiB by default, and no more", async () => {
  await using bench = new TestScheduler();
  bench.registry.register("free", { run: () => ({}) });
  const text = "x".repeat(1024 * 1024 - '{"text":""}'.length);
  const id = await bench.scheduler.submit("free", { text });
  assertEquals((await bench.scheduler.wait(id)).status, "completed");
  await assertRejects(
    () => bench.scheduler.submit("free", { text: `${text}x` }),
    ParamsTooLargeError,
  );
});

test("submit() keeps params as they were sent, and the task gets them validated", async () => {
  await using bench = new TestScheduler();
  const seen: unknown[] = [];
  const task = bench.registry.register("typed", {
    params: v.object({
      at: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
      times: v.optional(v.number(), 3),
    }),
    run: (params) => {
      seen.push(params);
    },
  });
  const sent = { at: "2030-01-01T00:00:00.000Z", extra: true };
  const record = await bench.scheduler.wait(await bench.scheduler.submit(task, sent));
  assertEquals(record.params, sent);
  assertEquals(seen, [{ at: new Date("2030-01-01T00:00:00.000Z"), times: 3 }]);
});

test("submit() makes text of a Date in params, and has it validated as that", async () => {
  await using bench = new TestScheduler();
  const asDate = bench.registry.register("as_date", {
    params: v.object({ at: v.date() }),
    run: () => ({}),
  });
  bench.registry.register("as_text", {
    params: v.object({ at: v.pipe(v.string(), v.isoTimestamp()) }),
    run: ({ at }) => ({ year: new Date(at).getUTCFullYear() }),
  });
  const at = new Date("2031-05-06T07:08:09.000Z");
  await assertRejects(() => bench.scheduler.submit(asDate, { at }), ValidationError);
  const { params, result } = await bench.scheduler.wait(
    await bench.scheduler.submit("as_text", { at }),
  );
  assertEquals([params, result], [{ at: "2031-05-06T07:08:09.000Z" }, { year: 2031 }]);
});

test("submit() keeps what a task without params is sent, and drops it at the run", async () => {
  await using bench = new TestScheduler();
  const seen: unknown[] = [];
  bench.registry.register("free", {
    run: (params) => {
      seen.push(params);
    },
  });
  const record = await bench.scheduler.wait(await bench.scheduler.submit("free", { any: 1 }));
  assertEquals([record.params, seen], [{ any: 1 }, [{}]]);
});

test("a job whose params the schema refuses by now fails at once, whatever retries are left", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  const { scheduler, registry } = bench;
  registry.register(greet);
  const id = await scheduler.submit("greet", { name: "Alice" }, { retries: 5 });
  registry.clear();
  registry.register("greet", { params: v.object({ nom: v.string() }), run: () => ({}) });
  scheduler.maxConcurrency = 1;
  const { status, attempt, error } = await scheduler.wait(id);
  assertEquals([status, attempt], ["failed", 1]);
  assertEquals(error?.startsWith('ValidationError: The params of "greet" are not valid'), true);
});

test("a worker claims only tasks that it has registered", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const unregistered = defineTask("unregistered", { run: () => ({ late: true }) });
  registry.register(greet);
  const early = await scheduler.submit(unregistered, {}, { priority: 10 });
  await scheduler.wait(await scheduler.submit(greet));
  const { status, attempt } = await scheduler.get(early);
  assertEquals([status, attempt], ["pending", 0]);
  // Registered later, it is found with the next job.
  registry.register(unregistered);
  await scheduler.submit(greet);
  assertEquals((await scheduler.wait(early)).result, { late: true });
});

test("submit() needs no executor for a Task, and leaves the job to who has one", async () => {
  await using database = Database.sqlite(":memory:");
  await using submits = new Scheduler({ database });
  const id = await submits.submit(greet, { name: "Bob" });
  await assertRejects(() => submits.submit("greet"), TaskNotFoundError);
  assertEquals((await submits.get(id)).status, "pending");
  await using bench = new TestScheduler({ database });
  bench.registry.register(greet);
  await bench.scheduler.start();
  assertEquals((await bench.scheduler.wait(id)).result, { greeting: "Hello, Bob" });
});

test("submit() still queues after stop(), for another process", async () => {
  await using database = Database.sqlite(":memory:");
  const stopped = new TestScheduler({ database });
  stopped.registry.register(greet);
  await stopped[Symbol.asyncDispose]();
  const id = await stopped.scheduler.submit(greet);
  assertEquals((await stopped.scheduler.get(id)).status, "pending");
  await using bench = new TestScheduler({ database });
  bench.registry.register(greet);
  await bench.scheduler.start();
  assertEquals((await bench.scheduler.wait(id)).status, "completed");
});

test("start() runs what was submitted before it", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 0 });
  bench.registry.register(greet);
  const id = await bench.scheduler.submit(greet);
  await using second = new TestScheduler({ database: bench.database, registry: bench.registry });
  await Promise.all([second.scheduler.start(), second.scheduler.start()]);
  assertEquals((await second.scheduler.wait(id)).status, "completed");
});

test("submit() is injected and works from within a task", async () => {
  await using bench = new TestScheduler();
  bench.registry.register(greet);
  bench.registry.register("later", {
    inject: [Scheduler],
    run: async (_params, scheduler) => {
      assertInstanceOf(scheduler, Scheduler);
      return { job_id: await scheduler.submit(greet, { name: "Carol" }) };
    },
  });
  const result = await bench.executor.execute("later");
  const { job_id: id } = v.parse(v.object({ job_id: v.string() }), result);
  assertEquals((await bench.scheduler.wait(id)).result, { greeting: "Hello, Carol" });
});
