import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Marks a place in the code that is never reached.
 *
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} Always.
 *
 * @example
 * ```ts
 * import { unreachable } from "@std/assert";
 *
 * unreachable("every state is handled above"); // throws
 * ```
 */
export function unreachable(msg?: string): never {
  throw new AssertionError(`Unreachable${messageSuffix(msg)}`);
}
