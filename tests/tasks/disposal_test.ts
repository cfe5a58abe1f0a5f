import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import type { Kysely } from "kysely";
import { Database, Session } from "../../lib/storage/mod.ts";
import { defineTask, TaskContext, token } from "../../lib/tasks/mod.ts";
import { type Tables, TestExecutor } from "./test_executor.ts";
import { TrackedExecutor } from "./tracked_executor.ts";

test("a run's values are disposed when it ends, in reverse order", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A");
  const B = bench.provide("B", { inject: [A] });
  const C = bench.provide("C");
  bench.registry.register("use", {
    inject: [B, C, A],
    run: async () => {
      await Promise.resolve();
      bench.events.push("run");
    },
  });
  await bench.executor.execute("use");
  const once = ["make A", "make B", "make C", "run", "dispose C", "dispose B", "dispose A"];
  assertEquals(bench.events, once);
  await bench.executor.execute("use");
  assertEquals(bench.events, [...once, ...once]);
});

test("a run's values are disposed after an error, which is the answer", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A");
  const B = bench.provide("B");
  bench.registry.register("fail", {
    inject: [A, B],
    run: () => {
      throw new Error("no luck");
    },
  });
  await assertRejects(() => bench.executor.execute("fail"), Error, "no luck");
  assertEquals(bench.events, ["make A", "make B", "dispose B", "dispose A"]);
});

test("a run's values are disposed when a later factory fails", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A");
  const Broken = token<string>("Broken");
  bench.executor.provide(Broken, {
    scope: "execution",
    create: async () => {
      throw new Error("broken");
    },
  });
  const B = bench.provide("B");
  bench.registry.register("fail", { inject: [A, Broken, B], run: () => {} });
  await assertRejects(() => bench.executor.execute("fail"), Error, "broken");
  assertEquals(bench.events, ["make A", "dispose A"]);
});

test("a value that is only Disposable is disposed too, also one that is a function", async () => {
  await using bench = new TestExecutor();
  let disposed = 0;
  const count = () => {
    disposed += 1;
  };
  const Value = token<object>("Value");
  bench.executor.provide(Value, {
    scope: "execution",
    create: () => ({ [Symbol.dispose]: count }),
  });
  const Callable = token<() => void>("Callable");
  bench.executor.provide(Callable, {
    scope: "execution",
    create: () => Object.assign(() => {}, { [Symbol.dispose]: count }),
  });
  bench.registry.register("use", { inject: [Value, Callable], run: () => {} });
  await bench.executor.execute("use");
  assertEquals(disposed, 2);
});

test("a session still works while a run's values are disposed", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const Unit = token<AsyncDisposable>("Unit");
  bench.executor.provide(Unit, {
    scope: "execution",
    inject: [Session],
    create: (session) => ({
      [Symbol.asyncDispose]: async () => {
        await session.kysely<Tables>().insertInto("entries").values({ text: "late" }).execute();
      },
    }),
  });
  bench.registry.register("use", { inject: [Unit], run: () => {} });
  await bench.executor.execute("use");
  assertEquals(await bench.entries(), ["late"]);
});

test("a disposal that fails fails the run", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A");
  const B = bench.provide("B", { failure: new Error("B is stuck") });
  bench.registry.register("use", { inject: [A, B], run: () => ({ ok: true }) });
  await assertRejects(() => bench.executor.execute("use"), Error, "B is stuck");
  assertEquals(bench.events, ["make A", "make B", "dispose B", "dispose A"]);
  assertEquals(bench.logger.entries, []);
});

test("two disposals that fail leave a SuppressedError with both", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A", { failure: new Error("A is stuck") });
  const B = bench.provide("B", { failure: new Error("B is stuck") });
  bench.registry.register("use", { inject: [A, B], run: () => {} });
  const error = await assertRejects(() => bench.executor.execute("use"), SuppressedError);
  assertEquals([error.error.message, error.suppressed.message], ["A is stuck", "B is stuck"]);
});

test("a disposal that fails after the run has failed is logged", async () => {
  await using bench = new TrackedExecutor();
  const failure = new Error("A is stuck");
  const A = bench.provide("A", { failure });
  bench.registry.register("fail", {
    inject: [A],
    run: () => {
      throw new Error("no luck");
    },
  });
  await assertRejects(() => bench.executor.execute("fail"), Error, "no luck");
  const [entry] = bench.logger.entries;
  assertEquals(entry?.level, "error");
  assertEquals(entry?.message, "could not dispose what a run used");
  assertEquals(entry?.fields["error"], failure);
  assertEquals(entry?.fields["task"], "fail");
});

test("a disposal that fails after complete() is logged: the result was committed", async () => {
  await using bench = new TrackedExecutor();
  const A = bench.provide("A", { failure: new Error("A is stuck") });
  bench.registry.register("complete", {
    inject: [A, TaskContext],
    run: (_params, _a, context) => context.complete(() => ({ ok: true })),
  });
  assertEquals(await bench.executor.execute("complete"), { ok: true });
  assertEquals(bench.logger.messages, ["could not dispose what a run used"]);
});

test("a handle of a run leaves its database open", async () => {
  await using bench = new TestExecutor();
  await bench.createEntries();
  const Handle = token<Kysely<Tables>>("Handle");
  bench.executor.provide(Handle, {
    scope: "execution",
    inject: [Database],
    create: (database) => database.kysely<Tables>(),
  });
  bench.registry.register("insert", {
    inject: [Handle],
    run: async (_params, handle) => {
      await handle.insertInto("entries").values({ text: "x" }).execute();
    },
  });
  await bench.executor.execute("insert");
  await bench.executor.execute("insert");
  assertEquals(await bench.entries(), ["x", "x"]);
});

test("singletons are disposed by stop(), in reverse order, and not by a run", async () => {
  const bench = new TrackedExecutor();
  const A = bench.provide("A", { scope: "singleton" });
  const B = bench.provide("B", { scope: "singleton", inject: [A] });
  const C = bench.provide("C", { scope: "singleton" });
  bench.registry.register("use", { inject: [C, B], run: () => {} });
  await bench.executor.execute("use");
  await bench.executor.execute("use");
  assertEquals(bench.events, ["make C", "make A", "make B"]);
  await bench[Symbol.asyncDispose]();
  assertEquals(bench.events.slice(3), ["dispose B", "dispose A", "dispose C"]);
});

test("a singleton that nobody asked for is neither made nor disposed", async () => {
  const bench = new TrackedExecutor();
  bench.provide("A", { scope: "singleton" });
  await bench[Symbol.asyncDispose]();
  assertEquals(bench.events, []);
});

test("stop() throws what disposing a singleton throws", async () => {
  const bench = new TrackedExecutor();
  const A = bench.provide("A", { scope: "singleton", failure: new Error("A is stuck") });
  bench.registry.register("use", { inject: [A], run: () => {} });
  await bench.executor.execute("use");
  await assertRejects(() => bench.executor.stop(), Error, "A is stuck");
  await bench.database.close();
});

test("what a factory hands on is disposed where it comes from, and only there", async () => {
  await using bench = new TestExecutor();
  const disposed: string[] = [];
  class Inner implements Disposable {
    [Symbol.dispose](): void {
      disposed.push("inner");
    }
  }
  const Alias = token<Inner>("Alias");
  const Mine = token<Database>("Mine");
  bench.executor.provide(Inner, { scope: "execution", create: () => new Inner() });
  bench.executor.provide(Alias, { scope: "execution", inject: [Inner], create: (inner) => inner });
  bench.executor.provide(Mine, { inject: [Database], create: (database) => database });
  const task = defineTask("alias", { inject: [Alias, Mine], run: () => {} });
  await bench.executor.execute(task);
  assertEquals(disposed, ["inner"]);
  await bench.executor.stop();
  await bench.createEntries();
});
