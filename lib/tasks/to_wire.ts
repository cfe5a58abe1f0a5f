import { ResultValidationError, SerializationError, ValidationError } from "./errors.ts";
import type { ValidationIssue } from "./schema/mod.ts";
import type { TaskInfo } from "./task_info.ts";
import { isInstance, messageOf, nameOf, tracebackOf } from "./thrown.ts";

/** A TaskInfo as it goes over HTTP. */
export function toWire(info: TaskInfo): Record<string, unknown> {
  return {
    name: info.name,
    docstring: info.docstring,
    signature: info.signature,
    parameters: info.parameters,
    tags: info.tags,
    inject: info.inject,
    input_schema: info.inputSchema,
  };
}

/** The `error` of an execution, as it goes over HTTP. */
export interface ErrorOnWire {
  /** The error's name, such as `TypeError`. */
  readonly type: string;
  readonly message: string;
  /** The stack, with those of the causes; null where it is switched off. */
  readonly traceback: string | null;
  /** What is wrong with the params, or the result. */
  readonly issues?: readonly ValidationIssue[];
}

/** Describes whatever was thrown. It throws nothing itself, however odd that is. */
export function errorToWire(error: unknown, { traceback }: { traceback: boolean }): ErrorOnWire {
  const wire = {
    type: nameOf(error),
    message: messageOf(error),
    traceback: traceback ? tracebackOf(error) : null,
  };
  return isInstance(error, ValidationError) || isInstance(error, ResultValidationError)
    ? { ...wire, issues: error.issues }
    : wire;
}

/**
 * A task's result as JSON; nothing is `null`.
 *
 * @throws {SerializationError} for a cycle, a BigInt, or a `toJSON()` that gives nothing.
 */
export function resultToJson(taskName: string, result: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(result ?? null);
  } catch (cause) {
    throw new SerializationError(taskName, { cause });
  }
  if (json === undefined) throw new SerializationError(taskName);
  return json;
}
