import { format } from "../internal/format.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that one value is greater than another.
 *
 * @param actual The value that came.
 * @param expected The value to compare it with.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} Unless `actual > expected`.
 *
 * @example
 * ```ts
 * import { assertGreater } from "@std/assert";
 *
 * assertGreater(2, 1); // passes
 * assertGreater(1, 1); // throws
 * ```
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (actual > expected) return;
  throw new AssertionError(msg ?? `Expect ${format(actual)} > ${format(expected)}`);
}
