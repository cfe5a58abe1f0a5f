/**
 * The error that a failed assertion throws.
 *
 * @example
 * ```ts
 * import { AssertionError } from "@std/assert";
 *
 * throw new AssertionError("The queue is not empty", { cause: queue });
 * ```
 */
export class AssertionError extends Error {
  /**
   * Makes the error.
   *
   * @param message What was expected, and what came instead.
   * @param options `cause`, as in every error.
   */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}
