import { test } from "bun:test";
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { assertEquals, assertMatch } from "@std/assert";
import { type } from "arktype";
import { z } from "zod";
import { describeParams, toJsonSchema } from "../../../lib/tasks/schema/mod.ts";

const $schema = "https://json-schema.org/draft/2020-12/schema";

/** A Standard Schema that accepts anything, with the converters given. */
function handMade(
  jsonSchema?: StandardJSONSchemaV1.Converter,
): StandardSchemaV1 & { "~standard": { jsonSchema?: StandardJSONSchemaV1.Converter } } {
  return {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: (value) => ({ value }),
      ...(jsonSchema === undefined ? {} : { jsonSchema }),
    },
  };
}

test("toJsonSchema() asks zod, which may say anything of dates", () => {
  const schema = z.object({
    name: z.string().default("World"),
    nick: z.string().optional(),
    age: z.number().nullable(),
    born: z.date(),
    note: z.string().describe("d"),
  });
  assertEquals(toJsonSchema(schema, "input"), {
    $schema,
    type: "object",
    properties: {
      name: { type: "string", default: "World" },
      nick: { type: "string" },
      age: { type: ["number", "null"] },
      born: {},
      note: { type: "string", description: "d" },
    },
    required: ["age", "born", "note"],
  });
});

test("describeParams() writes zod's types, dates and bigints too", () => {
  const schema = z.object({
    name: z.string().default("World"),
    nick: z.string().optional(),
    age: z.number().int().nullable(),
    born: z.date(),
    died: z.date().nullable().optional(),
    big: z.bigint(),
    ids: z.array(z.union([z.string(), z.number()])),
    either: z.union([z.string(), z.undefined()]),
    counts: z.record(z.enum(["a", "b"]), z.number()),
    pair: z.tuple([z.string(), z.number().optional()]),
    id: z.string().default(() => crypto.randomUUID()),
    at: z.date().default(() => new Date()),
    since: z.date().default(new Date(0)),
  });
  const { signature, parameters } = describeParams(
    schema,
    z.object({ a: z.string().transform(Number), b: z.string().default("x") }),
  );
  assertEquals(
    signature,
    '(name: string = "World", nick?: string, age: number | null, born: Date, died?: Date | null, ' +
      "big: bigint, ids: (string | number)[], either: string | undefined, " +
      'counts: Record<"a" | "b", number>, pair: [string, number?], id?: string, at?: Date, ' +
      'since: Date = "1970-01-01T00:00:00.000Z") => { a: unknown; b: string }',
  );
  assertEquals(parameters[0], {
    name: "name",
    annotation: "string",
    default: '"World"',
    required: false,
  });
});

test("describeParams() ends on zod's recursion", () => {
  const category = z.object({
    name: z.string(),
    get children() {
      return z.array(category);
    },
  });
  assertEquals(describeParams(category, undefined).signature, "(name: string, children: Root[])");
  assertEquals(
    describeParams(z.object({ root: category }), undefined).signature,
    "(root: { name: string; children: __schema0[] })",
  );
});

test("describeParams() calls zod's named schemas by their names", () => {
  const user = z.object({ name: z.string() }).meta({ id: "SchemaTestUser" });
  assertEquals(describeParams(z.object({ user }), user), {
    ...describeParams(z.object({ user }), undefined),
    signature: "(user: SchemaTestUser) => SchemaTestUser",
  });
});

test("describeParams() writes arktype's types and defaults", () => {
  const schema = type({
    name: "string = 'World'",
    "age?": "number",
    id: "string | number",
    kind: "'a' | 'b'",
    done: "boolean",
    born: "Date",
    big: "bigint",
    nullable: "(string | null)[]",
    tags: type("string[]").default(() => ["x"]),
    at: type("Date").default(() => new Date()),
    key: type("string").default(() => crypto.randomUUID()),
  });
  const { parameters, inputSchema } = describeParams(schema, undefined);
  // arktype sorts its keys.
  const written = parameters.map(
    ({ name, annotation, required, default: value }) =>
      `${name}${required ? "" : "?"}: ${annotation}${value === null ? "" : ` = ${value}`}`,
  );
  assertEquals(written.sort(), [
    "age?: number",
    "at?: Date",
    "big: bigint",
    "born: Date",
    "done: boolean",
    "id: number | string",
    "key?: string",
    'kind: "a" | "b"',
    'name?: string = "World"',
    "nullable: (string | null)[]",
    'tags?: string[] = ["x"]',
  ]);
  assertEquals(inputSchema["$schema"], $schema);
  assertEquals(JSON.stringify(inputSchema).includes("~"), false);
});

test("describeParams() writes the output of arktype's morphs", () => {
  const schema = type({ count: "string.numeric.parse" });
  assertEquals(describeParams(schema, schema).signature, "(count: string) => { count: number }");
});

test("describeParams() ends on arktype's recursion", () => {
  const { node } = type.module({ node: { value: "number", "next?": "node" } });
  assertMatch(
    describeParams(node, undefined).signature,
    /^\(value: number, next\?: \{ value: number; next\?: \w+ \}\)$/,
  );
});

test("toJsonSchema() is no stricter than what zod and arktype can't say", () => {
  assertEquals(toJsonSchema(z.literal([5n, "a"]), "input"), { $schema });
  assertEquals(
    describeParams(z.object({ a: z.literal([5n, "a"]) }), undefined).signature,
    '(a: 5n | "a")',
  );
  assertEquals(toJsonSchema(type(["...", "number[]", "string"]), "input"), {
    $schema,
    type: "array",
    minItems: 1,
  });
  assertEquals(
    toJsonSchema(
      type("string").narrow((text) => text !== "a"),
      "input",
    ),
    {
      $schema,
      type: "string",
    },
  );
});

test("describeParams() writes what arktype can't say in JSON Schema", () => {
  const schema = type({
    at: "Date > d'2020-01-01'",
    one: "1n",
    url: type.instanceOf(URL),
    "u?": "string | undefined",
  });
  assertEquals(
    describeParams(type("string"), schema).signature,
    "(...) => { at: Date; one: 1n; url: URL; u?: string | undefined }",
  );
});

test("toJsonSchema() gives null for a Standard Schema without JSON Schema", () => {
  assertEquals(toJsonSchema(handMade(), "input"), null);
  assertEquals(toJsonSchema(handMade(), "output"), null);
});

test("toJsonSchema() gives null where the library throws or gives no schema", () => {
  const fail = (): never => {
    throw new Error("unsupported target");
  };
  assertEquals(toJsonSchema(handMade({ input: fail, output: fail }), "input"), null);
  // @ts-expect-error A library that breaks the standard's types.
  assertEquals(toJsonSchema(handMade({ input: () => "{}", output: fail }), "input"), null);
});

test("toJsonSchema() asks any other library for 2020-12, by direction, and adds $schema", () => {
  const asked: unknown[] = [];
  const schema = handMade({
    input: (options) => {
      asked.push(options);
      return { type: "object", properties: { a: true } };
    },
    output: () => ({ type: "string" }),
  });
  assertEquals(toJsonSchema(schema, "input"), {
    $schema,
    type: "object",
    properties: { a: true },
  });
  assertEquals(asked[0], { target: "draft-2020-12" });
  assertEquals(describeParams(schema, schema).signature, "(a?: unknown) => string");
});

test("toJsonSchema() refuses a schema that reuses its parts without end", () => {
  let node: Record<string, unknown> = { type: "string" };
  for (let level = 0; level < 40; level++) node = { anyOf: [node, node] };
  const schema = handMade({ input: () => node, output: () => node });
  assertEquals(toJsonSchema(schema, "input"), null);
  const cyclic: Record<string, unknown> = { type: "array" };
  cyclic["items"] = cyclic;
  const text = JSON.stringify(
    toJsonSchema(handMade({ input: () => cyclic, output: () => cyclic }), "input"),
  );
  assertEquals(text.match(/array/g)?.length, 65);
});
