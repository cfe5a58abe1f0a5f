import type { StandardSchemaV1 } from "@standard-schema/spec";
import { cut } from "./cut.ts";

/** No more issues than this are kept; the first are the ones to fix. */
const MAX_ISSUES = 100;

/** Longer messages are cut: libraries quote the value, which may be the whole request. */
const MAX_MESSAGE_LENGTH = 500;

/** Longer keys in a path are cut. */
const MAX_KEY_LENGTH = 200;

/** Deeper paths are cut at their end. */
const MAX_PATH_LENGTH = 100;

/** One thing that is wrong with a value. */
export interface ValidationIssue {
  /** The property names and array indexes that lead to it; empty for the value itself. */
  readonly path: (string | number)[];
  /** What is wrong there. */
  readonly message: string;
}

/** What validation gives: the value as the schema makes it, or what is wrong with it. */
export type ValidationResult<Output> =
  | { readonly value: Output; readonly issues?: never }
  | { readonly issues: ValidationIssue[]; readonly value?: never };

/**
 * Validates a value by a Standard Schema.
 *
 * The result comes at once where the schema validates synchronously, as valibot's do but for those
 * that are called async, so that no promise is made for it. Issues are bounded, whatever was sent: at most 100 of them, with messages of at most 500
 * characters, and paths of at most 100 keys of at most 200 characters.
 *
 * @throws What the schema's own functions throw.
 *
 * @example
 * ```ts
 * const result = validate(v.object({ name: v.string() }), { name: 1 });
 * // { issues: [{ path: ["name"], message: "Invalid type: Expected string but received 1" }] }
 * ```
 */
export function validate<Output>(
  schema: StandardSchemaV1<unknown, Output> & { readonly async: false },
  value: unknown,
): ValidationResult<Output>;
export function validate<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  value: unknown,
): ValidationResult<Output> | Promise<ValidationResult<Output>>;
export function validate<Output>(
  schema: StandardSchemaV1<unknown, Output>,
  value: unknown,
): ValidationResult<Output> | Promise<ValidationResult<Output>> {
  const result = schema["~standard"].validate(value);
  // Not `instanceof`: another realm's promise, taken for a result, would count as valid.
  return "then" in result ? Promise.resolve(result).then(toResult) : toResult(result);
}

function toResult<Output>(result: StandardSchemaV1.Result<Output>): ValidationResult<Output> {
  if (!result.issues) return { value: result.value };
  return { issues: firstOf(result.issues, MAX_ISSUES).map(toIssue) };
}

function toIssue({ message, path = [] }: StandardSchemaV1.Issue): ValidationIssue {
  return {
    path: firstOf(path, MAX_PATH_LENGTH).map(toKey),
    message: cut(message, MAX_MESSAGE_LENGTH),
  };
}

/** The first elements in an array of its own: libraries give subclasses, whose `map` gives them too. */
function firstOf<Element>(elements: readonly Element[], count: number): Element[] {
  return elements.values().take(count).toArray();
}

function toKey(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key: unknown = typeof segment === "object" ? segment.key : segment;
  if (typeof key === "number" && Number.isFinite(key)) return key;
  return cut(toText(key), MAX_KEY_LENGTH);
}

/** A key as text. A Map's keys are any values at all, whatever the types of Standard Schema say. */
function toText(key: unknown): string {
  try {
    return String(key);
  } catch {
    // An object without a prototype has no text of its own.
    return "[object]";
  }
}
