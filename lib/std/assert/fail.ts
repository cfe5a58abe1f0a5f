import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Fails, for a place that a passing test never reaches.
 *
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} Always.
 *
 * @example
 * ```ts
 * import { fail } from "@std/assert";
 *
 * fail("the handler was called twice"); // throws
 * ```
 */
export function fail(msg?: string): never {
  throw new AssertionError(`Failed assertion${messageSuffix(msg)}`);
}
