import { test } from "bun:test";
import { getEventListeners } from "node:events";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import { Session, SessionClosedError } from "../../lib/storage/mod.ts";
import { defineTask, TaskContext, TimeoutError, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

const never = () => new Promise<void>(() => {});

test("execute() rejects with the reason of its signal, even if the function ignores it", async () => {
  await using bench = new TestExecutor();
  for (const reason of [new Error("enough"), "a string", null, { code: 1 }]) {
    const controller = new AbortController();
    const started = Promise.withResolvers<void>();
    const hang = defineTask("hang", {
      run: () => {
        started.resolve();
        return never();
      },
    });
    const running = bench.executor.execute(hang, {}, { signal: controller.signal });
    await started.promise;
    controller.abort(reason);
    assertStrictEquals(await running.then(null, (error: unknown) => error), reason);
  }
});

test("execute() rejects with an AbortError where the signal has no reason of its own", async () => {
  await using bench = new TestExecutor();
  const controller = new AbortController();
  const hang = defineTask("hang", { run: never });
  const running = bench.executor.execute(hang, {}, { signal: controller.signal });
  controller.abort();
  const error = await assertRejects(() => running, DOMException);
  assertEquals(error.name, "AbortError");
});

test("execute() runs nothing where the signal has aborted before", async () => {
  await using bench = new TestExecutor();
  let ran = 0;
  const Value = token<number>("Value");
  bench.executor.provide(Value, { create: () => ++ran });
  const count = () => {
    ran += 1;
  };
  bench.registry.register("plain", { run: count });
  bench.registry.register("injecting", { inject: [Value], run: count });
  bench.registry.register("validating", { params: v.object({ value: v.number() }), run: count });
  const reason = new Error("before");
  for (const name of ["plain", "injecting", "validating"]) {
    const running = bench.executor.execute(name, {}, { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await assertRejects(() => running), reason);
  }
  assertEquals(ran, 0);
});

test("execute() makes nothing where the signal aborts while the params are validated", async () => {
  await using bench = new TestExecutor();
  const controller = new AbortController();
  let made = 0;
  const Value = token<number>("Value");
  bench.executor.provide(Value, { scope: "execution", create: () => ++made });
  const aborting = {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: async (value: unknown) => {
        controller.abort(new Error("meanwhile"));
        return { value: value as object };
      },
    },
  } as const;
  bench.registry.register("slow", { params: aborting, inject: [Value], run: () => {} });
  await assertRejects(
    () => bench.executor.execute("slow", {}, { signal: controller.signal }),
    Error,
    "meanwhile",
  );
  assertEquals(made, 0);
});

test("the context's signal aborts with the caller's reason", async () => {
  await using bench = new TestExecutor();
  const controller = new AbortController();
  const started = Promise.withResolvers<AbortSignal>();
  bench.registry.register("watch", {
    inject: [TaskContext],
    run: (_params, { signal }) => {
      started.resolve(signal);
      return never();
    },
  });
  const running = bench.executor.execute("watch", {}, { signal: controller.signal });
  const signal = await started.promise;
  assert(!signal.aborted);
  const reason = new Error("the caller left");
  controller.abort(reason);
  assert(signal.aborted);
  assertStrictEquals(signal.reason, reason);
  assertStrictEquals(await assertRejects(() => running), reason);
});

test("a signal asked for after the interruption has aborted with its reason", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const late = Promise.withResolvers<AbortSignal>();
  bench.registry.register("late", {
    timeout: 0.01,
    inject: [TaskContext],
    run: async (_params, context) => {
      await gate.promise;
      late.resolve(context.signal);
    },
  });
  const error = await assertRejects(() => bench.executor.execute("late"), TimeoutError);
  gate.resolve();
  assertStrictEquals((await late.promise).reason, error);
});

test("a signal given as a function is asked for when the task looks at its own", async () => {
  await using bench = new TestExecutor();
  const controller = new AbortController();
  let asked = 0;
  const signal = () => {
    asked += 1;
    return controller.signal;
  };
  bench.registry.register("plain", { run: () => {} });
  bench.registry.register("blind", { inject: [TaskContext, Session], timeout: 5, run: () => {} });
  bench.registry.register("watch", {
    inject: [TaskContext],
    run: (_params, context) => {
      assertStrictEquals(context.signal, context.signal);
      controller.abort(new Error("gone"));
      return never();
    },
  });
  await bench.executor.execute("plain", {}, { signal });
  await bench.executor.execute("blind", {}, { signal });
  assertEquals(asked, 0);
  await assertRejects(() => bench.executor.execute("watch", {}, { signal }), Error, "gone");
  assertEquals(asked, 1);
  // By now it has aborted, which a task that looks learns at once, and another one never.
  await assertRejects(() => bench.executor.execute("watch", {}, { signal }), Error, "gone");
  await bench.executor.execute("plain", {}, { signal });
});

test("a signal that aborts after the run has ended changes nothing", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const controller = new AbortController();
  let signal: AbortSignal | undefined;
  bench.registry.register("quick", {
    inject: [TaskContext],
    run: (_params, context) => {
      signal = context.signal;
      return { ok: true };
    },
  });
  const running = bench.executor.execute("quick", {}, { signal: controller.signal });
  assertEquals(await running, { ok: true });
  controller.abort(new Error("late"));
  assert(signal !== undefined && !signal.aborted);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("a signal that is asked for after the run has ended listens to nobody", async () => {
  await using bench = new TestExecutor();
  const { signal } = new AbortController();
  let asked = 0;
  const callerSignal = () => {
    asked += 1;
    return signal;
  };
  const task = defineTask("keep", {
    inject: [TaskContext],
    run: (_params, context) => ({ context }),
  });
  const { context } = await bench.executor.execute(task, {}, { signal: callerSignal });
  assert(!context.signal.aborted);
  assertEquals(asked, 0);
  assertEquals(getEventListeners(signal, "abort").length, 0);
});

test("a long-lived signal keeps no listener of 10,000 runs", async () => {
  await using bench = new TestExecutor();
  const { signal } = new AbortController();
  const watch = defineTask("watch", {
    inject: [TaskContext],
    run: (_params, context) => ({ aborted: context.signal.aborted }),
  });
  const plain = defineTask("plain", { run: () => {} });
  const failing = defineTask("failing", { run: () => Promise.reject(new Error("no")) });
  for (let run = 0; run < 2_500; run++) {
    await bench.executor.execute(watch, {}, { signal });
    await bench.executor.execute(watch, {}, { signal: () => signal });
    await bench.executor.execute(plain, {}, { signal });
    await bench.executor.execute(failing, {}, { signal }).catch(() => {});
  }
  assertEquals(getEventListeners(signal, "abort").length, 0);
});

test("an interrupted run keeps no listener either", async () => {
  await using bench = new TestExecutor();
  const { signal } = new AbortController();
  const slow = defineTask("slow", { timeout: 0.01, run: never });
  await assertRejects(() => bench.executor.execute(slow, {}, { signal }), TimeoutError);
  assertEquals(getEventListeners(signal, "abort").length, 0);
});

test("a session refuses after its run has ended, and so does what was made of it", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  let kept: Session | undefined;
  const keep = defineTask("keep", {
    inject: [Session],
    run: async (_params, session) => {
      kept = session;
      return { handle: session.kysely<{ entries: { text: string } }>() };
    },
  });
  const { handle } = await bench.executor.execute(keep);
  await assertRejects(
    () => handle.selectFrom("entries").selectAll().execute(),
    SessionClosedError,
    "This session ended with its run",
  );
  const session = kept;
  assert(session !== undefined);
  await assertRejects(() => session.transaction(() => {}), SessionClosedError);
});

test("what a run throws after it was aborted is logged, unless it is the reason", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  const reason = new Error("enough");
  const other = new Error("something else");
  for (const thrown of [reason, other]) {
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const task = defineTask("late", {
      run: () => {
        started.resolve();
        return gate.promise;
      },
    });
    const running = bench.executor.execute(task, {}, { signal: controller.signal });
    await started.promise;
    controller.abort(reason);
    await assertRejects(() => running, Error, "enough");
    gate.reject(thrown);
    await rejections.settle();
  }
  assertEquals(
    bench.logger.entries.map(({ fields }) => fields["error"]),
    [other],
  );
  assertEquals(rejections.reasons, []);
});
