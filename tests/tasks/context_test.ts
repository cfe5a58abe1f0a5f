import { test } from "bun:test";
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { defineTask, type Logger, TaskContext } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

/** A task that does `use` with its context. */
function contextTask<R extends object | undefined>(use: (context: TaskContext) => R | Promise<R>) {
  return defineTask("contextual", {
    inject: [TaskContext],
    run: (_params, context) => use(context),
  });
}

test("a context tells the task's name, attempt 1 and no job", async () => {
  await using bench = new TestExecutor();
  const task = contextTask(({ taskName, attempt, jobId, principal }) => ({
    taskName,
    attempt,
    jobId,
    principal,
  }));
  assertEquals(await bench.executor.execute(task), {
    taskName: "contextual",
    attempt: 1,
    jobId: null,
    principal: null,
  });
});

test("a context has a UUID of its run alone, always the same", async () => {
  await using bench = new TestExecutor();
  const task = contextTask((context) => {
    assertEquals(context.executionId, context.executionId);
    return { id: context.executionId };
  });
  const ids = new Set<string>();
  for (let run = 0; run < 100; run++) ids.add((await bench.executor.execute(task)).id);
  assertEquals(ids.size, 100);
  for (const id of ids) {
    assertMatch(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("a context tells who asked for the run", async () => {
  await using bench = new TestExecutor();
  const principal = { name: "alice", scopes: ["tasks:execute"] };
  const task = contextTask((context) => ({ principal: context.principal }));
  const result = await bench.executor.execute(task, {}, { principal });
  assertStrictEquals(result.principal, principal);
});

test("a context's logger carries the task and the run with each line", async () => {
  await using bench = new TestExecutor();
  const levels = ["debug", "info", "warn", "error"] as const satisfies (keyof Logger)[];
  const task = contextTask((context) => {
    for (const level of levels) context.logger[level](`at ${level}`, { level });
    context.logger.info("without fields");
    assertStrictEquals(context.logger, context.logger);
    return { id: context.executionId };
  });
  const { id } = await bench.executor.execute(task);
  const fields = { task: "contextual", execution: id };
  assertEquals(bench.logger.entries, [
    ...levels.map((level) => ({ level, message: `at ${level}`, fields: { ...fields, level } })),
    { level: "info", message: "without fields", fields },
  ]);
});

test("outside a job, progress() and log() go to the logger", async () => {
  await using bench = new TestExecutor();
  const task = contextTask((context) => {
    context.progress(0);
    context.progress(0.5, "half done");
    context.progress(1);
    context.log("a line");
    return { id: context.executionId };
  });
  const { id: execution } = await bench.executor.execute(task);
  const fields = { task: "contextual", execution };
  assertEquals(bench.logger.entries, [
    { level: "info", message: "progress", fields: { ...fields, fraction: 0 } },
    {
      level: "info",
      message: "progress",
      fields: { ...fields, fraction: 0.5, message: "half done" },
    },
    { level: "info", message: "progress", fields: { ...fields, fraction: 1 } },
    { level: "info", message: "a line", fields },
  ]);
});

test("progress() refuses what is no fraction from 0 to 1", async () => {
  await using bench = new TestExecutor();
  const wrong = [-0.001, 1.001, 50, Number.NaN, Number.POSITIVE_INFINITY, undefined, "half"];
  const task = contextTask((context) => {
    for (const fraction of wrong) {
      assertThrows(
        () => Reflect.apply(context.progress, context, [fraction]),
        RangeError,
        `Cannot tell ${fraction} as progress: it goes from 0 to 1`,
      );
    }
    return {};
  });
  await bench.executor.execute(task);
  assertEquals(bench.logger.entries, []);
});

test("a context's signal is always the same, and has not aborted", async () => {
  await using bench = new TestExecutor();
  const task = contextTask((context) => ({ one: context.signal, two: context.signal }));
  const { one, two } = await bench.executor.execute(task);
  assertStrictEquals(one, two);
  assert(!one.aborted);
});

test("what a context has may be taken out of it", async () => {
  await using bench = new TestExecutor();
  const task = contextTask(async ({ progress, log, complete, signal }) => {
    progress(0.5);
    log("a line");
    return await complete(() => ({ aborted: signal.aborted }));
  });
  assertEquals(await bench.executor.execute(task), { aborted: false });
  assertEquals(bench.logger.messages, ["progress", "a line"]);
});

test("a context whose run has ended can't complete it any more", async () => {
  await using bench = new TestExecutor();
  const task = contextTask((context) => ({ context }));
  const { context } = await bench.executor.execute(task);
  let called = false;
  const complete = () =>
    context.complete(() => {
      called = true;
    });
  await assertRejects(complete, Error, "This session ended with its run");
  assertEquals(called, false);
});
