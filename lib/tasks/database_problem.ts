import { HttpProblem } from "../http/mod.ts";
import {
  DatabaseBusyError,
  DatabaseClosedError,
  DatabaseUnavailableError,
} from "../storage/mod.ts";
import { isInstance } from "./thrown.ts";

/** Seconds after which a client may try again: a lock goes away by itself, a full disk takes longer. */
const RETRY_AFTER = { busy: "1", else: "10" };

/** A database that can't be used, as a 503; undefined for whatever else was thrown. */
export function databaseProblemOf(error: unknown): HttpProblem | undefined {
  if (isInstance(error, DatabaseClosedError)) {
    // A request that was there before its service stopped has come to it only now.
    return new HttpProblem(503, "unavailable", {
      detail: "The service is stopping",
      headers: { "retry-after": RETRY_AFTER.busy },
      cause: error,
    });
  }
  if (!isInstance(error, DatabaseUnavailableError)) return undefined;
  const retryAfter = isInstance(error, DatabaseBusyError) ? RETRY_AFTER.busy : RETRY_AFTER.else;
  return new HttpProblem(503, error.code, {
    detail: error.message,
    headers: { "retry-after": retryAfter },
    cause: error,
  });
}
