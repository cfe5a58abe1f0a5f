import { format } from "../internal/format.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that one value is less than or equal to another.
 *
 * @param actual The value that came.
 * @param expected The value to compare it with.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} Unless `actual <= expected`.
 *
 * @example
 * ```ts
 * import { assertLessOrEqual } from "@std/assert";
 *
 * assertLessOrEqual(1, 1); // passes
 * assertLessOrEqual(1, 0); // throws
 * ```
 */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual <= expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} <= ${format(expected)}`);
}
