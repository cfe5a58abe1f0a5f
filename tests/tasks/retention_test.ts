import { test } from "bun:test";
import { assert, assertRejects } from "@std/assert";
import { defineTask, TaskContext, TimeoutError, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

const RUNS = 100;

test("an executor keeps nothing of the runs that have ended, however they did", async () => {
  await using bench = new TestExecutor();
  const Value = token<AsyncDisposable>("Value");
  bench.executor.provide(Value, {
    scope: "execution",
    create: () => ({ [Symbol.asyncDispose]: async () => {} }),
  });
  const kept: WeakRef<TaskContext>[] = [];
  const { signal } = new AbortController();
  const inject = [TaskContext, Value] as const;
  const keep = (context: TaskContext) => {
    kept.push(new WeakRef(context));
    // Reading it makes the run listen to the caller's, which lives on.
    return context.signal;
  };
  const returning = defineTask("returning", {
    inject,
    run: (_params, context) => {
      keep(context);
    },
  });
  const failing = defineTask("failing", {
    inject,
    run: (_params, context) => {
      keep(context);
      throw new Error("no");
    },
  });
  const hanging = defineTask("hanging", {
    timeout: 0.001,
    inject,
    run: (_params, context) => {
      keep(context);
      return new Promise<void>(() => {});
    },
  });
  for (let run = 0; run < RUNS; run++) {
    await bench.executor.execute(returning, {}, { signal });
    await assertRejects(() => bench.executor.execute(failing, {}, { signal }), Error, "no");
    await assertRejects(() => bench.executor.execute(hanging, {}, { signal }), TimeoutError);
  }
  await new Promise((resolve) => setImmediate(resolve));
  Bun.gc(true);
  const left = kept.filter((reference) => reference.deref() !== undefined).length;
  // The collector may still see a few on the stack.
  assert(left < RUNS / 2, `${left} of ${kept.length} are left`);
});
