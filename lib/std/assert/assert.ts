import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that a condition holds, and narrows its type.
 *
 * @param expr The condition; any truthy value will do.
 * @param msg The whole message of the failure.
 * @throws {AssertionError} If `expr` is falsy.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 *
 * assert("hello".includes("ello")); // passes
 * assert("hello".includes("world")); // throws
 * ```
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}
