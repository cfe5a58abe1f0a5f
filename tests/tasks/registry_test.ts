import { test } from "bun:test";
import { assert, assertEquals, assertFalse, assertStrictEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import {
  DuplicateTaskError,
  registry as defaultRegistry,
  defineTask,
  InvalidTaskError,
  TaskNotFoundError,
  TaskRegistry,
} from "../../lib/tasks/mod.ts";

const run = () => {};

test("register() returns the task, and get() the same one", () => {
  const registry = new TaskRegistry();
  const task = registry.register("greet", { tags: ["demo"], run });
  assertEquals(task.name, "greet");
  assertEquals(task.tags, ["demo"]);
  assertStrictEquals(registry.get("greet"), task);
});

test("register() adds a task of defineTask(), to several registries", () => {
  const task = defineTask("shared", { run });
  const first = new TaskRegistry();
  const second = new TaskRegistry();
  assertStrictEquals(first.register(task), task);
  assertStrictEquals(second.register(task), task);
  assertStrictEquals(first.get("shared"), second.get("shared"));
});

test("registerFunction() adds a function with its settings", () => {
  const registry = new TaskRegistry();
  const double = ({ value }: { value: number }) => ({ doubled: value * 2 });
  const task = registry.registerFunction("double", double, {
    description: "Doubles.",
    tags: ["math"],
    params: v.object({ value: v.number() }),
  });
  assertStrictEquals(registry.get("double"), task);
  assertEquals(task.description, "Doubles.");
  assertEquals(task.run({ value: 4 }), { doubled: 8 });
  assertEquals(registry.registerFunction("plain", run).tags, []);
});

test("register() refuses a name that is taken, whichever way it comes", () => {
  const registry = new TaskRegistry();
  const first = registry.register("taken", { run });
  const message =
    'A task is registered as "taken" already; choose another name, or clear() the registry first, as when a module is loaded again';
  const again = [
    () => registry.register("taken", { run }),
    () => registry.register(defineTask("taken", { run })),
    () => registry.registerFunction("taken", run),
    () => registry.register(first),
  ];
  for (const register of again) {
    const error = assertThrows(register, DuplicateTaskError, message);
    assertEquals(error.taskName, "taken");
  }
  assertStrictEquals(registry.get("taken"), first);
});

test("register() refuses a bad name, and what a caller without types gets wrong", () => {
  const registry = new TaskRegistry();
  assertThrows(
    () => registry.register("no spaces", { run }),
    InvalidTaskError,
    "a name is letters",
  );
  const untyped: unknown[][] = [
    [],
    [undefined],
    [null],
    [{}],
    [[]],
    ["x"],
    ["x", null],
    ["x", {}],
    ["x", { run: "text" }],
    [{ name: "x", run }],
    [run],
  ];
  for (const args of untyped) {
    assertThrows(() => Reflect.apply(registry.register, registry, args), InvalidTaskError);
  }
  assertThrows(
    () => Reflect.apply(registry.registerFunction, registry, ["x"]),
    InvalidTaskError,
    "run is no function",
  );
  assertEquals(registry.listAll(), []);
});

test("register() refuses a copy of a task under a bad name", () => {
  const registry = new TaskRegistry();
  const task = defineTask("good", { run });
  assertThrows(
    () => registry.register({ ...task, name: 'bad"name' }),
    InvalidTaskError,
    "a name is letters",
  );
  assertEquals(registry.register({ ...task, name: "copy" }).name, "copy");
});

test("has() knows registered names only", () => {
  const registry = new TaskRegistry();
  registry.register("here", { run });
  assert(registry.has("here"));
  for (const name of ["there", "", "constructor", "__proto__", "toString", "HERE"]) {
    assertFalse(registry.has(name), name);
  }
});

test("get() and getInfo() name the task that isn't there", () => {
  const registry = new TaskRegistry();
  for (const name of ["missing", "constructor", "__proto__"]) {
    for (const find of [() => registry.get(name), () => registry.getInfo(name)]) {
      const error = assertThrows(find, TaskNotFoundError, `No task is registered as "${name}"`);
      assertEquals(error.taskName, name);
    }
  }
});

test("listAll() is sorted by name", () => {
  const registry = new TaskRegistry();
  assertEquals(registry.listAll(), []);
  for (const name of ["b", "a", "C", "_", "10", "9", "a-b", "a_b"])
    registry.register(name, { run });
  assertEquals(registry.listAll(), ["10", "9", "C", "_", "a", "a-b", "a_b", "b"]);
});

test("listByTags() requires all tags, and is sorted by name", () => {
  const registry = new TaskRegistry();
  registry.register("z", { tags: ["a", "b"], run });
  registry.register("y", { tags: ["b", "c", "a"], run });
  registry.register("x", { tags: ["a"], run });
  registry.register("w", { run });
  assertEquals(registry.listByTags(["a"]), ["x", "y", "z"]);
  assertEquals(registry.listByTags(["b", "a"]), ["y", "z"]);
  assertEquals(registry.listByTags(["a", "a"]), ["x", "y", "z"]);
  assertEquals(registry.listByTags(["a", "missing"]), []);
  assertEquals(registry.listByTags(["A"]), []);
});

test("listByTags() gives every task for no tags", () => {
  const registry = new TaskRegistry();
  registry.register("b", { tags: ["a"], run });
  registry.register("a", { run });
  assertEquals(registry.listByTags([]), ["a", "b"]);
});

test("clear() forgets every task, so that the names are free", () => {
  const registry = new TaskRegistry();
  registry.register("a", { run });
  registry.clear();
  assertFalse(registry.has("a"));
  assertEquals(registry.listAll(), []);
  registry.register("a", { run });
  assertEquals(registry.listAll(), ["a"]);
});

test("registries are apart from each other, and from the default one", () => {
  const one = new TaskRegistry();
  one.register("only_in_one", { run });
  assertFalse(new TaskRegistry().has("only_in_one"));
  assertFalse(defaultRegistry.has("only_in_one"));
  assert(defaultRegistry instanceof TaskRegistry);
});
