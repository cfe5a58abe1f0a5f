import { diffMessage } from "../internal/diff_message.ts";
import { format } from "../internal/format.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { red } from "../internal/style.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that two values are one and the same in the sense of `Object.is()`.
 *
 * @param actual The value that came.
 * @param expected The value that it must be.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `Object.is(actual, expected)` is false.
 *
 * @example
 * ```ts
 * import { assertStrictEquals } from "@std/assert";
 *
 * const list = [1];
 * assertStrictEquals(list, list); // passes
 * assertStrictEquals(list, [1]); // throws
 * ```
 */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;

  const suffix = messageSuffix(msg);
  const rendered = format(actual);
  if (rendered === format(expected)) {
    const indented = rendered.replace(/^/gm, "    ");
    throw new AssertionError(
      `Values have the same structure but are not reference-equal${suffix}\n\n${red(indented)}\n`,
    );
  }
  throw new AssertionError(
    `Values are not strictly equal${suffix}\n${diffMessage(actual, expected)}`,
  );
}
