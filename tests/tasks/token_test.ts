import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { optional, token } from "../../lib/tasks/mod.ts";
import { TestExecutor } from "./test_executor.ts";

test("token() makes another token at each call, whatever its name", async () => {
  await using bench = new TestExecutor();
  const First = token<string>("Word");
  const Second = token<string>("Word");
  assert(First !== Second);
  bench.executor.provide(First, { create: () => "first" });
  bench.executor.provide(Second, { create: () => "second" });
  bench.registry.register("both", {
    inject: [First, Second],
    run: (_params, first, second) => ({ first, second }),
  });
  assertEquals(await bench.executor.execute("both"), { first: "first", second: "second" });
});

test("a class with a static member called optional is a token like any other", async () => {
  class Setting {
    static readonly optional = true;
    readonly value = 1;
  }
  await using bench = new TestExecutor();
  bench.executor.provide(Setting, { create: () => new Setting() });
  bench.registry.register("read", {
    inject: [Setting, optional(Setting)],
    run: (_params, setting, again) => ({ value: setting.value, same: setting === again }),
  });
  assertEquals(await bench.executor.execute("read"), { value: 1, same: true });
  assertEquals(bench.registry.getInfo("read").inject, ["Setting", "Setting"]);
});

test("an abstract class and one with a private constructor are tokens", async () => {
  abstract class Shape {
    abstract readonly sides: number;
  }
  class Square extends Shape {
    readonly sides = 4;
    private constructor() {
      super();
    }
    static create(): Square {
      return new Square();
    }
  }
  await using bench = new TestExecutor();
  bench.executor.provide(Shape, { create: () => Square.create() });
  bench.executor.provide(Square, { create: () => Square.create() });
  bench.registry.register("sides", {
    inject: [Shape, Square],
    run: (_params, shape, square) => ({ sides: shape.sides + square.sides }),
  });
  assertEquals(await bench.executor.execute("sides"), { sides: 8 });
});

test("a task may inject one token twice", async () => {
  await using bench = new TestExecutor();
  const Value = token<object>("Value");
  bench.executor.provide(Value, { scope: "execution", create: () => ({}) });
  bench.registry.register("twice", {
    inject: [Value, Value],
    run: (_params, one, two) => ({ same: one === two }),
  });
  assertEquals(await bench.executor.execute("twice"), { same: true });
});
