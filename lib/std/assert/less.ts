import { format } from "../internal/format.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that one value is less than another.
 *
 * @param actual The value that came.
 * @param expected The value to compare it with.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} Unless `actual < expected`.
 *
 * @example
 * ```ts
 * import { assertLess } from "@std/assert";
 *
 * assertLess(1, 2); // passes
 * assertLess(1, 1); // throws
 * ```
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (actual < expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} < ${format(expected)}`);
}
