import { toAnnotation } from "./annotation.ts";
import type { JsonSchema } from "./json_schema_node.ts";
import { toObjectShape } from "./object_shape.ts";
import { toPropertyName } from "./property_name.ts";

/** What a task's description says of one parameter. */
export interface ParameterInfo {
  /** The name under which it is sent in `params`. */
  name: string;
  /** Its type, written as TypeScript. */
  annotation: string;
  /** What it is when it is left out, written as JSON; null where there is no default. */
  default: string | null;
  /** Whether it must be sent. */
  required: boolean;
}

/**
 * Lists the parameters that a task's params describe: the object's properties, in order.
 *
 * Of a union of objects all properties are listed, required where every branch requires them.
 *
 * @param jsonSchema The JSON Schema of the params, as {@linkcode toJsonSchema} gives it.
 * @returns The parameters; none where the schema accepts no object, or names no property.
 */
export function toParameters(jsonSchema: JsonSchema): ParameterInfo[] {
  const shape = toObjectShape(jsonSchema, jsonSchema);
  if (shape === null) return [];
  return [...shape.properties].map(([name, property]) => {
    const required = shape.required.has(name);
    return {
      name,
      annotation: toAnnotation(property.schema, jsonSchema),
      // A default of what must be sent (`v.nullable(v.string(), "x")`) replaces null, not absence.
      default: required ? null : property.default,
      required,
    };
  });
}

/**
 * Writes a task's signature, such as `(name: string = "World") => { message: string }`.
 *
 * @param parameters The task's parameters.
 * @param returns The type of its result, or null where it declares none.
 */
export function toSignature(parameters: readonly ParameterInfo[], returns: string | null): string {
  const written = parameters.map((parameter) => {
    const optional = parameter.required || parameter.default !== null ? "" : "?";
    const value = parameter.default === null ? "" : ` = ${parameter.default}`;
    return `${toPropertyName(parameter.name)}${optional}: ${parameter.annotation}${value}`;
  });
  return `(${written.join(", ")})${returns === null ? "" : ` => ${returns}`}`;
}
