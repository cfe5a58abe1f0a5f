import { elementsOf, isObject, type JsonSchema } from "./json_schema_node.ts";
import { nativeTypeOf } from "./native_type.ts";
import { isIdentifier, toPropertyName } from "./property_name.ts";
import { nameOfReference, resolveReference } from "./reference.ts";
import {
  arrayOf,
  intersectionOf,
  NEVER,
  optionalOf,
  single,
  type TypeExpression,
  UNKNOWN,
  unionOf,
  write,
} from "./type_expression.ts";

/** Types nested deeper than this are written as `unknown`. */
const MAX_DEPTH = 16;

/** After this many subschemas and literals of one type the rest of it is written as `unknown`. */
const MAX_PARTS = 500;

/** A longer literal is written as its type. */
const MAX_LITERAL_LENGTH = 200;

/** Names that libraries give to definitions whose author gave none. */
const GENERATED_NAME = /\d$/;

/**
 * Writes the type that a JSON Schema describes as TypeScript, on one line.
 *
 * A `$ref` to a named definition (`User`) is written by its name; one whose name was made up by the
 * library is written out, and by its name only where it recurs. What JSON Schema couldn't say is
 * written as the type that {@linkcode toJsonSchema} met (`Date`, `bigint`). Types more than 16
 * levels deep, or past 500 parts, end in `unknown`.
 *
 * @param jsonSchema The schema to write.
 * @param root The document that its `$ref`s point into, itself by default.
 *
 * @example
 * ```ts
 * toAnnotation({ type: "array", items: { type: ["string", "null"] } }); // "(string | null)[]"
 * ```
 */
export function toAnnotation(jsonSchema: JsonSchema, root: JsonSchema = jsonSchema): string {
  return write(toType(jsonSchema, { root, open: [], depth: 0, budget: { left: MAX_PARTS } }));
}

interface Position {
  readonly root: JsonSchema;
  /** The references that lead here, for the end of recursion. */
  readonly open: readonly string[];
  readonly depth: number;
  readonly budget: { left: number };
}

function toType(schema: unknown, at: Position): TypeExpression {
  if (schema === false) return NEVER;
  if (!isObject(schema) || --at.budget.left < 0 || at.depth > MAX_DEPTH) return UNKNOWN;
  const nativeType = nativeTypeOf(schema);
  if (nativeType !== undefined) return single(nativeType);
  const below = { ...at, depth: at.depth + 1 };
  const parts = elementsOf(schema["allOf"]).map((part) => toType(part, below));
  for (const keyword of ["anyOf", "oneOf"]) {
    if (!Array.isArray(schema[keyword])) continue;
    parts.push(unionOf(elementsOf(schema[keyword]).map((option) => toType(option, below))));
  }
  if (typeof schema["$ref"] === "string") parts.push(toReferenceType(schema["$ref"], below));
  if (isObject(schema["not"]) && Object.keys(schema["not"]).length === 0) parts.push(NEVER);
  return intersectionOf([toOwnType(schema, parts.length > 0, below), ...parts]);
}

/** The type that a schema's own keywords describe, without those that combine schemas. */
function toOwnType(schema: JsonSchema, combined: boolean, at: Position): TypeExpression {
  if ("const" in schema) return toLiterals([schema["const"]], at);
  if (Array.isArray(schema["enum"])) return toLiterals(elementsOf(schema["enum"]), at);
  const type = schema["type"] ?? impliedType(schema);
  // Beside others, a bare `type: "object"` says nothing that they don't.
  if (combined && type === "object" && impliedType(schema) !== "object") return UNKNOWN;
  const types = typeof type === "string" ? [type] : elementsOf(type);
  if (types.length === 0) return UNKNOWN;
  return unionOf(types.map((name) => toNamedType(name, schema, at)));
}

function impliedType(schema: JsonSchema): string | undefined {
  if ("properties" in schema || "additionalProperties" in schema) return "object";
  return "prefixItems" in schema || "items" in schema ? "array" : undefined;
}

function toNamedType(name: unknown, schema: JsonSchema, at: Position): TypeExpression {
  switch (name) {
    case "string":
    case "number":
    case "boolean":
    case "null":
      return single(name);
    case "integer":
      return single("number");
    case "array":
      return toArrayType(schema, at);
    case "object":
      return toObjectType(schema, at);
    default:
      return UNKNOWN;
  }
}

function toLiterals(values: readonly unknown[], at: Position): TypeExpression {
  at.budget.left -= values.length;
  const types = values.map((value) => {
    const text = JSON.stringify(value) ?? "unknown";
    const tooMuch = at.budget.left < 0 || text.length > MAX_LITERAL_LENGTH;
    return single(tooMuch && value !== null ? typeof value : text);
  });
  return unionOf(types);
}

function toArrayType(schema: JsonSchema, at: Position): TypeExpression {
  if (!Array.isArray(schema["prefixItems"])) return arrayOf(toType(schema["items"], at));
  const { minItems } = schema;
  const items = elementsOf(schema["prefixItems"]).map((item, index) => {
    const type = toType(item, at);
    return typeof minItems === "number" && index >= minItems ? optionalOf(type) : write(type);
  });
  const rest = isObject(schema["items"]) ? write(arrayOf(toType(schema["items"], at))) : undefined;
  return single(`[${[...items, ...(rest === undefined ? [] : [`...${rest}`])].join(", ")}]`);
}

function toObjectType(schema: JsonSchema, at: Position): TypeExpression {
  const required = new Set(elementsOf(schema["required"]));
  const properties = isObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const members = properties.map(([name, property]) => {
    const optional = required.has(name) ? "" : "?";
    return `${toPropertyName(name)}${optional}: ${write(toType(property, at))}`;
  });
  const others = toOtherPropertiesType(schema, at);
  if (members.length === 0 && others !== undefined) return toRecordType(schema, others, at);
  if (members.length === 0) {
    return single(isObject(schema["properties"]) ? "{}" : "Record<string, unknown>");
  }
  if (others !== undefined) members.push(`[key: string]: ${write(others)}`);
  return single(`{ ${members.join("; ")} }`);
}

function toOtherPropertiesType(schema: JsonSchema, at: Position): TypeExpression | undefined {
  const { additionalProperties, patternProperties } = schema;
  const others = isObject(patternProperties) ? Object.values(patternProperties) : [];
  if (isObject(additionalProperties) || additionalProperties === true) {
    others.push(additionalProperties);
  }
  return others.length === 0 ? undefined : unionOf(others.map((other) => toType(other, at)));
}

function toRecordType(schema: JsonSchema, value: TypeExpression, at: Position): TypeExpression {
  const names = schema["propertyNames"];
  const key = isObject(names) ? toType(names, at) : UNKNOWN;
  const literals = key.members.every((member) => member.startsWith('"'));
  const written = `Record<${literals ? write(key) : "string"}, ${write(value)}>`;
  const complete = key.members.length === elementsOf(schema["required"]).length;
  return single(literals && !complete ? `Partial<${written}>` : written);
}

function toReferenceType(reference: string, at: Position): TypeExpression {
  const target = resolveReference(at.root, reference);
  if (target === undefined) return UNKNOWN;
  const name = nameOfReference(reference);
  const title = isObject(target) ? target["title"] : undefined;
  const named = typeof title === "string" && isIdentifier(title) ? title : name;
  const recurs = at.open.includes(reference) || target === at.root;
  if (isIdentifier(named) && (recurs || !GENERATED_NAME.test(named))) return single(named);
  if (!recurs) return toType(target, { ...at, open: [...at.open, reference] });
  return single(name === "" ? "Root" : `Schema${name.replaceAll(/[^\p{ID_Continue}]/gu, "_")}`);
}
