import { format } from "../internal/format.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/**
 * Asserts that two values are not deeply equal.
 *
 * @param actual The value that came.
 * @param expected The value that it must differ from.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If the values are equal in the sense of `equal()`.
 *
 * @example
 * ```ts
 * import { assertNotEquals } from "@std/assert";
 *
 * assertNotEquals(1, 2); // passes
 * assertNotEquals([1], [1]); // throws
 * ```
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!equal(actual, expected)) return;
  throw new AssertionError(
    `Expected actual: ${format(actual)} not to be: ${format(expected)}${messageSuffix(msg)}`,
  );
}
