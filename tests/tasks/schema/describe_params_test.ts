import { expectTypeOf, test } from "bun:test";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { describeParams, type ParamsDescription } from "../../../lib/tasks/schema/mod.ts";

const $schema = "https://json-schema.org/draft/2020-12/schema";

const opaque: StandardSchemaV1<{ a: string }> = {
  "~standard": { version: 1, vendor: "by-hand", validate: () => ({ value: { a: "" } }) },
};

test("describeParams() describes params and result", () => {
  const description = describeParams(
    v.object({ name: v.optional(v.pipe(v.string(), v.description("Who")), "World") }),
    v.object({ message: v.string(), at: v.optional(v.date(), new Date(0)) }),
  );
  expectTypeOf(description).toEqualTypeOf<ParamsDescription>();
  assertEquals(description, {
    parameters: [{ name: "name", annotation: "string", default: '"World"', required: false }],
    signature: '(name: string = "World") => { message: string; at: Date }',
    inputSchema: {
      $schema,
      type: "object",
      properties: { name: { type: "string", description: "Who", default: "World" } },
      required: [],
    },
  });
});

test("describeParams() describes a task without params", () => {
  assertEquals(describeParams(undefined, undefined), {
    parameters: [],
    signature: "()",
    inputSchema: { $schema, type: "object", properties: {} },
  });
});

test("describeParams() says that it doesn't know the params of a schema that can't say them", () => {
  assertEquals(describeParams(opaque, opaque), {
    parameters: [],
    signature: "(...) => unknown",
    inputSchema: { $schema, type: "object" },
  });
});

test("describeParams() tells params without names from no params", () => {
  assertEquals(describeParams(v.object({}), undefined).signature, "()");
  assertEquals(describeParams(v.strictObject({}), undefined).signature, "()");
  assertEquals(describeParams(v.looseObject({}), undefined).signature, "(...)");
  assertEquals(describeParams(v.record(v.string(), v.number()), undefined).signature, "(...)");
  assertEquals(describeParams(v.any(), v.string()).signature, "(...) => string");
});
