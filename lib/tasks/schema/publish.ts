import { DIALECT, isObject, type JsonSchema, SCHEMA_MAP_KEYWORDS } from "./json_schema_node.ts";
import { NATIVE_TYPE, rememberNativeType } from "./native_type.ts";

/** Schemas nested deeper than this are published without their own subschemas. */
const MAX_DEPTH = 64;

/** More subschemas than this are refused: nobody reads them, and every listing would carry them. */
const MAX_SCHEMAS = 10_000;

const SCHEMA_KEYWORDS = new Set([
  "additionalProperties",
  "contains",
  "else",
  "if",
  "items",
  "not",
  "propertyNames",
  "then",
  "unevaluatedItems",
  "unevaluatedProperties",
]);
const SCHEMA_LIST_KEYWORDS = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);

/**
 * Copies a schema that a library made into one that can be published: plain JSON that nobody else
 * holds, of bounded depth and size, with `$schema` first.
 *
 * A keyword whose value JSON can't hold is left out. Below 64 levels only constraints are dropped,
 * so the copy accepts whatever the original accepts.
 *
 * @param schema What a library gave as JSON Schema.
 * @returns The copy, or null where the value is no schema object.
 * @throws {RangeError} If it has more than 10,000 subschemas.
 */
export function publish(schema: unknown): JsonSchema | null {
  if (!isObject(schema)) return null;
  const copy = copySchema(schema, { depth: 0, budget: { left: MAX_SCHEMAS } });
  if (copy["$schema"] !== undefined && Object.keys(copy)[0] === "$schema") return copy;
  const { $schema = DIALECT, ...rest } = copy;
  return { $schema, ...rest };
}

interface Position {
  readonly depth: number;
  readonly budget: { left: number };
}

function copySchema(schema: JsonSchema, at: Position): JsonSchema {
  if (--at.budget.left < 0) {
    throw new RangeError(`Cannot publish a schema: it has more than ${MAX_SCHEMAS} subschemas`);
  }
  const keywords: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === NATIVE_TYPE) continue;
    const copied = copyKeyword(keyword, value, { depth: at.depth + 1, budget: at.budget });
    if (copied !== undefined) keywords.push([keyword, copied]);
  }
  const copy = Object.fromEntries(keywords);
  const nativeType = schema[NATIVE_TYPE];
  if (typeof nativeType === "string") rememberNativeType(copy, nativeType);
  return copy;
}

function copyKeyword(keyword: string, value: unknown, at: Position): unknown {
  const tooDeep = at.depth > MAX_DEPTH;
  if (SCHEMA_KEYWORDS.has(keyword) && isObject(value)) {
    return tooDeep ? undefined : copySchema(value, at);
  }
  if (SCHEMA_LIST_KEYWORDS.has(keyword) && Array.isArray(value)) {
    return tooDeep ? undefined : value.map((entry) => copyEntry(entry, at));
  }
  if (SCHEMA_MAP_KEYWORDS.has(keyword) && isObject(value)) {
    if (tooDeep) return undefined;
    // `fromEntries` defines: a property called `__proto__` stays a property.
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, copyEntry(entry, at)]),
    );
  }
  return toJsonValue(value);
}

function copyEntry(entry: unknown, at: Position): unknown {
  if (isObject(entry)) return copySchema(entry, at);
  return typeof entry === "boolean" ? entry : {};
}

/** A copy of a value as JSON, or undefined where JSON can't hold all of it. */
function toJsonValue(value: unknown): unknown {
  try {
    const text = JSON.stringify(value, refuseLoss);
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // A cycle, a bigint, a Map: the keyword is left out rather than told wrong.
    return undefined;
  }
}

function refuseLoss(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new TypeError("not a JSON number");
  if (typeof value === "function" || typeof value === "symbol") throw new TypeError("not JSON");
  if (isObject(value) && !isPlain(value)) throw new TypeError("not a plain object");
  return value;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
