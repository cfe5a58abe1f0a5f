import { test } from "bun:test";
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import { Session } from "../../lib/storage/mod.ts";
import { TaskContext, token } from "../../lib/tasks/mod.ts";
import { type Tables, TestExecutor } from "./test_executor.ts";

const RUNS = 5_000;

/** Lets the event loop turn now and then, so that runs overlap in many ways. */
async function turn(id: number): Promise<void> {
  if (id % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  else await null;
}

test("5,000 executions at the same time mix up no session, context, signal or value", async () => {
  await using bench = new TestExecutor();
  const Own = token<{ of: TaskContext }>("Own");
  const shared = token<object>("shared");
  bench.executor.provide(shared, { create: async () => ({}) });
  bench.executor.provide(Own, {
    scope: "execution",
    inject: [TaskContext, shared],
    create: async (context) => {
      await null;
      return { of: context };
    },
  });
  const sessions = new Set<Session>();
  const contexts = new Set<TaskContext>();
  const ids = new Set<string>();
  const singletons = new Set<object>();
  bench.registry.register("mixed", {
    params: v.object({ id: v.number() }),
    inject: [Session, TaskContext, Own, shared],
    run: async ({ id }, session, context, own, singleton) => {
      sessions.add(session);
      contexts.add(context);
      ids.add(context.executionId);
      singletons.add(singleton);
      assertStrictEquals(own.of, context);
      await turn(id);
      assertEquals(context.principal?.name, `caller ${id}`);
      if (id % 5 === 0) {
        // These are aborted by their caller, and by nobody else's.
        await new Promise<void>((resolve) => {
          if (context.signal.aborted) resolve();
          else context.signal.addEventListener("abort", () => resolve());
        });
        assertEquals(context.signal.reason, `stop ${id}`);
        throw context.signal.reason;
      }
      assert(!context.signal.aborted);
      return { id, execution: context.executionId };
    },
  });
  const controllers = Array.from({ length: RUNS }, () => new AbortController());
  const running = controllers.map(({ signal }, id) =>
    bench.executor.execute(
      "mixed",
      { id },
      {
        signal: id % 2 === 0 ? signal : () => signal,
        principal: { name: `caller ${id}`, scopes: [] },
      },
    ),
  );
  const settled = Promise.allSettled(running);
  while (contexts.size < RUNS) await new Promise((resolve) => setImmediate(resolve));
  for (const [id, controller] of controllers.entries()) {
    if (id % 5 === 0) controller.abort(`stop ${id}`);
  }
  for (const [id, result] of (await settled).entries()) {
    if (result.status === "rejected") assertEquals(result.reason, `stop ${id}`);
    else assertEquals((result.value as { id: number }).id, id);
    assertEquals(result.status, id % 5 === 0 ? "rejected" : "fulfilled");
  }
  for (const made of [sessions, contexts, ids]) assertEquals(made.size, RUNS);
  assertEquals(singletons.size, 1);
  assertEquals(bench.logger.entries, []);
});

test("1,000 executions at the same time write and read each through its own session", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  bench.registry.register("write", {
    params: v.object({ id: v.number() }),
    inject: [Session, TaskContext],
    run: async ({ id }, session, context) => {
      const text = `entry ${id}`;
      if (id % 2 === 0) {
        await session.kysely<Tables>().insertInto("entries").values({ text }).execute();
      } else {
        await context.complete(async (tx) => {
          await tx.kysely<Tables>().insertInto("entries").values({ text }).execute();
          if (id % 3 === 0) throw new Error(`no ${id}`);
          return { id };
        });
      }
      return { id };
    },
  });
  const running = Array.from({ length: 1_000 }, (_, id) => bench.executor.execute("write", { id }));
  const expected: string[] = [];
  for (const [id, result] of (await Promise.allSettled(running)).entries()) {
    const fails = id % 2 === 1 && id % 3 === 0;
    if (!fails) expected.push(`entry ${id}`);
    if (result.status === "rejected") assertEquals(result.reason.message, `no ${id}`);
    else assertEquals(result.value, { id });
    assertEquals(result.status, fails ? "rejected" : "fulfilled");
  }
  assertEquals((await bench.entries()).sort(), expected.sort());
});
