import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SessionClosedError } from "../../lib/storage/mod.ts";
import { defineTask, TaskContext, TimeoutError } from "../../lib/tasks/mod.ts";
import { type Tables, TestExecutor } from "./test_executor.ts";
import { UnhandledRejections } from "./unhandled_rejections.ts";

test("a time-out during complete() rolls back and is the answer", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  await bench.createEntries();
  const gate = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<unknown>();
  const task = defineTask("slow", {
    timeout: 0.02,
    inject: [TaskContext],
    run: async (_params, context) => {
      const completing = context.complete(async (tx) => {
        await tx.kysely<Tables>().insertInto("entries").values({ text: "lost" }).execute();
        await gate.promise;
        return { ok: true };
      });
      completing.catch(failed.resolve);
      return await completing;
    },
  });
  await assertRejects(() => bench.executor.execute(task), TimeoutError);
  gate.resolve();
  assert((await failed.promise) instanceof SessionClosedError);
  assertEquals(await bench.entries(), []);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});

test("a time-out while complete() waits for another writer is the answer at once", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const gate = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const other = bench.database.transaction(async () => {
    opened.resolve();
    await gate.promise;
  });
  await opened.promise;
  let called = false;
  const task = defineTask("slow", {
    timeout: 0.02,
    inject: [TaskContext],
    run: (_params, context) =>
      context.complete(() => {
        called = true;
      }),
  });
  await assertRejects(() => bench.executor.execute(task), TimeoutError);
  gate.resolve();
  await other;
  await bench.database.transaction(() => {});
  assertEquals(called, false);
});

test("a time-out after complete() answers with what was committed", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const task = defineTask("lingering", {
    timeout: 0.02,
    inject: [TaskContext],
    run: async (_params, context) => {
      await context.complete(async (tx) => {
        await tx.kysely<Tables>().insertInto("entries").values({ text: "kept" }).execute();
        return { ok: true };
      });
      await new Promise<never>(() => {});
    },
  });
  assertEquals<unknown>(await bench.executor.execute(task), { ok: true });
  assertEquals(await bench.entries(), ["kept"]);
});

test("complete() after the time-out commits nothing", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const gate = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<unknown>();
  const task = defineTask("late", {
    timeout: 0.02,
    inject: [TaskContext],
    run: async (_params, context) => {
      await gate.promise;
      const completing = context.complete((tx) =>
        tx.kysely<Tables>().insertInto("entries").values({ text: "lost" }).execute(),
      );
      refused.resolve(await completing.catch((error: unknown) => error));
    },
  });
  await assertRejects(() => bench.executor.execute(task), TimeoutError);
  gate.resolve();
  assert((await refused.promise) instanceof SessionClosedError);
  assertEquals(await bench.entries(), []);
});

test("an interruption at any moment of complete() tells what the database did", async () => {
  using rejections = new UnhandledRejections();
  await using bench = new TestExecutor();
  await bench.createEntries();
  const outcomes = new Set<string>();
  for (let turns = 0; turns < 40; turns++) {
    const controller = new AbortController();
    const interrupt = async () => {
      for (let turn = 0; turn < turns; turn++) await null;
      controller.abort(new Error("enough"));
    };
    const text = `after ${turns} turns`;
    const task = defineTask("racing", {
      inject: [TaskContext],
      run: (_params, context) =>
        context.complete(async (tx) => {
          await tx.kysely<Tables>().insertInto("entries").values({ text }).execute();
          void interrupt();
          return { ok: true };
        }),
    });
    const answer = await bench.executor.execute(task, {}, { signal: controller.signal }).then(
      () => "committed",
      (error: Error) => error.message,
    );
    const isThere = (await bench.entries()).includes(text);
    assertEquals(answer, isThere ? "committed" : "enough", text);
    outcomes.add(answer);
  }
  // Both happen, or the loop covers too little.
  assertEquals([...outcomes].sort(), ["committed", "enough"]);
  await rejections.settle();
  assertEquals(rejections.reasons, []);
});
