import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import { Session, SessionClosedError } from "../../lib/storage/mod.ts";
import { defineTask, TaskContext, TimeoutError, token } from "../../lib/tasks/mod.ts";
import { RecordedTimers } from "./recorded_timers.ts";
import { type Tables, TestExecutor } from "./test_executor.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

test("execute() answers with TimeoutError even if the function ignores its signal", async () => {
  await using bench = new TestExecutor();
  bench.registry.register("hang", { timeout: 0.02, run: () => new Promise<void>(() => {}) });
  const before = performance.now();
  await assertRejects(
    () => bench.executor.execute("hang"),
    TimeoutError,
    '"hang" was still running after 0.02 seconds',
  );
  assert(performance.now() - before >= 19);
});

test("the signal aborts with the TimeoutError that is the answer", async () => {
  await using bench = new TestExecutor();
  let reason: unknown;
  bench.registry.register("hang", {
    timeout: 0.02,
    inject: [TaskContext],
    run: (_params, { signal }) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reason = signal.reason;
          reject(signal.reason);
        });
      }),
  });
  const error = await assertRejects(() => bench.executor.execute("hang"), TimeoutError);
  assertStrictEquals(reason, error);
  assertEquals(bench.logger.entries, []);
});

test("a run that ends in time leaves no timer", async () => {
  await using bench = new TestExecutor();
  using timers = new RecordedTimers();
  const quick = defineTask("quick", { timeout: 60, run: async () => ({ ok: true }) });
  const failing = defineTask("failing", {
    timeout: 60,
    run: () => Promise.reject(new Error("no")),
  });
  assertEquals(await bench.executor.execute(quick), { ok: true });
  await assertRejects(() => bench.executor.execute(failing));
  const { signal } = new AbortController();
  await bench.executor.execute(quick, {}, { signal });
  await assertRejects(() => bench.executor.execute(quick, {}, { signal: AbortSignal.abort() }));
  assertEquals([timers.count, timers.pending], [3, 0]);
});

test("the time-out covers the factories too", async () => {
  await using bench = new TestExecutor();
  const Slow = token<string>("Slow");
  bench.executor.provide(Slow, { create: () => new Promise<string>(() => {}) });
  bench.registry.register("slow", { timeout: 0.02, inject: [Slow], run: () => {} });
  await assertRejects(() => bench.executor.execute("slow"), TimeoutError);
});

test("the time-out covers what returns awaits", async () => {
  await using bench = new TestExecutor();
  const hanging = {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: () => new Promise<never>(() => {}),
    },
  } as const;
  bench.registry.register("slow", { timeout: 0.02, returns: hanging, run: () => ({}) });
  await assertRejects(() => bench.executor.execute("slow"), TimeoutError);
});

test("after a time-out the run's session refuses, and so does its handle", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const gate = Promise.withResolvers<void>();
  const late = Promise.withResolvers<unknown[]>();
  bench.registry.register("late", {
    timeout: 0.02,
    inject: [Session],
    run: async (_params, session) => {
      const handle = session.kysely<{ entries: { text: string } }>();
      await gate.promise;
      const attempts = await Promise.allSettled([
        handle.insertInto("entries").values({ text: "late" }).execute(),
        session.transaction(() => {}),
        (async () => session.kysely())(),
      ]);
      late.resolve(
        attempts.map((attempt) => (attempt.status === "rejected" ? attempt.reason : null)),
      );
    },
  });
  await assertRejects(() => bench.executor.execute("late"), TimeoutError);
  gate.resolve();
  for (const error of await late.promise) assert(error instanceof SessionClosedError);
  assertEquals(await bench.entries(), []);
});

test("a transaction that is open at the time-out is rolled back", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  bench.registry.register("hang", {
    timeout: 0.02,
    inject: [Session],
    run: (_params, session) =>
      session.transaction(async (tx) => {
        const handle = tx.kysely<{ entries: { text: string } }>();
        await handle.insertInto("entries").values({ text: "lost" }).execute();
        await new Promise<never>(() => {});
      }),
  });
  await assertRejects(() => bench.executor.execute("hang"), TimeoutError);
  // The next writer gets its turn at once.
  await bench.database.transaction(() => {});
  assertEquals(await bench.entries(), []);
});

test("what a run throws after its time-out is logged, and no unhandled rejection", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const error = new Error("too late");
  bench.registry.register("late", {
    timeout: 0.01,
    run: async () => {
      await gate.promise;
      throw error;
    },
  });
  await assertRejects(() => bench.executor.execute("late"), TimeoutError);
  const logged = bench.logger.next();
  gate.resolve();
  const { level, message, fields } = await logged;
  assertEquals([level, message], ["warn", "a run failed after it had been interrupted"]);
  assertStrictEquals(fields["error"], error);
  assertEquals(fields["task"], "late");
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("what a run returns after its time-out is dropped", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  bench.registry.register("late", {
    timeout: 0.01,
    run: async () => {
      await gate.promise;
      return { late: true };
    },
  });
  await assertRejects(() => bench.executor.execute("late"), TimeoutError);
  gate.resolve();
  await rejections.settle();
  assertEquals(bench.logger.entries, []);
  assertEquals(rejections.reasons, []);
});

test("TimeoutError is the answer too where a function never yielded", async () => {
  await using bench = new TestExecutor();
  const task = defineTask("busy", {
    timeout: 0.01,
    run: () => {
      const end = performance.now() + 30;
      while (performance.now() < end);
      return { late: true };
    },
  });
  await assertRejects(() => bench.executor.execute(task), TimeoutError, "0.01 seconds");
});

test("the time-out and the caller's signal cover an asynchronous schema too", async () => {
  await using bench = new TestExecutor();
  const never = v.pipeAsync(
    v.object({}),
    v.checkAsync(() => new Promise<boolean>(() => {})),
  );
  const limited = defineTask("limited", { timeout: 0.02, params: never, run: () => {} });
  await assertRejects(() => bench.executor.execute(limited, {}), TimeoutError);
  const patient = defineTask("patient", { params: never, run: () => {} });
  const signal = AbortSignal.timeout(20);
  await assertRejects(() => bench.executor.execute(patient, {}, { signal }), DOMException);
});

test("complete() commits nothing after the time-out, even if its callback never yielded", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const task = defineTask("late", {
    timeout: 0.02,
    inject: [TaskContext],
    run: (_params, context) =>
      context.complete(async (tx) => {
        await tx.kysely<Tables>().insertInto("entries").values({ text: "late" }).execute();
        const end = performance.now() + 40;
        while (performance.now() < end);
        return { late: true };
      }),
  });
  await assertRejects(() => bench.executor.execute(task), TimeoutError);
  assertEquals(await bench.entries(), []);
});
