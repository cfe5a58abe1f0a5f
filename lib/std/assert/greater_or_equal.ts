import { format } from "../internal/format.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that one value is greater than or equal to another.
 *
 * @param actual The value that came.
 * @param expected The value to compare it with.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} Unless `actual >= expected`.
 *
 * @example
 * ```ts
 * import { assertGreaterOrEqual } from "@std/assert";
 *
 * assertGreaterOrEqual(1, 1); // passes
 * assertGreaterOrEqual(0, 1); // throws
 * ```
 */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (actual >= expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} >= ${format(expected)}`);
}
