import { elementsOf, isObject, type JsonSchema } from "./json_schema_node.ts";
import { resolveReference } from "./reference.ts";

/** Past this many combined parts the rest is read as if it accepted no object. */
const MAX_PARTS = 10_000;

/** The properties of the objects that a schema accepts. */
export interface ObjectShape {
  /** By name, in the order of their first mention. */
  readonly properties: ReadonlyMap<string, ObjectProperty>;
  /** The names that no accepted object lacks. */
  readonly required: ReadonlySet<string>;
}

/** One property, whatever the branch of the schema that names it. */
export interface ObjectProperty {
  /** The schema of its values. */
  readonly schema: JsonSchema;
  /** Its default written as JSON, or null. */
  readonly default: string | null;
}

/**
 * Reads which properties an object must or may have, through `$ref`, `allOf` and unions.
 *
 * A union's shape has the properties of all its branches; branches that accept no object are left
 * out.
 *
 * @param schema A schema, whose `$ref`s point into `root`.
 * @returns The shape, or null where the schema accepts no object at all.
 */
export function toObjectShape(schema: unknown, root: JsonSchema): ObjectShape | null {
  return read(schema, { root, open: [], budget: { left: MAX_PARTS } });
}

interface Position {
  readonly root: JsonSchema;
  /** The references that lead here, for the end of recursion. */
  readonly open: readonly string[];
  readonly budget: { left: number };
}

const ANY_OBJECT: ObjectShape = { properties: new Map(), required: new Set() };

function read(schema: unknown, at: Position): ObjectShape | null {
  if (schema === false || --at.budget.left < 0) return null;
  if (!isObject(schema)) return ANY_OBJECT;
  if (!acceptsObject(schema)) return null;
  const parts: (ObjectShape | null)[] = [readOwn(schema, at.root)];
  for (const part of elementsOf(schema["allOf"])) parts.push(read(part, at));
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!Array.isArray(schema[keyword])) continue;
    parts.push(unite(elementsOf(schema[keyword]).map((option) => read(option, at))));
  }
  const reference = schema["$ref"];
  if (typeof reference === "string" && !at.open.includes(reference)) {
    const target = resolveReference(at.root, reference);
    parts.push(read(target, { ...at, open: [...at.open, reference] }));
  }
  return intersect(parts);
}

function acceptsObject(schema: JsonSchema): boolean {
  const { type } = schema;
  if (type !== undefined && type !== "object" && !elementsOf(type).includes("object")) return false;
  if ("const" in schema) return isObject(schema["const"]);
  return !Array.isArray(schema["enum"]) || schema["enum"].some(isObject);
}

function readOwn(schema: JsonSchema, root: JsonSchema): ObjectShape {
  const properties = isObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const required = elementsOf(schema["required"]).filter((name) => typeof name === "string");
  return {
    properties: new Map(
      properties.map(([name, property]) => {
        const own = toSchema(property);
        return [name, { schema: own, default: defaultOf(own, root) }];
      }),
    ),
    required: new Set(required),
  };
}

function toSchema(value: unknown): JsonSchema {
  if (isObject(value)) return value;
  return value === false ? { not: {} } : {};
}

function defaultOf(schema: JsonSchema, root: JsonSchema): string | null {
  if ("default" in schema) return JSON.stringify(schema["default"]) ?? null;
  if (typeof schema["$ref"] !== "string") return null;
  const target = resolveReference(root, schema["$ref"]);
  return isObject(target) && "default" in target ? JSON.stringify(target["default"]) : null;
}

/** The shape of what matches all parts. */
function intersect(parts: readonly (ObjectShape | null)[]): ObjectShape | null {
  const shapes = parts.filter((part) => part !== null);
  if (shapes.length < parts.length) return null;
  const properties = combine(shapes, (named) => ({
    schema: named.length === 1 ? only(named) : { allOf: named.map(({ schema }) => schema) },
    default: named.find((property) => property.default !== null)?.default ?? null,
  }));
  return { properties, required: new Set(shapes.flatMap(({ required }) => [...required])) };
}

/** The shape of what matches one part at least. */
function unite(parts: readonly (ObjectShape | null)[]): ObjectShape | null {
  const shapes = parts.filter((part) => part !== null);
  const [first] = shapes;
  if (first === undefined) return null;
  const properties = combine(shapes, (named) => {
    const defaults = new Set(named.map((property) => property.default));
    const [shared = null] = defaults;
    return {
      schema: named.length === 1 ? only(named) : { anyOf: named.map(({ schema }) => schema) },
      default: defaults.size === 1 ? shared : null,
    };
  });
  const required = [...first.required].filter((name) =>
    shapes.every((shape) => shape.required.has(name)),
  );
  return { properties, required: new Set(required) };
}

function combine(
  shapes: readonly ObjectShape[],
  merge: (named: readonly ObjectProperty[]) => ObjectProperty,
): ReadonlyMap<string, ObjectProperty> {
  const byName = new Map<string, ObjectProperty[]>();
  for (const { properties } of shapes) {
    for (const [name, property] of properties) {
      const named = byName.get(name);
      if (named === undefined) byName.set(name, [property]);
      else named.push(property);
    }
  }
  return new Map([...byName].map(([name, named]) => [name, merge(named)]));
}

function only(named: readonly ObjectProperty[]): JsonSchema {
  return named[0]?.schema ?? {};
}
