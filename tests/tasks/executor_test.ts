import { test } from "bun:test";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import {
  defineTask,
  InvalidResultError,
  ResultValidationError,
  TaskNotFoundError,
  ValidationError,
} from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

test("execute() resolves to the result of a sync and of an async task", async () => {
  await using bench = new TestExecutor();
  const params = v.object({ value: v.number() });
  bench.registry.register("sync", { params, run: ({ value }) => ({ doubled: value * 2 }) });
  bench.registry.register("async", {
    params,
    run: async ({ value }) => {
      await Promise.resolve();
      return { doubled: value * 2 };
    },
  });
  assertEquals(await bench.executor.execute("sync", { value: 2 }), { doubled: 4 });
  assertEquals(await bench.executor.execute("async", { value: 3 }), { doubled: 6 });
});

test("execute() awaits whatever has a then, as await does", async () => {
  await using bench = new TestExecutor();
  const result = { id: 1 };
  // biome-ignore lint/suspicious/noThenProperty: query builders are such objects
  const thenable = { then: (resolve: (value: object) => void) => resolve(result) };
  const task = defineTask("thenable", { run: () => thenable as unknown as typeof result });
  assertStrictEquals(await bench.executor.execute(task), result);
});

test("execute() takes a task by itself, registered or not", async () => {
  await using bench = new TestExecutor();
  const double = defineTask("double", {
    params: v.object({ value: v.number() }),
    run: ({ value }) => ({ doubled: value * 2 }),
  });
  assertEquals((await bench.executor.execute(double, { value: 2 })).doubled, 4);
  bench.registry.register(double);
  assertEquals((await bench.executor.execute(double, { value: 3 })).doubled, 6);
});

test("execute() rejects with TaskNotFoundError for an unknown name", async () => {
  await using bench = new TestExecutor();
  for (const name of ["missing", "", "constructor", "__proto__"]) {
    const error = await assertRejects(() => bench.executor.execute(name), TaskNotFoundError);
    assertEquals(error.message, `No task is registered as "${name}"`);
  }
});

test("execute() rejects with the task's own error", async () => {
  await using bench = new TestExecutor();
  const error = new RangeError("too far");
  bench.registry.register("sync", {
    run: () => {
      throw error;
    },
  });
  bench.registry.register("async", { run: () => Promise.reject(error) });
  for (const name of ["sync", "async"]) {
    assertStrictEquals(await assertRejects(() => bench.executor.execute(name)), error);
  }
});

test("execute() rejects with whatever a task throws", async () => {
  await using bench = new TestExecutor();
  for (const thrown of ["text", null, undefined, 0, { code: 1 }]) {
    const task = defineTask("odd", { run: () => Promise.reject(thrown) });
    const caught = await bench.executor.execute(task).then(
      () => "nothing was thrown",
      (error: unknown) => error,
    );
    assertEquals(caught, thrown);
  }
});

test("execute() resolves to an object, an array, null or undefined as they are", async () => {
  await using bench = new TestExecutor();
  for (const result of [{}, [1, 2], [], null, undefined, new Map(), new Date(0)]) {
    assertStrictEquals(
      await bench.executor.execute(defineTask("any", { run: () => result })),
      result,
    );
  }
});

test("execute() refuses a result that is no object", async () => {
  await using bench = new TestExecutor();
  for (const result of ["text", 1, true, 1n, Symbol("s"), () => {}]) {
    // Callers without types may return anything.
    const task = { ...defineTask("bad", { run: () => {} }), run: () => result };
    const error = await assertRejects(() => bench.executor.execute(task), InvalidResultError);
    assertEquals(
      error.message,
      `"bad" returned a ${typeof result}; a task returns an object, or nothing`,
    );
  }
});

test("a task without params takes none: run gets {} and what is sent is dropped", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("none", { run: (params) => ({ params }) });
  for (const sent of [undefined, null, {}, { a: 1 }, [1], "text", { toString: "x" }]) {
    assertEquals(await bench.executor.execute("none", sent), { params: {} });
  }
});

test("params left out, undefined or null are an empty object", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("greet", {
    params: v.object({ name: v.optional(v.string(), "World") }),
    run: ({ name }) => ({ name }),
  });
  assertEquals(await bench.executor.execute("greet"), { name: "World" });
  assertEquals(await bench.executor.execute("greet", undefined), { name: "World" });
  assertEquals(await bench.executor.execute("greet", null), { name: "World" });
});

test("run gets what the schema makes of the params, whatever the library", async () => {
  await using bench = new TestExecutor();
  const schemas = [
    v.object({ count: v.pipe(v.string(), v.transform(Number)) }),
    z.object({ count: z.string().transform(Number) }),
    type({ count: type("string").pipe(Number), "+": "delete" }),
  ] as const;
  for (const params of schemas) {
    const task = defineTask("count", {
      params: params as (typeof schemas)[0],
      run: (given) => ({ given }),
    });
    const sent = { count: "3", extra: true };
    assertEquals(await bench.executor.execute(task, sent), { given: { count: 3 } });
    assertEquals(sent, { count: "3", extra: true });
  }
});

test("run gets what an asynchronous schema makes of the params", async () => {
  await using bench = new TestExecutor();
  const task = defineTask("slow", {
    params: v.objectAsync({
      count: v.pipeAsync(
        v.number(),
        v.checkAsync(async (count) => count < 10, "Too many"),
        v.transformAsync(async (count) => count + 1),
      ),
    }),
    run: ({ count }) => ({ count }),
  });
  assertEquals(await bench.executor.execute(task, { count: 1 }), { count: 2 });
  await assertRejects(
    () => bench.executor.execute(task, { count: 10 }),
    ValidationError,
    "Too many",
  );
});

test("execute() rejects with ValidationError, which has every issue, and runs nothing", async () => {
  await using bench = new TestExecutor();
  let ran = false;
  bench.registry.register("strict", {
    params: v.object({ items: v.array(v.object({ id: v.string() })), count: v.number() }),
    run: () => {
      ran = true;
    },
  });
  const error = await assertRejects(
    () => bench.executor.execute("strict", { items: [{ id: "a" }, { id: 1 }] }),
    ValidationError,
  );
  assertEquals(error.name, "ValidationError");
  assertEquals(
    error.message,
    'The params of "strict" are not valid: items.1.id: Invalid type: Expected string but received 1 (and 1 more)',
  );
  assertEquals(
    error.issues.map(({ path }) => path),
    [["items", 1, "id"], ["count"]],
  );
  assertEquals(ran, false);
});

test("a schema that throws fails the run with its error", async () => {
  await using bench = new TestExecutor();
  const task = defineTask("broken", {
    params: v.pipe(
      v.object({}),
      v.check(() => {
        throw new Error("schema bug");
      }),
    ),
    run: () => {},
  });
  await assertRejects(() => bench.executor.execute(task, {}), Error, "schema bug");
});

test("the result is validated by returns, and is what returns makes of it", async () => {
  await using bench = new TestExecutor();
  const task = defineTask("count", {
    params: v.object({ text: v.string() }),
    returns: v.object({
      count: v.pipe(v.string(), v.regex(/^\d+$/, "Not digits"), v.transform(Number)),
    }),
    run: ({ text }) => ({ count: text, secret: "dropped" }),
  });
  assertEquals(await bench.executor.execute(task, { text: "12" }), { count: 12 });
  const error = await assertRejects(
    () => bench.executor.execute(task, { text: "x" }),
    ResultValidationError,
    'The result of "count" is not what its returns promises: count: Not digits',
  );
  assertEquals(error.issues, [{ path: ["count"], message: "Not digits" }]);
});

test("returns may be asynchronous, and refuses nothing where it asks for something", async () => {
  await using bench = new TestExecutor();
  const returns = v.objectAsync({
    count: v.pipeAsync(
      v.number(),
      v.checkAsync(async (count) => count > 0, "Not positive"),
    ),
  });
  const run = ({ count }: { count: number }) => ({ count });
  const params = v.object({ count: v.number() });
  const task = defineTask("later", { params, returns, run });
  assertEquals(await bench.executor.execute(task, { count: 1 }), { count: 1 });
  await assertRejects(
    () => bench.executor.execute(task, { count: 0 }),
    ResultValidationError,
    "Not positive",
  );
  const nothing = { ...task, run: () => undefined };
  await assertRejects(() => bench.executor.execute(nothing, { count: 1 }), ResultValidationError);
});

test("names that every object inherits are parameters like any other", async () => {
  await using bench = new TestExecutor();
  const schemas = [
    v.object({
      constructor: v.optional(v.string(), "c"),
      toString: v.optional(v.string(), "t"),
      hasOwnProperty: v.optional(v.number()),
    }),
    z.object({
      constructor: z.string().default("c"),
      toString: z.string().default("t"),
      hasOwnProperty: z.number().optional(),
    }),
    type({
      constructor: "string = 'c'",
      toString: "string = 't'",
      "hasOwnProperty?": "number",
    }),
  ] as const;
  for (const params of schemas) {
    const task = defineTask("inherited", {
      params: params as (typeof schemas)[0],
      run: (given): object => ({ given: { ...given } }),
    });
    for (const sent of [{}, null, undefined]) {
      assertEquals(await bench.executor.execute(task, sent as never), {
        given: { constructor: "c", toString: "t" },
      });
    }
    const sent = { constructor: "x", toString: "y", hasOwnProperty: 1 };
    assertEquals(await bench.executor.execute(task, sent), { given: sent });
  }
});

test("params that are an instance of a class reach the schema as they are", async () => {
  await using bench = new TestExecutor();
  class Point {
    readonly #x = 1;
    get x(): number {
      return this.#x;
    }
  }
  bench.registry.register("point", {
    params: v.object({ x: v.number() }),
    run: ({ x }) => ({ x }),
  });
  assertEquals(await bench.executor.execute("point", new Point()), { x: 1 });
  bench.registry.register("named", {
    params: v.object({ x: v.number(), toString: v.optional(v.function()) }),
    run: ({ x }) => ({ x }),
  });
  assertEquals(await bench.executor.execute("named", new Point()), { x: 1 });
});

test("a task may execute another one", async () => {
  await using bench = new TestExecutor();
  const inner = defineTask("inner", { run: () => ({ inner: true }) });
  bench.registry.register("outer", {
    run: async () => ({ outer: await bench.executor.execute(inner) }),
  });
  assertEquals(await bench.executor.execute("outer"), { outer: { inner: true } });
});
