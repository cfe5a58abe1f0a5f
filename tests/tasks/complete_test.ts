import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import {
  type Database,
  NestedWriteError,
  Session,
  SessionClosedError,
} from "../../lib/storage/mod.ts";
import {
  AlreadyCompletedError,
  defineTask,
  InvalidResultError,
  ResultValidationError,
  TaskContext,
  token,
} from "../../lib/tasks/mod.ts";
import { type Tables, TestExecutor } from "./test_executor.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

async function insert(on: Session | Database, text: string): Promise<void> {
  await on.kysely<Tables>().insertInto("entries").values({ text }).execute();
}

/** A bench with the table `entries`. */
async function createBench(): Promise<TestExecutor> {
  const bench = new TestExecutor();
  await bench.createEntries();
  return bench;
}

/** A task that does `use` with its context and its session. */
function completing<R extends object | undefined>(
  use: (context: TaskContext, session: Session) => R | Promise<R>,
) {
  return defineTask("completing", {
    inject: [TaskContext, Session],
    run: (_params, context, session) => use(context, session),
  });
}

test("complete() commits its writes, and its value is the run's result", async () => {
  await using bench = await createBench();
  const task = completing(async (context): Promise<object | undefined> => {
    const value = await context.complete(async (tx) => {
      await insert(tx, "paid");
      assertEquals(await bench.entries(), []);
      return { paid: true };
    });
    assertEquals(value, { paid: true });
    assertEquals(await bench.entries(), ["paid"]);
    return undefined;
  });
  assertEquals(await bench.executor.execute(task), { paid: true });
  assertEquals(await bench.entries(), ["paid"]);
  assertEquals(bench.logger.entries, []);
});

test("complete() takes a function that is not async, and one that returns nothing", async () => {
  await using bench = await createBench();
  const sync = completing((context) => context.complete(() => ({ ok: true })));
  assertEquals(await bench.executor.execute(sync), { ok: true });
  const nothing = completing(async (context): Promise<undefined> => {
    await context.complete((tx) => insert(tx, "x"));
  });
  assertEquals(await bench.executor.execute(nothing), undefined);
  assertEquals(await bench.entries(), ["x"]);
});

test("complete() rolls back when its function throws", async () => {
  await using bench = await createBench();
  const task = completing((context) =>
    context.complete(async (tx) => {
      await insert(tx, "lost");
      throw new RangeError("no");
    }),
  );
  await assertRejects(() => bench.executor.execute(task), RangeError, "no");
  assertEquals(await bench.entries(), []);
  assertEquals(bench.logger.entries, []);
});

test("complete() rolls back when returns refuses its value", async () => {
  await using bench = await createBench();
  const task = defineTask("typed", {
    inject: [TaskContext],
    returns: v.object({ cents: v.pipe(v.number(), v.minValue(1, "Nothing to pay")) }),
    run: (_params, context) =>
      context.complete(async (tx) => {
        await insert(tx, "lost");
        return { cents: 0 };
      }),
  });
  await assertRejects(() => bench.executor.execute(task), ResultValidationError, "Nothing to pay");
  assertEquals(await bench.entries(), []);
});

test("complete() rolls back when its value is no object", async () => {
  await using bench = await createBench();
  const task = completing((context) =>
    context.complete(async (tx) => {
      await insert(tx, "lost");
      // Callers without types may return anything.
      return "text" as unknown as object;
    }),
  );
  await assertRejects(() => bench.executor.execute(task), InvalidResultError);
  assertEquals(await bench.entries(), []);
});

test("the result is what returns makes of complete()'s value, also asynchronously", async () => {
  await using bench = await createBench();
  const toDollars = v.transformAsync(async (cents: number) => cents / 100);
  const task = defineTask("typed", {
    inject: [TaskContext],
    returns: v.objectAsync({ paid: v.pipeAsync(v.number(), toDollars) }),
    run: async (_params, context) => {
      const value = await context.complete(() => ({ paid: 250 }));
      assertEquals(value, { paid: 250 });
      return value;
    },
  });
  assertEquals(await bench.executor.execute(task), { paid: 2.5 });
  assertEquals(bench.logger.entries, []);
});

test("complete() throws when it is called a second time", async () => {
  await using bench = await createBench();
  const task = completing(async (context): Promise<undefined> => {
    await context.complete(() => ({ first: true }));
    await assertRejects(
      () => context.complete((tx) => insert(tx, "lost")),
      AlreadyCompletedError,
      '"completing" has called complete() already; a run completes once',
    );
  });
  assertEquals(await bench.executor.execute(task), { first: true });
  assertEquals(await bench.entries(), []);
});

test("complete() throws when it is called again while it runs, or after it failed", async () => {
  await using bench = await createBench();
  const task = completing(async (context) => {
    const first = context.complete((tx) => insert(tx, "first"));
    await assertRejects(() => context.complete(() => ({})), AlreadyCompletedError);
    await first;
    return undefined;
  });
  assertEquals(await bench.executor.execute(task), undefined);
  const failing = completing(async (context) => {
    await assertRejects(() => context.complete(() => Promise.reject(new Error("no"))), Error, "no");
    await assertRejects(() => context.complete(() => ({})), AlreadyCompletedError);
    return { fallback: true };
  });
  assertEquals(await bench.executor.execute(failing), { fallback: true });
  assertEquals(await bench.entries(), ["first"]);
});

test("what a run throws after complete() is only logged", async () => {
  await using bench = await createBench();
  const error = new Error("too late");
  const task = completing(async (context): Promise<object> => {
    await context.complete((tx) => insert(tx, "kept"));
    throw error;
  });
  assertEquals(await bench.executor.execute(task), undefined);
  const [entry] = bench.logger.entries;
  assertEquals([entry?.level, entry?.message], ["error", "the run failed after it had completed"]);
  assertStrictEquals(entry?.fields["error"], error);
  assertEquals(await bench.entries(), ["kept"]);
});

test("what a run returns after complete() is only logged, where it is another result", async () => {
  await using bench = await createBench();
  const task = completing(async (context): Promise<object> => {
    await context.complete(() => ({ first: true }));
    return { second: true };
  });
  assertEquals(await bench.executor.execute(task), { first: true });
  assertEquals(bench.logger.messages, [
    "the run returned another result than it had completed with",
  ]);
});

test("a complete() that nobody awaited still decides", async () => {
  using rejections = new UnhandledRejections();
  await using bench = await createBench();
  const task = completing((context): object => {
    void context.complete(async (tx) => {
      await insert(tx, "kept");
      return { completed: true };
    });
    return { returned: true };
  });
  assertEquals(await bench.executor.execute(task), { completed: true });
  assertEquals(await bench.entries(), ["kept"]);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("a complete() that fails unawaited is logged, and no unhandled rejection", async () => {
  using rejections = new UnhandledRejections();
  await using bench = await createBench();
  const error = new Error("no");
  const task = completing(async (context) => {
    void context.complete(() => Promise.reject(error));
    // Long enough for an unhandled rejection to be reported.
    await rejections.settle();
    return { returned: true };
  });
  assertEquals(await bench.executor.execute(task), { returned: true });
  const [entry] = bench.logger.entries;
  assertEquals(entry?.message, "the run went on although its complete() had failed");
  assertStrictEquals(entry?.fields["error"], error);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("a write that bypasses complete()'s transaction is refused at once", async () => {
  await using bench = await createBench();
  const task = completing((context, session) =>
    context.complete(async (tx) => {
      await insert(tx, "kept");
      await assertRejects(() => insert(session, "bypass"), NestedWriteError);
      await assertRejects(() => insert(bench.database, "bypass"), NestedWriteError);
      await assertRejects(() => session.transaction(() => {}), NestedWriteError);
      return { ok: true };
    }),
  );
  assertEquals(await bench.executor.execute(task), { ok: true });
  assertEquals(await bench.entries(), ["kept"]);
});

test("complete() inside a transaction of the run is refused at once", async () => {
  await using bench = await createBench();
  const task = completing((context, session) =>
    session.transaction(async (tx) => {
      await insert(tx, "kept");
      await assertRejects(() => context.complete(() => ({})), NestedWriteError);
      return { ok: true };
    }),
  );
  assertEquals(await bench.executor.execute(task), { ok: true });
  assertEquals(await bench.entries(), ["kept"]);
});

test("progress() and log() go on while complete()'s transaction is open", async () => {
  await using bench = await createBench();
  const task = completing((context) =>
    context.complete(async (tx) => {
      await insert(tx, "kept");
      context.progress(0.9);
      context.log("nearly there");
      return {};
    }),
  );
  await bench.executor.execute(task);
  assertEquals(bench.logger.messages, ["progress", "nearly there"]);
});

test("complete() after its run has returned is refused, though the run hasn't ended", async () => {
  await using bench = await createBench();
  const Unit = token<AsyncDisposable>("Unit");
  const refused = Promise.withResolvers<unknown>();
  bench.executor.provide(Unit, {
    scope: "execution",
    inject: [TaskContext],
    create: (context) => ({
      [Symbol.asyncDispose]: async () => {
        refused.resolve(
          await context.complete((tx) => insert(tx, "lost")).catch((e: unknown) => e),
        );
      },
    }),
  });
  const task = defineTask("use", { inject: [Unit], run: () => ({ returned: true }) });
  assertEquals(await bench.executor.execute(task), { returned: true });
  assert((await refused.promise) instanceof SessionClosedError);
  assertEquals(await bench.entries(), []);
});

test("a context that is not injected completes nothing in another run", async () => {
  await using bench = await createBench();
  const outer = completing(async (context) => {
    const inner = completing((own) => own.complete((tx) => insert(tx, "inner")) as Promise<never>);
    await bench.executor.execute(inner);
    return await context.complete(async (tx) => {
      await insert(tx, "outer");
      return { outer: true };
    });
  });
  assertEquals(await bench.executor.execute(outer), { outer: true });
  assertEquals(await bench.entries(), ["inner", "outer"]);
});
