import type { JsonSchema } from "./json_schema_node.ts";

/**
 * While a library converts a schema, this keyword holds the TypeScript type of what JSON Schema
 * can't say (`Date`, `bigint`). Publishing takes it off and remembers it beside the schema.
 *
 * It is a keyword and not a symbol because zod sends its result through `JSON.stringify`.
 */
export const NATIVE_TYPE = "~taskmountNativeType";

const nativeTypes = new WeakMap<JsonSchema, string>();

/** Remembers the TypeScript type of a published schema, without a trace in the schema. */
export function rememberNativeType(schema: JsonSchema, type: string): void {
  nativeTypes.set(schema, type);
}

/** The TypeScript type behind a published schema where JSON Schema can't say it. */
export function nativeTypeOf(schema: JsonSchema): string | undefined {
  return nativeTypes.get(schema);
}

/**
 * Marks a schema under conversion as standing for a TypeScript type, and gives it back.
 *
 * What JSON can never hold (`undefined`) matches nothing; the rest of what JSON Schema can't say
 * matches anything.
 */
export function markNativeType<Schema extends object>(schema: Schema, type: string): Schema {
  return Object.assign(schema, type === "undefined" ? { not: {} } : {}, { [NATIVE_TYPE]: type });
}

/** The name of a class as a type, `object` where it has none. */
export function toClassName(value: unknown): string {
  return typeof value === "function" && value.name !== "" ? value.name : "object";
}

/** A literal's value as a type, also where JSON can't hold it. */
export function toNativeLiteral(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Date) return "Date";
  return JSON.stringify(value) ?? typeof value;
}
