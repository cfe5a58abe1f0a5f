import {
  isInstance,
  SerializationError,
  TaskNotFoundError,
  ValidationError,
} from "../tasks/mod.ts";
import { NonRetryableError, ResultTooLargeError } from "./errors.ts";

/** Errors that another run would end with again. */
const FINAL: readonly (abstract new (...args: never[]) => Error)[] = [
  NonRetryableError,
  ValidationError,
  SerializationError,
  ResultTooLargeError,
  TaskNotFoundError,
];

/** Whether a job that has failed with this fails for good, whatever retries are left. */
export function isFinal(error: unknown): boolean {
  return FINAL.some((type) => isInstance(error, type));
}
