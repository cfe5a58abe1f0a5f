import type { StandardSchemaV1 } from "@standard-schema/spec";
import { dropChangingDefaults } from "./changing_default.ts";
import { DIALECT, type JsonSchema } from "./json_schema_node.ts";
import { publish } from "./publish.ts";
import { askForJsonSchema, offersJsonSchema } from "./standard_json_schema.ts";
import { convertValibotSchema, isValibotSchema } from "./valibot_schema.ts";

/**
 * Gives the JSON Schema 2020-12 of a Standard Schema.
 *
 * It never throws, and is never stricter than the schema because of something that JSON Schema
 * can't say: a date, a custom check or a transformation's result becomes `{}`. A default's function is
 * called, and its value published unless it changes ({@linkcode dropChangingDefaults}). Each call
 * converts anew and gives plain JSON of its own, at most 64 subschemas deep.
 *
 * @param schema A schema of valibot, or of a library that offers Standard JSON Schema; undefined for
 * a task without params, which may be sent anything.
 * @param direction `input` for what is sent, `output` for what validation gives.
 * @returns The JSON Schema, or null where the library offers none or can't make one.
 *
 * @example
 * ```ts
 * toJsonSchema(v.object({ name: v.optional(v.string(), "World") }), "input");
 * // { $schema, type: "object", properties: { name: { type: "string", default: "World" } }, ... }
 * ```
 */
export function toJsonSchema(
  schema: StandardSchemaV1 | undefined,
  direction: "input" | "output",
): JsonSchema | null {
  if (schema === undefined) return { $schema: DIALECT, type: "object", properties: {} };
  try {
    return dropChangingDefaults(
      publish(convert(schema, direction)),
      publish(convert(schema, direction)),
    );
  } catch {
    // Schemas run their authors' code here (defaults, lazy getters). A task whose params can't be
    // described is still a task that can be run.
    return null;
  }
}

function convert(schema: StandardSchemaV1, direction: "input" | "output"): unknown {
  if (schema["~standard"].vendor === "valibot" && isValibotSchema(schema)) {
    return convertValibotSchema(schema, direction);
  }
  return offersJsonSchema(schema) ? askForJsonSchema(schema, direction) : null;
}
