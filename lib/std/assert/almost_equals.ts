import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/** One hundred thousandth of a percent. */
const RELATIVE_TOLERANCE = 1e-7;

/**
 * Asserts that two numbers are equal but for rounding.
 *
 * @param actual The number that came.
 * @param expected The number to compare it with.
 * @param tolerance How far apart they may be; by default one hundred thousandth of a percent of
 * `expected`, and 1e-7 where `expected` is not finite.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If the numbers are further apart than `tolerance`.
 *
 * @example
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(0.1 + 0.2, 0.3); // passes
 * assertAlmostEquals(0.1, 0.2, 0.5); // passes
 * assertAlmostEquals(0.1, 0.2); // throws
 * ```
 */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const allowed =
    tolerance ??
    (Number.isFinite(expected) ? Math.abs(expected * RELATIVE_TOLERANCE) : RELATIVE_TOLERANCE);
  if (delta <= allowed) return;
  throw new AssertionError(
    `Expected actual: "${text(actual)}" to be close to "${text(expected)}": ` +
      `delta "${text(delta)}" is greater than "${text(allowed)}"${messageSuffix(msg)}`,
  );
}

function text(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toExponential();
}
