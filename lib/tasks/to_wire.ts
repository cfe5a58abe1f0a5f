import { ResultValidationError, SerializationError, ValidationError } from "./errors.ts";
import type { ValidationIssue } from "./schema/mod.ts";
import type { TaskInfo } from "./task_info.ts";

/** More causes than this tell a reader nothing. */
const MOST_CAUSES = 20;

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
    type: read(error, "name") ?? "Error",
    message: read(error, "message") ?? textOf(error),
    traceback: traceback ? tracebackOf(error) : null,
  };
  return isInstance(error, ValidationError) || isInstance(error, ResultValidationError)
    ? { ...wire, issues: error.issues }
    : wire;
}

/** `instanceof` for whatever was thrown: of a revoked proxy it throws. */
export function isInstance<T>(
  value: unknown,
  type: abstract new (...args: never[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    // What can't be looked at is nothing that is known here.
    return false;
  }
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

function tracebackOf(error: unknown): string | null {
  const stacks: string[] = [];
  const seen = new Set<unknown>();
  for (let at = error; isInstance(at, Error) && !seen.has(at); at = causeOf(at)) {
    // A getter may make new causes without end.
    if (seen.size === MOST_CAUSES) break;
    seen.add(at);
    stacks.push(read(at, "stack") ?? textOf(at));
  }
  return stacks.length === 0 ? null : stacks.join("\nCaused by: ");
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    // A getter that throws has nothing to tell.
    return undefined;
  }
}

/** A property as text, from an object that may be hostile. */
function read(value: unknown, key: "name" | "message" | "stack"): string | undefined {
  try {
    if (!isInstance(value, Error)) return undefined;
    const text: unknown = value[key];
    return typeof text === "string" ? text : undefined;
  } catch {
    // A getter that throws has nothing to tell.
    return undefined;
  }
}

function textOf(value: unknown): string {
  try {
    return typeof value === "object" && value !== null
      ? (JSON.stringify(value) ?? "")
      : String(value);
  } catch {
    return "something was thrown that can't be described";
  }
}
