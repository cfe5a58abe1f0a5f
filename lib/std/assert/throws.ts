import { type ErrorClass, errorExpectation } from "../internal/error_expectation.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";
import { assertIsError } from "./is_error.ts";

/**
 * Asserts that a function throws, whatever it throws.
 *
 * For a promise that must reject there is `assertRejects()`.
 *
 * @param fn The function to call, once.
 * @param msg What to add to the message of the failure.
 * @returns What was thrown.
 * @throws {AssertionError} If `fn` returns.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => JSON.parse("{")); // passes
 * assertThrows(() => JSON.parse("{}")); // throws
 * ```
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Asserts that a function throws an error of a class, perhaps with a message.
 *
 * @param fn The function to call, once.
 * @param ErrorClass The class that the error must be an instance of; it may be abstract.
 * @param msgIncludes The text that the error's message must include.
 * @param msg What to add to the message of the failure.
 * @returns The error that was thrown.
 * @throws {AssertionError} If `fn` returns, or throws something else.
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => JSON.parse("{"), SyntaxError); // passes
 * assertThrows(() => JSON.parse("{"), RangeError); // throws
 * ```
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClassOrMsg?: ErrorClass<E> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
): unknown {
  const expectation = errorExpectation(errorClassOrMsg, msgIncludesOrMsg, msg);
  const suffix = messageSuffix(expectation.msg);
  try {
    fn();
  } catch (error) {
    if (expectation.errorClass) {
      if (!(error instanceof Error)) {
        throw new AssertionError(`A non-Error object was thrown${suffix}`);
      }
      assertIsError(error, expectation.errorClass, expectation.msgIncludes, expectation.msg);
    }
    return error;
  }
  throw new AssertionError(`Expected function to throw${suffix}`);
}
