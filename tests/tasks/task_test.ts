import { test } from "bun:test";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import { Session } from "../../lib/storage/mod.ts";
import { defineTask, InvalidTaskError, optional, token } from "../../lib/tasks/mod.ts";

/** For callers without types: what `defineTask()` says to options that no type would let through. */
function refusal(name: unknown, options: unknown): string {
  const error = assertThrows(
    () => Reflect.apply(defineTask, undefined, [name, options]),
    InvalidTaskError,
  );
  return error.message;
}

const run = () => {};

test("defineTask() takes names of letters, digits, underscores and hyphens", () => {
  for (const name of ["a", "Z", "0", "_", "-", "greet_user", "a-B_9", "__proto__", "constructor"]) {
    assertEquals(defineTask(name, { run }).name, name);
  }
  const bad = ["", " ", "a b", "a.b", "a/b", "$run", "ä", "a\n", "\na", "a%20", undefined, null, 1];
  for (const name of [...bad, Symbol("s")]) {
    assertEquals(
      refusal(name, { run }),
      `Cannot make a task "${String(name)}": a name is letters, digits, _ and -`,
    );
  }
});

test("defineTask() shortens a long name in its error", () => {
  assertEquals(
    refusal("?".repeat(10_000), { run }),
    `Cannot make a task "${"?".repeat(100)}…": a name is letters, digits, _ and -`,
  );
});

test("defineTask() fills in what is left out", () => {
  const task = defineTask("bare", { run });
  assertEquals(task, {
    name: "bare",
    description: null,
    tags: [],
    inject: [],
    params: undefined,
    returns: undefined,
    timeout: null,
    job: {},
    run,
  });
});

test("defineTask() keeps what it is given, with each tag once", () => {
  const params = v.object({ value: v.number() });
  const returns = v.object({ doubled: v.number() });
  const inject = [Session, optional(token<string>("Word"))] as const;
  const double = ({ value }: { value: number }) => ({ doubled: value * 2 });
  const task = defineTask("double", {
    description: "Doubles.",
    tags: ["b", "a", "b"],
    inject,
    params,
    returns,
    timeout: 2.5,
    run: double,
  });
  assertEquals(task.description, "Doubles.");
  assertEquals(task.tags, ["b", "a"]);
  assertEquals(task.inject, inject);
  assertStrictEquals(task.params, params);
  assertStrictEquals(task.returns, returns);
  assertEquals(task.timeout, 2.5);
  assertEquals(task.run({ value: 2 }), { doubled: 4 });
});

test("a task can't be changed, not by the arrays it was made of either", () => {
  const tags = ["a"];
  const inject = [Session];
  const task = defineTask("fixed", { tags, inject, run });
  tags.push("b");
  inject.push(Session);
  assertEquals(task.tags, ["a"]);
  assertEquals(task.inject, [Session]);
  assert(Object.isFrozen(task));
  assertThrows(() => Object.assign(task, { name: "other" }), TypeError);
  assertThrows(() => Reflect.apply(Array.prototype.push, task.tags, ["b"]), TypeError);
  assertThrows(() => Reflect.apply(Array.prototype.push, task.inject, [Session]), TypeError);
});

test("defineTask() refuses what is no function", () => {
  for (const bad of [undefined, null, "run", {}, 1]) {
    assertEquals(refusal("x", { run: bad }), 'Cannot make a task "x": run is no function');
  }
});

test("defineTask() refuses a description that is no text", () => {
  assertEquals(
    refusal("x", { run, description: 1 }),
    'Cannot make a task "x": the description is no text',
  );
});

test("defineTask() refuses tags that are no strings", () => {
  for (const tags of ["demo", [1], [""], [undefined], {}, 1]) {
    assertEquals(
      refusal("x", { run, tags }),
      'Cannot make a task "x": tags is no array of strings with at least one character',
    );
  }
});

test("defineTask() refuses what is no token, and thinks of an import cycle", () => {
  for (const inject of [Session, [undefined], [null], ["Session"], [{}], [{ name: 1 }], {}]) {
    assertEquals(
      refusal("x", { run, inject }),
      'Cannot make a task "x": inject is no array of tokens (a class, token() or optional()); one that is undefined is often an import cycle',
    );
  }
  assertThrows(
    () => Reflect.apply(defineTask, undefined, ["x", { run, inject: [{ optional: undefined }] }]),
    InvalidTaskError,
    "import cycle",
  );
});

test("defineTask() refuses a time-out that no timer can hold", () => {
  const bad = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_484, "1", {}, 1n, Symbol("s")];
  for (const timeout of bad) {
    assertEquals(
      refusal("x", { run, timeout }),
      `Cannot make a task "x": the timeout ${String(timeout)} is no number of seconds from above 0 to 2147483`,
    );
  }
  for (const timeout of [0.001, 1, 2_147_483]) {
    assertEquals(defineTask("x", { run, timeout }).timeout, timeout);
  }
});

test("defineTask() refuses schemas that are no Standard Schema", () => {
  for (const schema of [{}, null, "string", { type: "object" }, () => true]) {
    assertEquals(
      refusal("x", { run, params: schema }),
      'Cannot make a task "x": params is no Standard Schema, such as valibot\'s',
    );
    assertEquals(
      refusal("x", { run, returns: schema }),
      'Cannot make a task "x": returns is no Standard Schema, such as valibot\'s',
    );
  }
});
