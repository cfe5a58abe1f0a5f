import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { defineTask, TaskContext, TimeoutError, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";
import { TrackedExecutor } from "./tracked_executor.ts";

test("an interrupted run's values are disposed at once, after its signal has aborted", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A");
  bench.registry.register("hang", {
    timeout: 0.01,
    inject: [A, TaskContext],
    run: async (_params, _a, { signal }) => {
      signal.addEventListener("abort", () => bench.events.push("abort"));
      await new Promise<never>(() => {});
    },
  });
  await assertRejects(() => bench.executor.execute("hang"), TimeoutError);
  assertEquals(bench.events, ["make A", "abort", "dispose A"]);
});

test("what a factory makes for a run that was interrupted meanwhile is disposed", async () => {
  await using bench = new TrackedExecutor();
  const gate = Promise.withResolvers<void>();
  const disposed = Promise.withResolvers<void>();
  const Slow = token<Disposable>("Slow");
  bench.executor.provide(Slow, {
    scope: "execution",
    create: async () => {
      await gate.promise;
      bench.events.push("make Slow");
      return {
        [Symbol.dispose]: () => {
          bench.events.push("dispose Slow");
          disposed.resolve();
        },
      };
    },
  });
  const NeedsSlow = bench.provide("NeedsSlow", { inject: [Slow] });
  const Later = bench.provide("Later");
  const LaterSingleton = bench.provide("LaterSingleton", { scope: "singleton" });
  bench.registry.register("slow", {
    timeout: 0.01,
    inject: [NeedsSlow, LaterSingleton, Later],
    run: () => {
      bench.events.push("run");
    },
  });
  await assertRejects(() => bench.executor.execute("slow"), TimeoutError);
  gate.resolve();
  await disposed.promise;
  await bench.executor.stop();
  // Neither is anything more made for it, nor is it called.
  assertEquals(bench.events, ["make Slow", "dispose Slow"]);
  assertEquals(bench.logger.entries, []);
});

test("nothing is made for a run that was interrupted while a singleton was made for it", async () => {
  await using bench = new TrackedExecutor();
  const gate = Promise.withResolvers<void>();
  const Slow = token<string>("Slow");
  const made = Promise.withResolvers<void>();
  bench.executor.provide(Slow, {
    create: async () => {
      await gate.promise;
      made.resolve();
      return "slow";
    },
  });
  const Later = bench.provide("Later", { scope: "singleton" });
  const task = defineTask("slow", { timeout: 0.01, inject: [Slow, Later], run: () => {} });
  await assertRejects(() => bench.executor.execute(task), TimeoutError);
  gate.resolve();
  await made.promise;
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(bench.events, []);
});

test("a run that is interrupted while it is disposed answers so, and disposes once", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const controller = new AbortController();
  let disposed = 0;
  const Slow = token<AsyncDisposable>("Slow");
  bench.executor.provide(Slow, {
    scope: "execution",
    create: () => ({
      [Symbol.asyncDispose]: async () => {
        disposed += 1;
        controller.abort(new Error("enough"));
        await gate.promise;
        throw new Error("Slow is stuck");
      },
    }),
  });
  bench.registry.register("use", { inject: [Slow], run: () => ({ ok: true }) });
  const { signal } = controller;
  await assertRejects(() => bench.executor.execute("use", {}, { signal }), Error, "enough");
  const logged = bench.logger.next();
  gate.resolve();
  const { message, fields } = await logged;
  assertEquals(message, "could not dispose what an interrupted run used");
  assertEquals((fields["error"] as Error).message, "Slow is stuck");
  assertEquals(disposed, 1);
  assertEquals(bench.logger.entries.length, 1);
});

test("a run that has failed and is interrupted while it is disposed logs both, each once", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const controller = new AbortController();
  const Slow = token<AsyncDisposable>("Slow");
  bench.executor.provide(Slow, {
    scope: "execution",
    create: () => ({
      [Symbol.asyncDispose]: async () => {
        controller.abort(new Error("enough"));
        await gate.promise;
        throw new Error("Slow is stuck");
      },
    }),
  });
  bench.registry.register("fail", {
    inject: [Slow],
    run: () => {
      throw new Error("no luck");
    },
  });
  const { signal } = controller;
  await assertRejects(() => bench.executor.execute("fail", {}, { signal }), Error, "enough");
  gate.resolve();
  while (bench.logger.entries.length < 2) await bench.logger.next();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(bench.logger.messages.sort(), [
    "a run failed after it had been interrupted",
    "could not dispose what an interrupted run used",
  ]);
});

test("an interruption doesn't end the making of a singleton that others wait for", async () => {
  await using bench = new TrackedExecutor();
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const A = bench.provide("A", { scope: "singleton" });
  const Slow = token<string>("Slow");
  bench.executor.provide(Slow, {
    inject: [A],
    create: async () => {
      started.resolve();
      await gate.promise;
      return "slow";
    },
  });
  bench.registry.register("use", { inject: [Slow], run: (_params, slow) => ({ slow }) });
  const controller = new AbortController();
  const first = bench.executor.execute("use", {}, { signal: controller.signal });
  await started.promise;
  const second = bench.executor.execute("use");
  controller.abort(new Error("enough"));
  await assertRejects(() => first, Error, "enough");
  gate.resolve();
  assertEquals(await second, { slow: "slow" });
  assert(!bench.events.includes("dispose A"));
});
