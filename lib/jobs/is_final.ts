import { isInstance, TaskNotFoundError, ValidationError } from "../tasks/mod.ts";
import { NonRetryableError } from "./errors.ts";

/**
 * Whether another run of this task would end so again, whatever retries are
 * left. What another task of its was refused for is an error like any other.
 */
export function isFinal(error: unknown, taskName: string | null): boolean {
  if (isInstance(error, NonRetryableError)) return true;
  return (
    (isInstance(error, ValidationError) || isInstance(error, TaskNotFoundError)) &&
    error.taskName === taskName
  );
}
