import { test } from "bun:test";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assertEquals, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { toJsonSchema } from "../../../lib/tasks/schema/mod.ts";

const $schema = "https://json-schema.org/draft/2020-12/schema";

function inputOf(schema: StandardSchemaV1): unknown {
  return toJsonSchema(schema, "input");
}

function outputOf(schema: StandardSchemaV1): unknown {
  return toJsonSchema(schema, "output");
}

test("toJsonSchema() gives a permissive object where a task takes no params", () => {
  assertEquals(toJsonSchema(undefined, "input"), { $schema, type: "object", properties: {} });
});

test("toJsonSchema() puts $schema first and requires what has no default", () => {
  const schema = v.object({
    name: v.string(),
    greeting: v.optional(v.string(), "Hello"),
    title: v.optional(v.string()),
    suffix: v.nullish(v.string(), null),
  });
  const jsonSchema = toJsonSchema(schema, "input");
  assertEquals(Object.keys(jsonSchema ?? {})[0], "$schema");
  assertEquals(jsonSchema, {
    $schema,
    type: "object",
    properties: {
      name: { type: "string" },
      greeting: { type: "string", default: "Hello" },
      title: { type: "string" },
      suffix: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
    },
    required: ["name"],
  });
});

test("toJsonSchema() says of the output that defaults are always there and replace null", () => {
  const schema = v.object({
    a: v.optional(v.string(), "x"),
    b: v.optional(v.string()),
    c: v.nullish(v.string(), "x"),
    d: v.nullish(v.string(), null),
    e: v.fallback(v.string(), "x"),
  });
  assertEquals(outputOf(schema), {
    $schema,
    type: "object",
    properties: {
      a: { type: "string", default: "x" },
      b: { type: "string" },
      c: { type: "string" },
      d: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
      e: { type: "string" },
    },
    required: ["e", "a", "c", "d"],
  });
});

test("toJsonSchema() doesn't require what has a fallback", () => {
  assertEquals(inputOf(v.object({ a: v.fallback(v.string(), "x") })), {
    $schema,
    type: "object",
    properties: { a: { type: "string" } },
    required: [],
  });
});

test("toJsonSchema() accepts anything, without a marker, where JSON Schema can't say the type", () => {
  const schemas = [
    v.date(),
    v.bigint(),
    v.symbol(),
    v.function(),
    v.instance(URL),
    v.blob(),
    v.file(),
    v.map(v.string(), v.number()),
    v.set(v.string()),
    v.literal(1n),
    v.custom<string>((input) => input === "x"),
    v.pipe(v.date(), v.minValue(new Date(0))),
    v.pipe(v.bigint(), v.multipleOf(2n)),
  ];
  for (const schema of schemas) {
    assertEquals(JSON.stringify(inputOf(schema)), JSON.stringify({ $schema }));
    assertEquals(JSON.stringify(outputOf(schema)), JSON.stringify({ $schema }));
  }
});

test("toJsonSchema() accepts nothing where JSON can't hold the value", () => {
  assertEquals(inputOf(v.union([v.string(), v.undefined()])), {
    $schema,
    anyOf: [{ type: "string" }, { not: {} }],
  });
});

test("toJsonSchema() says the input of a transformation, and only known types of its output", () => {
  const toNumber = v.pipe(v.string(), v.transform(Number));
  assertEquals(inputOf(toNumber), { $schema, type: "string" });
  assertEquals(outputOf(toNumber), { $schema });
  assertEquals(outputOf(v.pipe(v.string(), v.transform(Number), v.number())), {
    $schema,
    type: "number",
  });
  assertEquals(outputOf(v.pipe(v.string(), v.toNumber(), v.minValue(3))), {
    $schema,
    type: "number",
    minimum: 3,
  });
  assertEquals(outputOf(v.pipe(v.string(), v.trim(), v.minLength(1))), {
    $schema,
    type: "string",
    minLength: 1,
  });
});

test("toJsonSchema() drops a custom check and keeps the rest of the pipe", () => {
  const even = v.check((input: number) => input % 2 === 0, "must be even");
  assertEquals(inputOf(v.pipe(v.number(), v.integer(), even)), { $schema, type: "integer" });
});

test("toJsonSchema() keeps the format of a timestamp", () => {
  assertEquals(inputOf(v.pipe(v.string(), v.isoTimestamp())), {
    $schema,
    type: "string",
    format: "date-time",
  });
});

test("toJsonSchema() keeps descriptions, also those behind a transformation", () => {
  const schema = v.pipe(
    v.object({
      a: v.pipe(v.string(), v.description("before")),
      b: v.pipe(v.string(), v.transform(Number), v.description("behind")),
      c: v.optional(v.pipe(v.string(), v.transform(Number), v.description("wrapped")), "1"),
    }),
    v.transform((input) => input),
    v.description("whole"),
  );
  assertEquals(inputOf(schema), {
    $schema,
    type: "object",
    properties: {
      a: { type: "string", description: "before" },
      b: { type: "string", description: "behind" },
      c: { type: "string", description: "wrapped", default: "1" },
    },
    required: ["a", "b"],
    description: "whole",
  });
});

test("toJsonSchema() leaves out a pattern whose flags JSON Schema doesn't know", () => {
  assertEquals(inputOf(v.pipe(v.string(), v.regex(/^a/i))), { $schema, type: "string" });
  assertEquals(inputOf(v.pipe(v.string(), v.regex(/^a/u))), {
    $schema,
    type: "string",
    pattern: "^a",
  });
  assertEquals(inputOf(v.pipe(v.string(), v.regex(/^a/), v.regex(/b$/i))), {
    $schema,
    type: "string",
    pattern: "^a",
  });
});

test("toJsonSchema() converts v.required() and v.nonNullable()", () => {
  const schema = v.required(v.object({ a: v.optional(v.string(), "x") }));
  assertEquals(inputOf(schema), {
    $schema,
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
  });
  assertEquals(inputOf(v.nonNullable(v.nullable(v.number()))), { $schema, type: "number" });
  assertEquals(inputOf(v.nonNullish(v.union([v.string(), v.null(), v.number()]))), {
    $schema,
    anyOf: [{ type: "string" }, { type: "number" }],
  });
});

test("toJsonSchema() tells strict, loose and plain objects apart", () => {
  const entries = { a: v.string() };
  const base = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  assertEquals(inputOf(v.object(entries)), { $schema, ...base });
  assertEquals(inputOf(v.strictObject(entries)), {
    $schema,
    ...base,
    additionalProperties: false,
  });
  assertEquals(inputOf(v.looseObject(entries)), { $schema, ...base, additionalProperties: {} });
});

test("toJsonSchema() refers to a recursive schema by $defs", () => {
  interface Tree {
    children: Tree[];
  }
  const tree: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => tree)) });
  const definition = {
    type: "object",
    properties: { children: { type: "array", items: { $ref: "#/$defs/0" } } },
    required: ["children"],
  };
  assertEquals(inputOf(tree), { $schema, ...definition, $defs: { 0: definition } });
});

test("toJsonSchema() ends on recursion through v.nonOptional()", () => {
  interface Tree {
    child: Tree | null;
  }
  const tree: v.GenericSchema<unknown, Tree> = v.object({
    child: v.nonOptional(v.nullable(v.lazy(() => tree))),
  });
  assertEquals(inputOf(v.object({ tree: v.nonOptional(tree) })), {
    $schema,
    type: "object",
    properties: {
      tree: { type: "object", properties: { child: {} }, required: ["child"] },
    },
    required: ["tree"],
  });
});

test("toJsonSchema() keeps a property called __proto__ a property", () => {
  const schema = v.object({
    ["__proto__"]: v.pipe(v.string(), v.transform(Number), v.description("d")),
    constructor: v.number(),
  });
  const text = JSON.stringify(toJsonSchema(schema, "input"));
  assertStringIncludes(
    text,
    '"properties":{"__proto__":{"type":"string","description":"d"},"constructor":{"type":"number"}}',
  );
  assertEquals(Object.keys(Object.prototype), []);
});

test("toJsonSchema() shows a default's function by its value, but for one that changes", () => {
  let count = 0;
  const now = new Date();
  const schema = v.object({
    tags: v.optional(v.array(v.string()), () => ["a"]),
    id: v.optional(v.string(), () => crypto.randomUUID()),
    count: v.optional(v.number(), () => ++count),
    at: v.optional(v.date(), () => now),
    time: v.optional(v.number(), () => now.getTime()),
    since: v.optional(v.date(), new Date(0)),
    default: v.optional(v.string(), () => crypto.randomUUID()),
  });
  assertEquals(inputOf(schema), {
    $schema,
    type: "object",
    properties: {
      tags: { type: "array", items: { type: "string" }, default: ["a"] },
      id: { type: "string" },
      count: { type: "number" },
      at: {},
      time: { type: "number" },
      since: { default: "1970-01-01T00:00:00.000Z" },
      default: { type: "string" },
    },
    required: [],
  });
});

test("toJsonSchema() leaves out what JSON can't hold: defaults, examples, metadata", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const schema = v.object({
    big: v.optional(v.bigint(), 1n),
    infinite: v.optional(v.number(), Number.POSITIVE_INFINITY),
    map: v.optional(v.map(v.string(), v.string()), () => new Map([["a", "b"]])),
    noted: v.pipe(v.string(), v.metadata({ cyclic, run: () => 1, kept: [1] })),
  });
  assertEquals(inputOf(schema), {
    $schema,
    type: "object",
    properties: {
      big: {},
      infinite: { type: "number" },
      map: {},
      noted: { type: "string", kept: [1] },
    },
    required: ["noted"],
  });
});

test("toJsonSchema() gives null where a schema's own functions throw", () => {
  const fail = (): never => {
    throw new Error("not now");
  };
  assertEquals(inputOf(v.object({ a: v.optional(v.string(), fail) })), null);
  assertEquals(inputOf(v.object({ a: v.lazy(fail) })), null);
});

test("toJsonSchema() publishes a deep schema to 64 levels, with no constraint made up", () => {
  let schema: v.GenericSchema = v.strictTuple([v.string()]);
  for (let level = 0; level < 500; level++) schema = v.array(schema);
  const text = JSON.stringify(inputOf(schema));
  assertEquals(text.match(/"type":"array"/g)?.length, 65);
  assertStringIncludes(text, '"items":{"type":"array"}}');
});

test("toJsonSchema() gives null for a schema too deep or too large to convert", () => {
  let deep: v.GenericSchema = v.string();
  for (let level = 0; level < 100_000; level++) deep = v.array(deep);
  assertEquals(inputOf(deep), null);
  let large: v.GenericSchema = v.string();
  for (let level = 0; level < 40; level++) large = v.object({ a: large, b: large });
  assertEquals(inputOf(large), null);
});

test("toJsonSchema() gives JSON of its own at each call", () => {
  const schema = v.object({ a: v.picklist(["x", "y"]) });
  JSON.stringify(toJsonSchema(schema, "input"), (_key, value) => {
    if (Array.isArray(value)) value.push("z");
    return value;
  });
  assertEquals(schema.entries.a.options, ["x", "y"]);
});

test("toJsonSchema() reads asynchronous schemas", () => {
  const schema = v.objectAsync({
    a: v.pipeAsync(
      v.string(),
      v.checkAsync(async () => true),
    ),
  });
  assertEquals(inputOf(schema), {
    $schema,
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
  });
});
