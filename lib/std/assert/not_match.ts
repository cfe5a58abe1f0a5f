import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that a text does not match a pattern.
 *
 * @param actual The text.
 * @param expected The pattern.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `actual` matches `expected`.
 *
 * @example
 * ```ts
 * import { assertNotMatch } from "@std/assert";
 *
 * assertNotMatch("Denosaurus", /Rapt/); // passes
 * assertNotMatch("Raptor", /Rapt/); // throws
 * ```
 */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) return;
  throw new AssertionError(
    `Expected actual: "${actual}" to not match: "${expected}"${messageSuffix(msg)}`,
  );
}
