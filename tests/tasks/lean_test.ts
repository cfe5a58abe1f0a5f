import { test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { Session } from "../../lib/storage/mod.ts";
import { defineTask, type Task, TaskContext, TaskRouter } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

/** Counts what is made during `use`. */
async function countMade(bench: TestExecutor, use: () => Promise<unknown>): Promise<string[]> {
  const made: string[] = [];
  const spies = [
    spy(globalThis, "AbortController", "signal"),
    spy(crypto, "randomUUID", "id"),
    spy(globalThis, "setTimeout", "timer"),
    spy(bench.database, "session", "session"),
    // Each run that is more than a call makes one for its outcome.
    spy(Promise, "withResolvers", "execution"),
    spy(AsyncLocalStorage.prototype, "run", "storage"),
    spy(AbortSignal.prototype, "addEventListener", "listener"),
  ];
  try {
    await use();
  } finally {
    for (const restore of spies) restore();
  }
  return made.sort();

  function spy<T extends object>(owner: T, key: keyof T, what: string): () => void {
    const original = owner[key];
    if (typeof original !== "function") throw new TypeError(`${String(key)} is no function`);
    const own = Object.hasOwn(owner, key);
    const counting = new Proxy(original, {
      apply: (target, self, args) => {
        made.push(what);
        return Reflect.apply(target, self, args);
      },
      construct: (target, args) => {
        made.push(what);
        return Reflect.construct(target, args);
      },
    });
    Object.defineProperty(owner, key, { value: counting, configurable: true, writable: true });
    return () => {
      if (own)
        Object.defineProperty(owner, key, { value: original, configurable: true, writable: true });
      else Reflect.deleteProperty(owner, key);
    };
  }
}

const params = v.object({ value: v.number() });

test("a task that injects nothing makes no session, signal, id, timer or execution", async () => {
  await using bench = new TestExecutor();
  const plain = defineTask("plain", { params, run: async ({ value }) => ({ value }) });
  const made = await countMade(bench, () => bench.executor.execute(plain, { value: 1 }));
  assertEquals(made, []);
});

test("over HTTP neither, and the request's signal isn't looked at", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("plain", { params, run: ({ value }) => ({ value }) });
  const router = TaskRouter.create({ executor: bench.executor });
  const request = new Request("http://localhost/api/v1/tasks/plain/$execute", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"params":{"value":1}}',
  });
  let looked = 0;
  const { signal } = request;
  Object.defineProperty(request, "signal", {
    get: () => {
      looked += 1;
      return signal;
    },
  });
  assertEquals(await countMade(bench, () => router.fetch(request)), []);
  assertEquals(looked, 0);
});

test("what a task asks for is made, and nothing else", async () => {
  await using bench = new TestExecutor();
  const cases: [Task, string[]][] = [
    [defineTask("session", { inject: [Session], run: () => {} }), ["execution", "session"]],
    [defineTask("context", { inject: [TaskContext], run: () => {} }), ["execution"]],
    [
      defineTask("signal", { inject: [TaskContext], run: (_params, { signal }) => ({ signal }) }),
      ["execution", "signal"],
    ],
    [
      defineTask("id", {
        inject: [TaskContext],
        run: (_params, { executionId }) => ({ executionId }),
      }),
      ["execution", "id"],
    ],
    [defineTask("timeout", { timeout: 5, run: () => {} }), ["execution", "timer"]],
  ];
  for (const [task, expected] of cases) {
    assertEquals(
      await countMade(bench, () => bench.executor.execute(task, {})),
      expected,
      task.name,
    );
  }
});
