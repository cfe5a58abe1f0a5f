import { diffMessage } from "../internal/diff_message.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/**
 * Asserts that two values are deeply equal, and shows where they differ if not.
 *
 * What a value does not show in its properties is not compared: read the bytes of a `Blob`, the
 * body of a `Request` or `Response`, and compare those.
 *
 * @param actual The value that came.
 * @param expected The value to compare it with.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If the values are not equal in the sense of `equal()`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals({ id: 1 }, { id: 1 }); // passes
 * assertEquals("hello", "world"); // throws
 * ```
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (equal(actual, expected)) return;
  throw new AssertionError(
    `Values are not equal${messageSuffix(msg)}\n${diffMessage(actual, expected)}`,
  );
}
