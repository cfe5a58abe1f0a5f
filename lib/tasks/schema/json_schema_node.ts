/** A JSON Schema object, as it is published: plain JSON, keyword by keyword. */
export type JsonSchema = Record<string, unknown>;

/** The dialect of every schema that this library publishes. */
export const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** Whether a value is an object, neither an array nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The elements of a keyword that holds an array, or none where it doesn't. */
export function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The keywords that hold schemas by name, so that their keys are no keywords. */
export const SCHEMA_MAP_KEYWORDS: ReadonlySet<string> = new Set([
  "$defs",
  "definitions",
  "dependentSchemas",
  "patternProperties",
  "properties",
]);
