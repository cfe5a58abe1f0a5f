import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that a text includes another.
 *
 * @param actual The text to search.
 * @param expected The text to find in it.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `actual` does not include `expected`.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 *
 * assertStringIncludes("hello", "ello"); // passes
 * assertStringIncludes("hello", "world"); // throws
 * ```
 */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to contain: "${expected}"${messageSuffix(msg)}`,
  );
}
