import { test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import * as v from "valibot";
import { DatabaseBusyError } from "../../lib/storage/mod.ts";
import {
  defineTask,
  ExecutorStoppedError,
  TaskContext,
  TaskRouter,
  token,
} from "../../lib/tasks/mod.ts";
import { jsonOf, problemOf, registerGreet, TestRouter } from "./test_router.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

/** Registers a task that throws. */
function registerThrowing({ registry }: TestRouter, thrown: unknown): void {
  registry.register("throwing", { run: () => Promise.reject(thrown) });
}

test("a task that throws answers 200 with its error, and is logged", async () => {
  await using bench = new TestRouter({ traceback: false });
  const error = new RangeError("too far");
  registerThrowing(bench, error);
  assertEquals(
    await bench.execute("throwing"),
    '{"task_name":"throwing","params":{},"result":null,"error":{"type":"RangeError","message":"too far","traceback":null}}',
  );
  assertEquals(bench.logger.entries, [
    { level: "error", message: "a task failed", fields: { task: "throwing", error } },
  ]);
});

test("params that don't validate answer 200 with the issues, and are not logged", async () => {
  await using bench = new TestRouter({ traceback: false });
  bench.registry.register("strict", {
    params: v.object({ count: v.number() }),
    run: () => {},
  });
  assertEquals(
    await bench.execute("strict", '{"params":{"count":"1"}}'),
    '{"task_name":"strict","params":{"count":"1"},"result":null,"error":{"type":"ValidationError",' +
      '"message":"The params of \\"strict\\" are not valid: count: Invalid type: Expected number but received \\"1\\"",' +
      '"traceback":null,"issues":[{"path":["count"],"message":"Invalid type: Expected number but received \\"1\\""}]}}',
  );
  assertEquals(bench.logger.entries, []);
});

test("an error has a traceback, unless it is switched off", async () => {
  for (const [traceback, pattern] of [
    [true, /^Error: deep\n\s+at [\s\S]*\nCaused by: TypeError: cause\n\s+at /],
    [false, null],
  ] as const) {
    await using bench = new TestRouter({ traceback });
    registerThrowing(bench, new Error("deep", { cause: new TypeError("cause") }));
    const { error } = JSON.parse(await bench.execute("throwing"));
    if (pattern === null) assertEquals(error.traceback, null);
    else assertMatch(error.traceback, pattern);
  }
});

test("by default there is a traceback, but not with NODE_ENV=production", async () => {
  const { NODE_ENV: before } = process.env;
  try {
    for (const [environment, shown] of [
      ["development", true],
      ["test", true],
      [undefined, true],
      ["production", false],
    ] as const) {
      if (environment === undefined) delete process.env["NODE_ENV"];
      else process.env["NODE_ENV"] = environment;
      await using bench = new TestRouter();
      registerThrowing(bench, new Error("no"));
      const { error } = JSON.parse(await bench.execute("throwing"));
      assertEquals(error.traceback !== null, shown, environment);
    }
    await using forced = new TestRouter({ traceback: true });
    registerThrowing(forced, new Error("no"));
    assert(JSON.parse(await forced.execute("throwing")).error.traceback !== null);
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  }
});

test("whatever is thrown is an error of the task, never a 500", async () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const throwing = () => {
    throw new Error("a trap threw");
  };
  const hostile = new Error("hidden");
  Object.defineProperty(hostile, "message", { get: throwing });
  Object.defineProperty(hostile, "stack", { get: throwing });
  const cyclic = new Error("cyclic");
  cyclic.cause = cyclic;
  const odd: unknown[] = [
    "text",
    "",
    null,
    undefined,
    0,
    1n,
    Symbol("s"),
    () => {},
    { code: 1 },
    Object.create(null),
    revoked,
    new Proxy(new Error("hidden"), { get: throwing, getPrototypeOf: throwing }),
    hostile,
    cyclic,
    new AggregateError([new Error("a")], "many"),
    Object.assign(new Error("named"), { name: "__proto__" }),
  ];
  for (const thrown of odd) {
    await using bench = new TestRouter({ traceback: true });
    registerThrowing(bench, thrown);
    const answer = JSON.parse(await bench.execute("throwing"));
    assertEquals(Object.keys(answer), ["task_name", "params", "result", "error"]);
    assertEquals(answer.result, null);
    assertEquals(Object.keys(answer.error), ["type", "message", "traceback"]);
    assertEquals(typeof answer.error.type, "string");
    assertEquals(typeof answer.error.message, "string");
  }
});

test("a result that JSON can't hold is a SerializationError", async () => {
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  const results: object[] = [
    { big: 1n },
    cyclic,
    { toJSON: () => undefined },
    {
      toJSON: () => {
        throw new Error("not now");
      },
    },
  ];
  for (const result of results) {
    await using bench = new TestRouter({ traceback: false });
    bench.registry.register("unwritable", { run: () => result });
    const answer = JSON.parse(await bench.execute("unwritable"));
    assertEquals(answer.result, null);
    assertEquals(answer.error.type, "SerializationError");
    assertMatch(answer.error.message, /^JSON can't hold the result of "unwritable"/);
  }
});

test("what a task returns against its returns, or that is no object, is its error", async () => {
  await using bench = new TestRouter({ traceback: false });
  bench.registry.register("typed", {
    returns: v.object({ count: v.pipe(v.number(), v.minValue(1, "Too few")) }),
    run: () => ({ count: 0 }),
  });
  assertEquals(JSON.parse(await bench.execute("typed")).error, {
    type: "ResultValidationError",
    message: 'The result of "typed" is not what its returns promises: count: Too few',
    traceback: null,
    issues: [{ path: ["count"], message: "Too few" }],
  });
  bench.registry.register({ ...defineTask("text", { run: () => {} }), run: () => "text" });
  assertEquals(
    JSON.parse(await bench.execute("text")).error.message,
    '"text" returned a string; a task returns an object, or nothing',
  );
});

test("a missing provider and a time-out are errors of the task", async () => {
  await using bench = new TestRouter({ traceback: false });
  bench.registry.register("needy", { inject: [token<string>("Mailer")], run: () => {} });
  bench.registry.register("slow", { timeout: 0.01, run: () => new Promise<void>(() => {}) });
  assertEquals(JSON.parse(await bench.execute("needy")).error.type, "MissingProviderError");
  assertEquals(
    await bench.execute("slow"),
    '{"task_name":"slow","params":{},"result":null,"error":{"type":"TimeoutError","message":"\\"slow\\" was still running after 0.01 seconds","traceback":null}}',
  );
});

test("a database that another process keeps locked is 503 with Retry-After", async () => {
  await using bench = new TestRouter();
  registerThrowing(bench, new DatabaseBusyError("sqlite:app.db", 15));
  const response = await bench.post("throwing");
  assertEquals(response.headers.get("retry-after"), "1");
  assertEquals(await problemOf(response, 503), {
    type: "urn:taskmount:error:unavailable",
    title: "Service Unavailable",
    status: 503,
    detail:
      "Another process kept sqlite:app.db locked for more than 15 seconds. Nothing was written; try again, or raise busyTimeout.",
    instance: "/api/v1/tasks/throwing/$execute",
  });
});

test("an executor that has stopped is 503 with Retry-After", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  await bench.executor.stop();
  const response = await bench.post("greet");
  assertEquals(response.headers.get("retry-after"), "1");
  const { type, detail } = await problemOf(response, 503);
  assertEquals(type, "urn:taskmount:error:unavailable");
  assertEquals(detail, new ExecutorStoppedError("greet", { begun: false }).message);
});

test("complete() is a transaction around the result", async () => {
  await using bench = new TestRouter({ traceback: false });
  await bench.createEntries();
  bench.registry.register("pay", {
    params: v.object({ cents: v.number() }),
    inject: [TaskContext],
    run: ({ cents }, context) =>
      context.complete(async (tx) => {
        const db = tx.kysely<{ entries: { text: string } }>();
        await db
          .insertInto("entries")
          .values({ text: `${cents}` })
          .execute();
        if (cents < 0) throw new RangeError("negative");
        return { paid: cents };
      }),
  });
  const paid = JSON.parse(await bench.execute("pay", '{"params":{"cents":5}}'));
  const refused = JSON.parse(await bench.execute("pay", '{"params":{"cents":-5}}'));
  assertEquals([paid.result, paid.error], [{ paid: 5 }, null]);
  assertEquals([refused.result, refused.error.type], [null, "RangeError"]);
  assertEquals(await bench.entries(), ["5"]);
});

test("the signal of a task aborts when the client goes away, and nothing is left unhandled", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestRouter();
  const started = Promise.withResolvers<AbortSignal>();
  bench.registry.register("watch", {
    inject: [TaskContext],
    run: (_params, { signal }) => {
      started.resolve(signal);
      return new Promise<void>(() => {});
    },
  });
  const controller = new AbortController();
  const answering = bench.fetch("/api/v1/tasks/watch/$execute", {
    method: "POST",
    signal: controller.signal,
  });
  const signal = await started.promise;
  controller.abort();
  assert(signal.aborted);
  assertEquals((await jsonOf(await answering)).error.type, "AbortError");
  // That nobody waits any more is no failure of the task.
  assertEquals(bench.logger.entries, []);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("a task that fails by itself is logged, though the client has gone", async () => {
  await using bench = new TestRouter();
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const error = new Error("no");
  bench.registry.register("blind", {
    run: async () => {
      started.resolve();
      await gate.promise;
      throw error;
    },
  });
  const controller = new AbortController();
  const { signal } = controller;
  const path = "/api/v1/tasks/blind/$execute";
  const answering = bench.fetch(path, { method: "POST", signal });
  await started.promise;
  controller.abort();
  gate.resolve();
  await answering;
  assertEquals(
    bench.logger.entries.map(({ fields }) => fields["error"]),
    [error],
  );
});

test("what goes wrong in a handler itself is a bare 500, and logged", async () => {
  await using bench = new TestRouter();
  const error = new Error("secret");
  const broken = Object.assign(Object.create(bench.registry), {
    listByTags: () => {
      throw error;
    },
    get: () => {
      throw error;
    },
  });
  Object.defineProperty(bench.executor, "registry", { value: broken });
  const router = TaskRouter.create({ executor: bench.executor });
  const response = await router.fetch(new Request("http://localhost/api/v1/tasks"));
  assertEquals(await problemOf(response, 500), {
    type: "urn:taskmount:error:internal-error",
    title: "Internal Server Error",
    status: 500,
    detail: "The service failed to answer; its log says why",
    instance: "/api/v1/tasks",
  });
  assertEquals((await router.fetch(new Request("http://localhost/api/v1/tasks/x"))).status, 500);
  assertEquals(bench.logger.entries.length, 2);
  assertEquals(bench.logger.entries.slice(0, 1), [
    {
      level: "error",
      message: "a request failed",
      fields: { method: "GET", url: "http://localhost/api/v1/tasks", error },
    },
  ]);
});
