import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that a value is neither `null` nor `undefined`, and narrows its type.
 *
 * @param actual The value.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `actual` is `null` or `undefined`.
 *
 * @example
 * ```ts
 * import { assertExists } from "@std/assert";
 *
 * assertExists(0); // passes
 * assertExists(undefined); // throws
 * ```
 */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual !== null && actual !== undefined) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not be null or undefined${messageSuffix(msg)}`,
  );
}
