import { test } from "bun:test";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assert, assertEquals } from "@std/assert";
import * as v from "valibot";
import { type JsonSchema, toAnnotation, toJsonSchema } from "../../../lib/tasks/schema/mod.ts";

function annotationOf(schema: StandardSchemaV1): string {
  const jsonSchema = toJsonSchema(schema, "input");
  return jsonSchema === null ? "null" : toAnnotation(jsonSchema);
}

const CASES: [annotation: string, schema: JsonSchema][] = [
  ["unknown", {}],
  ["string", { type: "string" }],
  ["number", { type: "integer" }],
  ["number", { type: "number", minimum: 1 }],
  ["boolean", { type: "boolean" }],
  ["boolean", { anyOf: [{ const: true }, { const: false }] }],
  ["null", { type: "null" }],
  ["never", { not: {} }],
  ["never", { type: "string", not: {} }],
  ["string", { type: "string", not: { const: "a" } }],
  ["string | null", { type: ["null", "string"] }],
  ["string | null", { anyOf: [{ type: "null" }, { type: "string" }] }],
  ['"a"', { const: "a" }],
  ["null", { const: null }],
  ['"a" | 1 | null', { enum: [null, "a", 1] }],
  ['"a" | "b"', { type: "string", enum: ["a", "b", "a"] }],
  ['"say \\"a\\""', { const: 'say "a"' }],
  ["string[]", { type: "array", items: { type: "string" } }],
  ["unknown[]", { type: "array" }],
  ["(string | number)[]", { type: "array", items: { type: ["string", "number"] } }],
  ['("a" | "b")[][]', { type: "array", items: { type: "array", items: { enum: ["a", "b"] } } }],
  ["[]", { type: "array", prefixItems: [] }],
  ["[string, number]", { prefixItems: [{ type: "string" }, { type: "number" }], minItems: 2 }],
  [
    "[string, (number | null)?, ...boolean[]]",
    {
      type: "array",
      prefixItems: [{ type: "string" }, { type: ["number", "null"] }],
      items: { type: "boolean" },
      minItems: 1,
    },
  ],
  ["Record<string, unknown>", { type: "object" }],
  ["{}", { type: "object", properties: {} }],
  ["Record<string, number>", { type: "object", additionalProperties: { type: "number" } }],
  ["Record<string, number>", { type: "object", patternProperties: { "^a": { type: "number" } } }],
  [
    'Partial<Record<"a" | "b", number>>',
    {
      type: "object",
      propertyNames: { enum: ["a", "b"] },
      additionalProperties: { type: "number" },
    },
  ],
  [
    "{ a: string; [key: string]: unknown }",
    {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: true,
    },
  ],
  [
    '{ a: string; b?: { "c-d"?: null; "1é"?: unknown }; é?: unknown }',
    {
      type: "object",
      properties: {
        a: { type: "string" },
        b: { type: "object", properties: { "c-d": { type: "null" }, "1é": {} } },
        é: {},
      },
      required: ["a"],
    },
  ],
  ["unknown", { anyOf: [{ type: "string" }, {}] }],
  ["never", { oneOf: [] }],
  ["string", { anyOf: [{ type: "string" }, false] }],
  [
    "{ a?: string } & { b?: string }",
    {
      allOf: [{ properties: { a: { type: "string" } } }, { properties: { b: { type: "string" } } }],
    },
  ],
  [
    "({ a?: string } & { b?: string })[]",
    {
      items: {
        properties: { a: { type: "string" } },
        allOf: [{ properties: { b: { type: "string" } } }],
      },
    },
  ],
  [
    "({ a?: string } & { b?: string }) | null",
    {
      anyOf: [
        {
          properties: { a: { type: "string" } },
          allOf: [{ properties: { b: { type: "string" } } }],
        },
        { type: "null" },
      ],
    },
  ],
  [
    "{ a?: string } & (string | number)",
    { properties: { a: { type: "string" } }, anyOf: [{ type: "string" }, { type: "number" }] },
  ],
  ["{ a?: null }", { type: "object", allOf: [{ properties: { a: { type: "null" } } }] }],
  ["string", { type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] }],
  ["unknown", { type: "invented" }],
  ["unknown", { $ref: "#/$defs/missing" }],
  ["unknown", { $ref: "https://example.com/schema" }],
  ["User[]", { items: { $ref: "#/$defs/User" }, $defs: { User: { type: "object" } } }],
  ["unknown[]", { items: { $ref: "#/$defs/constructor" }, $defs: {} }],
  ["unknown[]", { items: { $ref: "#/$defs/__proto__" }, $defs: {} }],
  ["Root | null", { anyOf: [{ $ref: "#" }, { type: "null" }] }],
  ["Tree | null", { title: "Tree", anyOf: [{ $ref: "#" }, { type: "null" }] }],
  ["string[]", { items: { $ref: "#/$defs/a~1b%20c" }, $defs: { "a/b c": { type: "string" } } }],
  ["string[]", { items: { $ref: "#/$defs/100%" }, $defs: { "100%": { type: "string" } } }],
  ["Schema0", { $ref: "#/$defs/0", $defs: { 0: { $ref: "#/$defs/0" } } }],
];

for (const [annotation, schema] of CASES) {
  test(`toAnnotation() writes ${JSON.stringify(schema)} as ${annotation}`, () => {
    assertEquals(toAnnotation(schema), annotation);
  });
}

test("toAnnotation() writes what JSON Schema can't say as the type it is", () => {
  assertEquals(
    annotationOf(
      v.object({
        a: v.date(),
        b: v.nullable(v.date()),
        c: v.array(v.bigint()),
        d: v.instance(URL),
        e: v.optional(v.literal(1n)),
        f: v.map(v.string(), v.number()),
        g: v.set(v.string()),
        h: v.union([v.string(), v.undefined()]),
        i: v.custom<string>(() => true),
        j: v.function(),
        k: v.nan(),
      }),
    ),
    "{ a: Date; b: Date | null; c: bigint[]; d: URL; e?: 1n; f: Map<unknown, unknown>; " +
      "g: Set<unknown>; h: string | undefined; i: unknown; j: Function; k: number }",
  );
});

test("toAnnotation() writes valibot's enums, tuples, records and variants", () => {
  const Level = { Low: "low", High: "high" } as const;
  assertEquals(
    annotationOf(
      v.object({
        level: v.enum(Level),
        pick: v.picklist(["a", 1]),
        pair: v.tuple([v.string(), v.number()]),
        many: v.tupleWithRest([v.string()], v.number()),
        counts: v.record(v.string(), v.number()),
        shape: v.variant("type", [
          v.object({ type: v.literal("circle"), r: v.number() }),
          v.object({ type: v.literal("square"), a: v.number() }),
        ]),
        both: v.intersect([v.object({ a: v.string() }), v.object({ b: v.string() })]),
      }),
    ),
    '{ level: "low" | "high"; pick: "a" | 1; pair: [string, number]; many: [string, ...number[]]; ' +
      "counts: Record<string, number>; " +
      'shape: { type: "circle"; r: number } | { type: "square"; a: number }; ' +
      "both: { a: string } & { b: string } }",
  );
});

test("toAnnotation() writes a recursive type out once, then by name", () => {
  interface Tree {
    children: Tree[];
  }
  const plain: v.GenericSchema<Tree> = v.object({ children: v.array(v.lazy(() => plain)) });
  assertEquals(
    annotationOf(v.object({ tree: v.lazy(() => plain) })),
    "{ tree: { children: Schema0[] } }",
  );
  const titled: v.GenericSchema<Tree> = v.pipe(
    v.object({ children: v.array(v.lazy(() => titled)) }),
    v.title("Tree"),
  );
  assertEquals(annotationOf(titled), "{ children: Tree[] }");
});

test("toAnnotation() ends deep types in unknown", () => {
  let schema: JsonSchema = { type: "string" };
  for (let level = 0; level < 100_000; level++) schema = { type: "array", items: schema };
  assertEquals(toAnnotation(schema), `unknown${"[]".repeat(17)}`);
});

test("toAnnotation() ends a long chain of references in unknown", () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 50_000 }, (_, index) => [`${index}`, { $ref: `#/$defs/${index + 1}` }]),
  );
  assertEquals(toAnnotation({ $ref: "#/$defs/0", $defs }), "unknown");
});

test("toAnnotation() bounds the text of types that double at each level", () => {
  let schema: JsonSchema = { type: "string" };
  for (let level = 0; level < 16; level++) {
    schema = { type: "object", properties: { a: schema, b: schema } };
  }
  const annotation = toAnnotation(schema);
  assert(annotation.length < 10_000, `${annotation.length} characters`);
});

test("toAnnotation() writes long enums and long literals as their types", () => {
  const many = Array.from({ length: 1_000 }, (_, index) => `value ${index}`);
  assertEquals(toAnnotation({ enum: [...many, 1] }), "string | number");
  assertEquals(toAnnotation({ enum: ["a", "b".repeat(1_000)] }), '"a" | string');
});
