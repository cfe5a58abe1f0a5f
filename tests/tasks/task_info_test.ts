import { test } from "bun:test";
import { assertEquals, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import { Database, Session } from "../../lib/storage/mod.ts";
import { optional, TaskContext, TaskRegistry, token } from "../../lib/tasks/mod.ts";

test("getInfo() describes a task whole", () => {
  const registry = new TaskRegistry();
  registry.register("greet", {
    description: "Greets somebody.",
    tags: ["demo", "simple"],
    params: v.object({ name: v.optional(v.string(), "World"), times: v.number() }),
    returns: v.object({ message: v.string() }),
    run: ({ name, times }) => ({ message: `Hello, ${name}! `.repeat(times) }),
  });
  assertEquals(registry.getInfo("greet"), {
    name: "greet",
    docstring: "Greets somebody.",
    signature: '(name: string = "World", times: number) => { message: string }',
    parameters: [
      { name: "name", annotation: "string", default: '"World"', required: false },
      { name: "times", annotation: "number", default: null, required: true },
    ],
    tags: ["demo", "simple"],
    inject: [],
    inputSchema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: { name: { type: "string", default: "World" }, times: { type: "number" } },
      required: ["times"],
    },
  });
});

test("getInfo() of a task without anything", () => {
  const registry = new TaskRegistry();
  registry.register("idle", { run: () => {} });
  const { docstring, signature, parameters, tags, inject } = registry.getInfo("idle");
  assertEquals([docstring, signature], [null, "()"]);
  assertEquals([parameters, tags, inject], [[], [], []]);
});

test("getInfo() names the injected tokens, which are no parameters", () => {
  const registry = new TaskRegistry();
  const Mailer = token<{ send(): void }>("Mailer");
  registry.register("injected", {
    inject: [Database, Session, optional(Mailer), TaskContext],
    params: v.object({ custom: v.optional(v.string(), "default") }),
    run: () => {},
  });
  const info = registry.getInfo("injected");
  assertEquals(info.inject, ["Database", "Session", "Mailer", "TaskContext"]);
  assertEquals(info.signature, '(custom: string = "default")');
  assertEquals(
    info.parameters.map(({ name }) => name),
    ["custom"],
  );
});

test("getInfo() reads a task's schemas once", () => {
  const registry = new TaskRegistry();
  registry.register("once", { params: v.object({ a: v.string() }), run: () => {} });
  assertStrictEquals(registry.getInfo("once"), registry.getInfo("once"));
});
