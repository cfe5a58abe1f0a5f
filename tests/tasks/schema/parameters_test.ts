import { test } from "bun:test";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import {
  describeParams,
  type ParameterInfo,
  toParameters,
  toSignature,
} from "../../../lib/tasks/schema/mod.ts";

function signatureOf(params: StandardSchemaV1 | undefined): string {
  return describeParams(params, undefined).signature;
}

test("toParameters() lists the properties in order, with defaults written as JSON", () => {
  const { parameters } = describeParams(
    v.object({
      name: v.optional(v.string(), "World"),
      count: v.number(),
      nick: v.optional(v.string()),
      note: v.nullish(v.string(), null),
      tags: v.optional(v.array(v.string()), () => []),
      since: v.optional(v.date(), new Date(0)),
      big: v.optional(v.bigint(), 1n),
    }),
    undefined,
  );
  assertEquals(parameters, [
    { name: "name", annotation: "string", default: '"World"', required: false },
    { name: "count", annotation: "number", default: null, required: true },
    { name: "nick", annotation: "string", default: null, required: false },
    { name: "note", annotation: "string | null", default: "null", required: false },
    { name: "tags", annotation: "string[]", default: "[]", required: false },
    { name: "since", annotation: "Date", default: '"1970-01-01T00:00:00.000Z"', required: false },
    { name: "big", annotation: "bigint", default: null, required: false },
  ]);
});

test("toParameters() gives no default to what must be sent", () => {
  const { parameters } = describeParams(v.object({ a: v.nullable(v.string(), "x") }), undefined);
  assertEquals(parameters, [
    { name: "a", annotation: "string | null", default: null, required: true },
  ]);
});

test("toParameters() keeps nested defaults with their object", () => {
  const inner = v.object({ retries: v.optional(v.number(), 3) });
  assertEquals(
    signatureOf(
      v.object({ options: v.optional(inner, {}), given: v.optional(inner, { retries: 1 }) }),
    ),
    '(options: { retries?: number } = {}, given: { retries?: number } = {"retries":1})',
  );
});

test("toParameters() merges an intersection", () => {
  const schema = v.intersect([
    v.object({ a: v.string(), both: v.object({ x: v.string() }) }),
    v.object({ b: v.optional(v.number(), 2), both: v.optional(v.object({ y: v.string() })) }),
  ]);
  assertEquals(
    signatureOf(schema),
    "(a: string, both: { x: string } & { y: string }, b: number = 2)",
  );
});

test("toParameters() lists all branches of a variant, required where all require it", () => {
  const schema = v.variant("type", [
    v.object({ type: v.literal("a"), x: v.number(), same: v.string(), size: v.string() }),
    v.object({
      type: v.literal("b"),
      y: v.optional(v.string()),
      same: v.string(),
      size: v.number(),
    }),
  ]);
  assertEquals(
    signatureOf(schema),
    '(type: "a" | "b", x?: number, same: string, size: string | number, y?: string)',
  );
});

test("toParameters() shows a default of a union only where the branches agree on it", () => {
  const schema = v.union([
    v.object({ a: v.optional(v.number(), 1), b: v.optional(v.number(), 1) }),
    v.object({ a: v.optional(v.number(), 1), b: v.optional(v.number(), 2) }),
  ]);
  assertEquals(signatureOf(schema), "(a: number = 1, b?: number)");
});

test("toParameters() leaves out the branches that accept no object", () => {
  assertEquals(signatureOf(v.nullable(v.object({ a: v.string() }))), "(a: string)");
  assertEquals(
    signatureOf(v.union([v.literal("all"), v.object({ a: v.string() })])),
    "(a: string)",
  );
});

test("toParameters() requires nothing beside a branch that accepts anything", () => {
  assertEquals(signatureOf(v.union([v.object({ a: v.string() }), v.any()])), "(a?: string)");
});

test("toParameters() follows the root's $ref and its recursion", () => {
  interface Tree {
    value: string;
    child?: Tree | undefined;
  }
  const tree: v.GenericSchema<Tree> = v.object({
    value: v.string(),
    child: v.optional(v.lazy(() => tree)),
  });
  const expected = "(value: string, child?: { value: string; child?: Schema0 })";
  assertEquals(signatureOf(v.lazy(() => tree)), expected);
  assertEquals(signatureOf(tree), expected);
  assertEquals(toParameters({ allOf: [{ $ref: "#" }], properties: { a: { $ref: "#" } } }), [
    { name: "a", annotation: "Root", default: null, required: false },
  ]);
});

test("toParameters() finds a default in the definition that a property refers to", () => {
  const schema = {
    type: "object",
    properties: { a: { $ref: "#/$defs/A" } },
    $defs: { A: { type: "string", default: "x" } },
  };
  assertEquals(toParameters(schema), [
    { name: "a", annotation: "A", default: '"x"', required: false },
  ]);
});

test("toParameters() gives none for params that are no object, or name no property", () => {
  assertEquals(toParameters({ type: "string" }), []);
  assertEquals(toParameters({ const: "a" }), []);
  assertEquals(toParameters({ not: {} }), []);
  assertEquals(toParameters({ type: "object", additionalProperties: { type: "number" } }), []);
  assertEquals(toParameters({ allOf: [{ properties: { a: {} } }, { type: "string" }] }), []);
});

test("toParameters() takes no notice of a schema that accepts anything", () => {
  assertEquals(
    toSignature(toParameters({ allOf: [true, {}], properties: { a: true } }), null),
    "(a?: unknown)",
  );
});

test("toParameters() ends on definitions that double at each step", () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => {
      const next = { $ref: `#/$defs/${index + 1}` };
      return [`${index}`, { allOf: [next, next] }];
    }),
  );
  assertEquals(toParameters({ $ref: "#/$defs/0", $defs }), []);
});

test("toParameters() is safe with names that objects inherit", () => {
  const schema = v.object({
    ["__proto__"]: v.string(),
    constructor: v.optional(v.number(), 1),
    "a-b": v.boolean(),
    hasOwnProperty: v.optional(v.string()),
  });
  assertEquals(
    signatureOf(schema),
    '(__proto__: string, constructor: number = 1, "a-b": boolean, hasOwnProperty?: string)',
  );
});

test("toSignature() quotes names that are no identifiers and shows what is returned", () => {
  const parameters: ParameterInfo[] = [
    { name: "a-b", annotation: "string", default: null, required: true },
    { name: "größe", annotation: "number", default: "1", required: false },
    { name: "1", annotation: "null", default: null, required: false },
  ];
  assertEquals(toSignature(parameters, null), '("a-b": string, größe: number = 1, "1"?: null)');
  assertEquals(toSignature([], "{ message: string }"), "() => { message: string }");
});
