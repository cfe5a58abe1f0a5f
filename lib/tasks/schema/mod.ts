/**
 * What a task's schemas say: JSON Schema, TypeScript, parameters, and whether a value is valid.
 *
 * @module
 */
export { toAnnotation } from "./annotation.ts";
export { cut } from "./cut.ts";
export { describeParams, type ParamsDescription } from "./describe_params.ts";
export { toJsonSchema } from "./json_schema.ts";
export { isObject, type JsonSchema } from "./json_schema_node.ts";
export { type ParameterInfo, toParameters, toSignature } from "./parameters.ts";
export { type ValidationIssue, type ValidationResult, validate } from "./validate.ts";
