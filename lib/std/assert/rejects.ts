import { type ErrorClass, errorExpectation } from "../internal/error_expectation.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";
import { assertIsError } from "./is_error.ts";

/**
 * Asserts that a function returns a promise that rejects, whatever the reason.
 *
 * For a function that must throw there is `assertThrows()`.
 *
 * @param fn The function to call, once; it must return a promise, not throw.
 * @param msg What to add to the message of the failure.
 * @returns The reason of the rejection.
 * @throws {AssertionError} If the promise resolves, or `fn` returns none or throws.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => Promise.reject(new Error("gone"))); // passes
 * await assertRejects(() => Promise.resolve()); // throws
 * ```
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Asserts that a function returns a promise that rejects with an error of a class.
 *
 * @param fn The function to call, once; it must return a promise, not throw.
 * @param ErrorClass The class that the error must be an instance of; it may be abstract.
 * @param msgIncludes The text that the error's message must include.
 * @param msg What to add to the message of the failure.
 * @returns The error that the promise rejected with.
 * @throws {AssertionError} If the promise resolves or rejects with something else, or `fn` returns
 * none or throws.
 *
 * @example
 * ```ts
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => Promise.reject(new TypeError("gone")), TypeError, "gone"); // passes
 * await assertRejects(() => Promise.reject(new TypeError("gone")), SyntaxError); // throws
 * ```
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClassOrMsg?: ErrorClass<E> | string,
  msgIncludesOrMsg?: string,
  msg?: string,
): Promise<unknown> {
  const expectation = errorExpectation(errorClassOrMsg, msgIncludesOrMsg, msg);
  const suffix = messageSuffix(expectation.msg);
  const promise = callForPromise(fn, suffix);
  try {
    await promise;
  } catch (error) {
    if (expectation.errorClass) {
      if (!(error instanceof Error)) {
        throw new AssertionError(`A non-Error object was rejected${suffix}`);
      }
      assertIsError(error, expectation.errorClass, expectation.msgIncludes, expectation.msg);
    }
    return error;
  }
  throw new AssertionError(`Expected function to reject${suffix}`);
}

function callForPromise(fn: () => PromiseLike<unknown>, suffix: string): PromiseLike<unknown> {
  const message = `Function throws when expected to reject${suffix}`;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (cause) {
    throw new AssertionError(message, { cause });
  }
  // A function that returns no promise at all fails alike.
  if (typeof promise !== "object" || typeof promise?.then !== "function") {
    throw new AssertionError(message);
  }
  return promise;
}
