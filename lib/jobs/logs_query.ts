import * as v from "valibot";
import { HttpProblem, valuesOf } from "../http/mod.ts";
import { validate } from "../tasks/mod.ts";
import type { LogsOptions } from "./reader.ts";

const whole = (least: number, most: number) =>
  v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,15}$/, "Expected a whole number"),
      v.transform(Number),
      v.minValue(least, `Expected at least ${least}`),
      v.maxValue(most, `Expected at most ${most}`),
    ),
  );

const Query = v.strictObject({ after: whole(0, Number.MAX_SAFE_INTEGER), size: whole(1, 10_000) });

/**
 * Which lines of a log a query asks for.
 *
 * @throws {HttpProblem} 422
 */
export function readLogsQuery(query: URLSearchParams): LogsOptions {
  const parsed = validate(Query, valuesOf(query));
  if (parsed.issues === undefined) return parsed.value;
  throw new HttpProblem(422, "invalid-request", {
    detail: "The query may have after, the number of a line, and size, each once",
    issues: parsed.issues,
  });
}
