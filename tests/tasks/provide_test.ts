import { test } from "bun:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Database, Session } from "../../lib/storage/mod.ts";
import {
  InvalidProviderError,
  optional,
  TaskContext,
  type Token,
  token,
} from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

const A = token<string>("A");
const B = token<string>("B");
const C = token<string>("C");
const create = () => "made";

test("provide() returns the executor, for the next one", async () => {
  await using bench = new TestExecutor();
  assertStrictEquals(bench.executor.provide(A, { create }).provide(B, { create }), bench.executor);
});

test("provide() refuses a token that is provided already", async () => {
  await using bench = new TestExecutor();
  bench.executor.provide(A, { create });
  assertThrows(
    () => bench.executor.provide(A, { create: () => "other" }),
    InvalidProviderError,
    'Cannot provide "A": it is provided already',
  );
  for (const builtIn of [Database, Session, TaskContext]) {
    assertThrows(
      () => Reflect.apply(bench.executor.provide, bench.executor, [builtIn, { create }]),
      InvalidProviderError,
      `Cannot provide "${builtIn.name}": it is provided already`,
    );
  }
  bench.registry.register("read", { inject: [A], run: (_params, a) => ({ a }) });
  assertEquals(await bench.executor.execute("read"), { a: "made" });
});

test("provide() refuses a cycle, naming the chain", async () => {
  await using bench = new TestExecutor();
  const { executor } = bench;
  assertThrows(
    () => executor.provide(A, { inject: [A], create }),
    InvalidProviderError,
    'Cannot provide "A": it needs itself: A -> A',
  );
  executor.provide(A, { inject: [B], create });
  executor.provide(B, { inject: [optional(C)], create });
  assertThrows(
    () => executor.provide(C, { inject: [A], create }),
    InvalidProviderError,
    'Cannot provide "C": it needs itself: C -> A -> B -> C',
  );
});

test("provide() forgets what it refused", async () => {
  await using bench = new TestExecutor();
  const { executor } = bench;
  executor.provide(A, { inject: [B], create: (b) => `A of ${b}` });
  assertThrows(() => executor.provide(B, { inject: [A], create }), InvalidProviderError);
  executor.provide(B, { create: () => "B" });
  bench.registry.register("read", { inject: [A], run: (_params, a) => ({ a }) });
  assertEquals(await executor.execute("read"), { a: "A of B" });
});

test("provide() refuses no diamond, however many there are", async () => {
  await using bench = new TestExecutor();
  const { executor } = bench;
  let made = 0;
  let layer: Token<number>[] = [];
  for (let depth = 0; depth < 40; depth++) {
    const inject = layer;
    layer = [0, 1, 2].map((index) => {
      const Value = token<number>(`Value${depth}_${index}`);
      executor.provide(Value, { scope: "execution", inject, create: () => ++made });
      return Value;
    });
  }
  bench.registry.register("top", { inject: layer, run: () => {} });
  await executor.execute("top");
  assertEquals(made, 120);
});

test("provide() refuses a singleton that would keep a value of one run", async () => {
  await using bench = new TestExecutor();
  const { executor } = bench;
  const reason = (needed: string) =>
    `it is a singleton and needs "${needed}", which lives as long as one run; give it scope: "execution"`;
  for (const needed of [Session, TaskContext]) {
    assertThrows(
      () => executor.provide(A, { inject: [needed], create }),
      InvalidProviderError,
      `Cannot provide "A": ${reason(needed.name)}`,
    );
  }
  executor.provide(B, { scope: "execution", create });
  assertThrows(
    () => executor.provide(A, { inject: [Database, optional(B)], create }),
    InvalidProviderError,
    `Cannot provide "A": ${reason("B")}`,
  );
  executor.provide(A, { inject: [C], create });
  assertThrows(
    () => executor.provide(C, { scope: "execution", create }),
    InvalidProviderError,
    `Cannot provide "A": ${reason("C")}`,
  );
  executor.provide(C, { create });
});

test("provide() refuses what callers without types get wrong", async () => {
  await using bench = new TestExecutor();
  const provide = (...args: unknown[]) =>
    Reflect.apply(bench.executor.provide, bench.executor, args);
  const wrong: [unknown, unknown, string][] = [
    [undefined, { create }, 'Cannot provide "undefined": it is no class and no token()'],
    ["A", { create }, 'Cannot provide "A": it is no class and no token()'],
    [optional(A), { create }, 'Cannot provide "[object Object]": it is no class and no token()'],
    [A, {}, 'Cannot provide "A": create is no function'],
    [A, { create: "made" }, 'Cannot provide "A": create is no function'],
    [
      A,
      { create, scope: "request" },
      'Cannot provide "A": the scope is neither "singleton" nor "execution"',
    ],
    [A, { create, inject: B }, 'Cannot provide "A": inject is no array of tokens'],
    [A, { create, inject: [undefined] }, 'Cannot provide "A": inject is no array of tokens'],
  ];
  for (const [provided, options, message] of wrong) {
    assertThrows(() => provide(provided, options), InvalidProviderError, message);
  }
  provide(A, { create });
});

test("provide() while a task runs counts from the next run on", async () => {
  await using bench = new TestExecutor();
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  bench.executor.provide(A, {
    scope: "execution",
    inject: [optional(B)],
    create: async (b) => {
      started.resolve();
      await gate.promise;
      return `A with ${b}`;
    },
  });
  bench.registry.register("read", {
    inject: [A, optional(B)],
    run: (_params, a, b) => ({ a, b: b ?? null }),
  });
  const running = bench.executor.execute("read");
  await started.promise;
  bench.executor.provide(B, { create: () => "B" });
  gate.resolve();
  assertEquals(await running, { a: "A with undefined", b: null });
  assertEquals(await bench.executor.execute("read"), { a: "A with B", b: "B" });
});
