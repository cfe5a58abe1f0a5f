import { format } from "../internal/format.ts";
import { messageSuffix } from "../internal/message_suffix.ts";
import { AssertionError } from "./assertion_error.ts";
import { equal } from "./equal.ts";

/** What can be searched by index: an array, a typed array, a list of nodes; not a string. */
export type ArrayLikeArg<T> = ArrayLike<T> & object;

/**
 * Asserts that a list includes every given entry, in any order.
 *
 * @param actual The list to search.
 * @param expected The entries to find in it.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If an entry of `expected` equals none of `actual`, in the sense of
 * `equal()`.
 *
 * @example
 * ```ts
 * import { assertArrayIncludes } from "@std/assert";
 *
 * assertArrayIncludes([{ id: 1 }, { id: 2 }], [{ id: 2 }]); // passes
 * assertArrayIncludes([1, 2, 3], [4]); // throws
 * ```
 */
export function assertArrayIncludes<T>(
  actual: ArrayLikeArg<T>,
  expected: ArrayLikeArg<NoInfer<T>>,
  msg?: string,
): void {
  const present = Array.from(actual);
  const missing = Array.from(expected).filter(
    (entry) => !present.some((other) => equal(entry, other)),
  );
  if (missing.length === 0) return;
  throw new AssertionError(
    `Expected actual: "${format(actual)}" to include: "${format(expected)}"${messageSuffix(msg)}\n` +
      `missing: ${format(missing)}`,
  );
}
