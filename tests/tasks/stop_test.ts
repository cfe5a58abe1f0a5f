import { test } from "bun:test";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  defineTask,
  ExecutorStoppedError,
  TaskContext,
  TimeoutError,
  token,
} from "../../lib/tasks/mod.ts";
import { RecordedTimers } from "./recorded_timers.ts";
import { TestExecutor } from "./test_executor.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

/** A task that goes on until it is let go. */
function gated(name: string) {
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const task = defineTask(name, {
    inject: [TaskContext],
    run: async () => {
      started.resolve();
      await gate.promise;
      return { ok: true };
    },
  });
  return { task, started: started.promise, open: () => gate.resolve() };
}

test("stop() resolves at once where nothing runs, and nothing can be executed afterwards", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("task", { run: () => ({ ok: true }) });
  await bench.executor.stop();
  await assertRejects(
    () => bench.executor.execute("task"),
    ExecutorStoppedError,
    '"task" can\'t run: the service is stopping',
  );
});

test("stop() waits for what is running", async () => {
  await using bench = new TestExecutor();
  const { task, started, open } = gated("slow");
  const running = bench.executor.execute(task);
  await started;
  let stopped = false;
  const stopping = bench.executor.stop({ grace: Number.POSITIVE_INFINITY }).then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(stopped, false);
  open();
  assertEquals(await running, { ok: true });
  await stopping;
});

test("stop() waits for the last one", async () => {
  await using bench = new TestExecutor();
  const quick = gated("quick");
  const slow = gated("slow");
  const first = bench.executor.execute(quick.task);
  const last = bench.executor.execute(slow.task);
  const order: string[] = [];
  const stopping = bench.executor.stop().then(() => order.push("stop"));
  quick.open();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  order.push("first");
  slow.open();
  await last;
  await stopping;
  assertEquals(order, ["first", "stop"]);
});

test("stop() leaves no timer", async () => {
  await using bench = new TestExecutor();
  using timers = new RecordedTimers();
  const { task, started, open } = gated("slow");
  const running = bench.executor.execute(task);
  await started;
  const stopping = bench.executor.stop({ grace: 60 });
  open();
  await running;
  await stopping;
  assertEquals([timers.count, timers.pending], [1, 0]);
});

test("stop() waits for tasks that inject nothing too", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const running = bench.executor.execute(defineTask("plain", { run: () => gate.promise }));
  const order: string[] = [];
  const ended = running.then(() => order.push("task"));
  const stopping = bench.executor.stop().then(() => order.push("stop"));
  gate.resolve();
  await Promise.all([ended, stopping]);
  assertEquals(order, ["task", "stop"]);
});

test("what is running may execute other tasks while stop() waits", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const inner = defineTask("inner", { run: () => ({ inner: true }) });
  const outer = defineTask("outer", {
    run: async () => {
      await gate.promise;
      return { outer: await bench.executor.execute(inner) };
    },
  });
  const running = bench.executor.execute(outer);
  const stopping = bench.executor.stop();
  gate.resolve();
  assertEquals(await running, { outer: { inner: true } });
  await stopping;
});

test("stop() interrupts what is still running after grace", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  let reason: unknown;
  const task = defineTask("hang", {
    inject: [TaskContext],
    run: (_params, { signal }) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
      });
      return new Promise<void>(() => {});
    },
  });
  const running = bench.executor.execute(task);
  const outcome = assertRejects(() => running, ExecutorStoppedError);
  await bench.executor.stop({ grace: 0.01, abortGrace: 0.01 });
  assertStrictEquals(await outcome, reason);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("stop() tells who waits for a task that nothing can interrupt, and logs how that fails later", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const running = bench.executor.execute(defineTask("plain", { run: () => gate.promise }));
  const outcome = assertRejects(
    () => running,
    ExecutorStoppedError,
    '"plain" was aborted: the service is stopping',
  );
  await bench.executor.stop({ grace: 0.01 });
  await outcome;
  const logged = bench.logger.next();
  gate.reject(new RangeError("too late"));
  assertEquals((await logged).message, "a run failed after it was left behind");
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("an interrupted run that fails by its signal is no news", async () => {
  await using bench = new TestExecutor();
  const ways = {
    with_the_reason: (signal: AbortSignal) => Promise.reject(signal.reason),
    // As what waits in node:timers and node:fs does.
    with_the_reason_as_the_cause: (signal: AbortSignal) =>
      Promise.reject(new Error("The operation was aborted", { cause: signal.reason })),
  };
  const running = Object.entries(ways).map(([name, fail]) => {
    const task = defineTask(name, {
      inject: [TaskContext],
      run: async (_params, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        await fail(signal);
      },
    });
    return assertRejects(() => bench.executor.execute(task), ExecutorStoppedError);
  });
  await bench.executor.stop({ grace: 0.01 });
  await Promise.all(running);
  assertEquals(bench.logger.messages, []);
});

test("stop() with no grace interrupts at once", async () => {
  await using bench = new TestExecutor();
  const { task, started } = gated("slow");
  const outcome = assertRejects(() => bench.executor.execute(task), ExecutorStoppedError);
  await started;
  await bench.executor.stop({ grace: 0, abortGrace: 0.01 });
  await outcome;
});

test("stop() called again waits for the same end", async () => {
  const bench = new TestExecutor();
  const { task, started, open } = gated("slow");
  let disposed = 0;
  const Value = token<AsyncDisposable>("Value");
  bench.executor.provide(Value, {
    create: () => ({
      [Symbol.asyncDispose]: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        disposed += 1;
      },
    }),
  });
  await bench.executor.execute(defineTask("use", { inject: [Value], run: () => {} }));
  const running = bench.executor.execute(task);
  await started;
  const before = performance.now();
  const stopping = Promise.all([bench.executor.stop(), bench.executor.stop({ grace: 60 })]);
  open();
  await running;
  await stopping;
  assertEquals(disposed, 1);
  await bench.executor.stop();
  assertEquals(disposed, 1);
  // None of them waited for its grace to pass.
  assertEquals(performance.now() - before < 5_000, true);
  await bench.database.close();
});

test("stop() refuses a run whose params were validated too slowly", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  let ran = false;
  const slow = {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: async (value: unknown) => {
        await gate.promise;
        return { value: value as object };
      },
    },
  } as const;
  const task = defineTask("slow", {
    params: slow,
    run: () => {
      ran = true;
    },
  });
  const refused = assertRejects(() => bench.executor.execute(task, {}), ExecutorStoppedError);
  await bench.executor.stop({ grace: 0.01, abortGrace: 0.01 });
  gate.resolve();
  await refused;
  assertEquals(ran, false);
});

for (const timeout of [0.001, 60]) {
  test(`stop() disposes singletons after what a run made of them, with a timeout of ${timeout} s`, async () => {
    const bench = new TestExecutor();
    const events: string[] = [];
    const Pool = token<Disposable>("Pool");
    const Client = token<AsyncDisposable>("Client");
    bench.executor.provide(Pool, {
      create: () => ({ [Symbol.dispose]: () => events.push("pool") }),
    });
    bench.executor.provide(Client, {
      scope: "execution",
      inject: [Pool],
      create: () => ({
        [Symbol.asyncDispose]: async () => {
          // Longer than stop() waits for functions.
          await new Promise((resolve) => setTimeout(resolve, 20));
          events.push("client");
        },
      }),
    });
    const started = Promise.withResolvers<void>();
    const run = () => {
      started.resolve();
      return new Promise<void>(() => {});
    };
    const running = bench.executor.execute(defineTask("hang", { timeout, inject: [Client], run }));
    const outcome = assertRejects(() => running);
    // It has timed out, or is stopped.
    await (timeout < 1 ? outcome : started.promise);
    await bench.executor.stop({ grace: 0, abortGrace: 0.001 });
    await outcome;
    assertEquals(events, ["client", "pool"]);
    await bench.database.close();
  });
}

test("stop() gives interrupted functions abortGrace to end, before singletons are disposed", async () => {
  const bench = new TestExecutor();
  const events: string[] = [];
  const Pool = token<Disposable>("Pool");
  bench.executor.provide(Pool, {
    create: () => ({ [Symbol.dispose]: () => events.push("pool") }),
  });
  const started = Promise.withResolvers<void>();
  const task = defineTask("tidy", {
    inject: [Pool, TaskContext],
    run: async (_params, _pool, { signal }) => {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => aborted.resolve());
      started.resolve();
      await aborted.promise;
      await new Promise((resolve) => setImmediate(resolve));
      events.push("function");
    },
  });
  const outcome = assertRejects(() => bench.executor.execute(task), ExecutorStoppedError);
  await started.promise;
  using timers = new RecordedTimers();
  await bench.executor.stop({ grace: 0, abortGrace: 60 });
  await outcome;
  assertEquals(events, ["function", "pool"]);
  assertEquals(timers.pending, 0);
  await bench.database.close();
});

test("stop() leaves a run that was interrupted before its reason", async () => {
  const bench = new TestExecutor();
  const disposing = Promise.withResolvers<void>();
  const Slow = token<AsyncDisposable>("Slow");
  bench.executor.provide(Slow, {
    scope: "execution",
    create: () => ({ [Symbol.asyncDispose]: () => disposing.promise }),
  });
  let kept: TaskContext | undefined;
  const task = defineTask("slow", {
    timeout: 0.01,
    inject: [Slow, TaskContext],
    run: (_params, _slow, context) => {
      kept = context;
      return new Promise<void>(() => {});
    },
  });
  const error = await assertRejects(() => bench.executor.execute(task), TimeoutError);
  const stopping = bench.executor.stop({ abortGrace: 0.01 });
  await new Promise((resolve) => setImmediate(resolve));
  disposing.resolve();
  await stopping;
  assertStrictEquals(kept?.signal.reason, error);
  await bench.database.close();
});

test("stop() while a singleton is made disposes it as soon as it is there", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const disposed = Promise.withResolvers<void>();
  const Slow = token<Disposable>("Slow");
  bench.executor.provide(Slow, {
    create: async () => {
      started.resolve();
      await gate.promise;
      return { [Symbol.dispose]: () => disposed.resolve() };
    },
  });
  let ran = false;
  const task = defineTask("use", {
    inject: [Slow],
    run: () => {
      ran = true;
    },
  });
  const outcome = assertRejects(() => bench.executor.execute(task), ExecutorStoppedError);
  await started.promise;
  await bench.executor.stop({ grace: 0, abortGrace: 0.01 });
  await outcome;
  gate.resolve();
  await disposed.promise;
  await rejections.settle();
  assertEquals(ran, false);
  assertEquals(rejections.reasons, []);
});

test("an executor stops at the end of await using", async () => {
  const bench = new TestExecutor();
  const task = defineTask("task", { run: () => {} });
  {
    await using executor = bench.executor;
    await executor.execute(task);
  }
  await assertRejects(() => bench.executor.execute(task), ExecutorStoppedError);
  await bench.database.close();
});
