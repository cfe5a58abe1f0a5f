import { stripVTControlCharacters } from "node:util";
import { AssertionError } from "@std/assert";

/** Runs an assertion that must fail, and returns its message without colors. */
export function failure(assertion: () => unknown): string {
  try {
    assertion();
  } catch (error) {
    if (error instanceof AssertionError) return stripVTControlCharacters(error.message);
    throw error;
  }
  throw new Error("The assertion passed, where it had to fail");
}

/** `failure()` for an assertion that returns a promise. */
export async function asyncFailure(assertion: () => Promise<unknown>): Promise<string> {
  const outcome = await assertion().then(
    () => () => {},
    (error: unknown) => () => {
      throw error;
    },
  );
  return failure(outcome);
}
