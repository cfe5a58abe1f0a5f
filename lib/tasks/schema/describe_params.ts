import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toAnnotation } from "./annotation.ts";
import { toJsonSchema } from "./json_schema.ts";
import { DIALECT } from "./json_schema_node.ts";
import { type ParameterInfo, toParameters, toSignature } from "./parameters.ts";

/** What a task's schemas say to a reader. */
export interface ParamsDescription {
  /** The parameters, in order. */
  parameters: ParameterInfo[];
  /** The signature, such as `(name: string = "World") => { message: string }`. */
  signature: string;
  /** The JSON Schema 2020-12 of the params. */
  inputSchema: Record<string, unknown>;
}

/**
 * Describes what a task takes and gives.
 *
 * Where the params are not known one by one (the schema's library offers no JSON Schema, or the
 * params are a record or no object) there are no parameters, and the signature begins `(...)`.
 *
 * @param params The schema of the params; a task without one takes none.
 * @param returns The schema of the result, if the task declares one.
 */
export function describeParams(
  params: StandardSchemaV1 | undefined,
  returns: StandardSchemaV1 | undefined,
): ParamsDescription {
  const inputSchema = toJsonSchema(params, "input");
  const result = returns === undefined ? null : toResultAnnotation(returns);
  if (inputSchema === null) {
    const permissive = { $schema: DIALECT, type: "object" };
    return { parameters: [], signature: withoutNames(result), inputSchema: permissive };
  }
  const parameters = toParameters(inputSchema);
  const known = parameters.length > 0 || toAnnotation(inputSchema) === "{}";
  const signature = known ? toSignature(parameters, result) : withoutNames(result);
  return { parameters, signature, inputSchema };
}

function toResultAnnotation(returns: StandardSchemaV1): string {
  const jsonSchema = toJsonSchema(returns, "output");
  return jsonSchema === null ? "unknown" : toAnnotation(jsonSchema);
}

function withoutNames(returns: string | null): string {
  return toSignature([], returns).replace("()", "(...)");
}
