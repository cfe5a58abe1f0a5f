import { elementsOf, isObject, type JsonSchema, SCHEMA_MAP_KEYWORDS } from "./json_schema_node.ts";

/** A default this near to now, in milliseconds, is taken for the clock's. */
const PRESENT = 60_000;

/**
 * Takes off the defaults that a function makes anew each time, such as `() => crypto.randomUUID()`
 * or `() => new Date()`: one of its values would be published as if it were every call's.
 *
 * @param schema A published schema, which is changed.
 * @param again The same schema, converted a second time.
 * @returns The first schema, without the defaults that differ or that are the present moment.
 */
export function dropChangingDefaults<Schema extends JsonSchema | null>(
  schema: Schema,
  again: JsonSchema | null,
): Schema {
  compare(schema, again, { now: Date.now(), byName: false });
  return schema;
}

interface Position {
  readonly now: number;
  /** Whether the keys here are names of properties or definitions, and not keywords. */
  readonly byName: boolean;
}

function compare(schema: unknown, again: unknown, { now, byName }: Position): void {
  if (Array.isArray(schema)) {
    const others = elementsOf(again);
    for (const [index, element] of schema.entries()) {
      compare(element, others[index], { now, byName: false });
    }
  }
  if (!isObject(schema)) return;
  const other = isObject(again) ? again : {};
  for (const [key, value] of Object.entries(schema)) {
    if (key !== "default" || byName) {
      const names = !byName && SCHEMA_MAP_KEYWORDS.has(key);
      compare(value, Object.hasOwn(other, key) ? other[key] : undefined, { now, byName: names });
    } else if (JSON.stringify(value) !== JSON.stringify(other[key]) || isPresent(value, now)) {
      delete schema[key];
    }
  }
}

function isPresent(value: unknown, now: number): boolean {
  const time = typeof value === "string" ? Date.parse(value) : value;
  return typeof time === "number" && Math.abs(time - now) < PRESENT;
}
