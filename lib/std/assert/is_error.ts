import { stripVTControlCharacters } from "node:util";
import type { ErrorClass } from "../internal/error_expectation.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";

/**
 * Asserts that a value is an error, perhaps of a class and with a message, and narrows its type.
 *
 * Colors in the message are not compared.
 *
 * @param error The value.
 * @param ErrorClass The class that the error must be an instance of; it may be abstract.
 * @param msgMatches The text that the error's message must include, or the pattern it must match.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If `error` is no `Error`, of another class or with another message.
 *
 * @example
 * ```ts
 * import { assertIsError } from "@std/assert";
 *
 * assertIsError(new RangeError("Out of range"), RangeError, "of range"); // passes
 * assertIsError(new RangeError("Out of range"), SyntaxError); // throws
 * assertIsError("Out of range"); // throws
 * ```
 */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorClass<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  const suffix = messageSuffix(msg);
  if (!(error instanceof Error)) {
    throw new AssertionError(`Expected "error" to be an Error object${suffix}`);
  }
  if (ErrorClass && !(error instanceof ErrorClass)) {
    throw new AssertionError(
      `Expected error to be instance of "${ErrorClass.name}", but was "${error.constructor?.name}"${suffix}`,
    );
  }
  if (msgMatches && !matches(error.message, msgMatches)) {
    const pattern = msgMatches instanceof RegExp ? `${msgMatches}` : JSON.stringify(msgMatches);
    throw new AssertionError(
      `Expected error message to include ${pattern}, but got ${JSON.stringify(error.message)}${suffix}`,
    );
  }
}

function matches(message: string, pattern: string | RegExp): boolean {
  const plain = stripVTControlCharacters(message);
  return typeof pattern === "string"
    ? plain.includes(stripVTControlCharacters(pattern))
    : pattern.test(plain);
}
