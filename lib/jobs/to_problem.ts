import { HttpProblem } from "../http/mod.ts";
import { LeaseLostError } from "../storage/mod.ts";
import {
  databaseProblemOf,
  SerializationError,
  TaskNotFoundError,
  ValidationError,
} from "../tasks/mod.ts";
import {
  IdempotencyConflictError,
  InvalidJobOptionsError,
  JobNotFoundError,
  JobStateError,
  ParamsTooLargeError,
  QueueFullError,
  SchedulerStoppedError,
} from "./errors.ts";
import { ScheduleNotFoundError } from "./schedules/errors.ts";

/** What a scheduler throws, as a problem document where the client can do something about it. */
export function toProblem(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const detail = error.message;
  if (error instanceof JobNotFoundError) return new HttpProblem(404, "job-not-found", { detail });
  if (error instanceof ScheduleNotFoundError) {
    return new HttpProblem(404, "schedule-not-found", { detail });
  }
  if (error instanceof TaskNotFoundError) {
    return new HttpProblem(404, "task-not-found", { detail });
  }
  if (error instanceof JobStateError) return new HttpProblem(409, "job-state", { detail });
  if (error instanceof IdempotencyConflictError) {
    return new HttpProblem(409, "idempotency-conflict", { detail });
  }
  if (error instanceof ParamsTooLargeError) {
    return new HttpProblem(413, "content-too-large", { detail });
  }
  if (error instanceof ValidationError) {
    return new HttpProblem(422, "invalid-params", { detail, issues: error.issues });
  }
  if (error instanceof InvalidJobOptionsError) {
    const issues = error.issues.map(({ path, message }) => ({
      path: path.map((key) => (typeof key === "string" ? toSnakeCase(key) : key)),
      message,
    }));
    return new HttpProblem(422, "invalid-request", { detail, issues });
  }
  if (error instanceof SerializationError) {
    return new HttpProblem(422, "invalid-params", { detail });
  }
  const headers = { "retry-after": "1" };
  if (error instanceof QueueFullError) {
    return new HttpProblem(503, "queue-full", { detail, headers });
  }
  if (error instanceof LeaseLostError || error instanceof SchedulerStoppedError) {
    return new HttpProblem(503, "unavailable", { detail, headers });
  }
  return databaseProblemOf(error) ?? error;
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
