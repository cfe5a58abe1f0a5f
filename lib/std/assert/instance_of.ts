import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/** Any class that can be made an instance of. */
export type AnyConstructor = new (...args: never[]) => unknown;
/** What a class makes. */
export type GetConstructorType<T extends abstract new (...args: never[]) => unknown> =
  T extends abstract new (...args: never[]) => infer Instance ? Instance : never;

/**
 * Asserts that a value is an instance of a class, and narrows its type.
 *
 * @param actual The value.
 * @param expectedType The class; it may be abstract.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `actual` is no instance of `expectedType`.
 *
 * @example
 * ```ts
 * import { assertInstanceOf } from "@std/assert";
 *
 * assertInstanceOf(new Date(), Date); // passes
 * assertInstanceOf(new Date(), Number); // throws
 * ```
 */
export function assertInstanceOf<T extends abstract new (...args: never[]) => unknown>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is GetConstructorType<T> {
  if (actual instanceof expectedType) return;

  const expected = `Expected object to be an instance of "${expectedType.name}"`;
  const suffix = messageSuffix(msg);
  const name = typeName(actual);
  // Two classes of one name: to say that it "was" that name would mislead.
  if (name === expectedType.name) throw new AssertionError(expected + suffix);
  if (name === "function") {
    throw new AssertionError(`${expected} but was not an instanced object${suffix}`);
  }
  throw new AssertionError(`${expected} but was "${name}"${suffix}`);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  return value.constructor?.name ?? "Object";
}
