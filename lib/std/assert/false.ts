import { AssertionError } from "./assertion_error.ts";

/** The values that count as false in a condition. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/**
 * Asserts that a condition does not hold, and narrows its type.
 *
 * @param expr The condition; any falsy value will do.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} If `expr` is truthy.
 *
 * @example
 * ```ts
 * import { assertFalse } from "@std/assert";
 *
 * assertFalse(false); // passes
 * assertFalse(true); // throws
 * ```
 */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}
