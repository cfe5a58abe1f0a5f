import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidResultError, ResultValidationError, ValidationError } from "./errors.ts";
import { type ValidationIssue, type ValidationResult, validate } from "./schema/mod.ts";
import type { Awaitable, Task } from "./task.ts";
import { asksForInherited } from "./task_info.ts";

/**
 * Validated params; a promise only where the schema is asynchronous.
 *
 * @throws {ValidationError}
 */
export function parseParams(task: Task, sent: unknown): Awaitable<unknown> {
  if (task.params === undefined) return {};
  const params = sent ?? {};
  return parse(
    task.params,
    asksForInherited(task) ? withoutPrototype(params) : params,
    (issues) => new ValidationError(task.name, issues),
  );
}

/**
 * The validated result; a promise only where the schema is asynchronous.
 *
 * @throws {InvalidResultError}
 * @throws {ResultValidationError}
 */
export function parseResult(task: Task, result: unknown): Awaitable<unknown> {
  if (typeof result !== "object" && result !== undefined) {
    throw new InvalidResultError(task.name, result);
  }
  if (task.returns === undefined) return result;
  return parse(task.returns, result, (issues) => new ResultValidationError(task.name, issues));
}

/**
 * Plain params with nothing inherited: schemas ask for `"toString" in params`,
 * and would find what nobody sent.
 */
function withoutPrototype(params: unknown): unknown {
  return typeof params === "object" && Object.getPrototypeOf(params) === Object.prototype
    ? Object.assign(Object.create(null), params)
    : params;
}

function parse(
  schema: StandardSchemaV1,
  value: unknown,
  toError: (issues: readonly ValidationIssue[]) => Error,
): Awaitable<unknown> {
  const unwrap = (parsed: ValidationResult<unknown>): unknown => {
    if (parsed.issues !== undefined) throw toError(parsed.issues);
    return parsed.value;
  };
  const parsed = validate(schema, value);
  return parsed instanceof Promise ? parsed.then(unwrap) : unwrap(parsed);
}
