import * as v from "valibot";
import { HttpProblem } from "../http/mod.ts";
import { isUlid } from "../storage/mod.ts";
import { validate } from "../tasks/mod.ts";
import type { ListOptions } from "./job_list.ts";
import { JOB_STATUSES } from "./record.ts";

const Time = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text)), "Expected a time such as 2030-01-31T12:00Z"),
  v.transform((text) => new Date(text)),
);

const Query = v.strictObject({
  status_filter: v.optional(v.picklist(JOB_STATUSES)),
  task: v.optional(v.string()),
  tag: v.optional(v.array(v.pipe(v.string(), v.minLength(1, "Expected a tag")))),
  since: v.optional(Time),
  until: v.optional(Time),
  before: v.optional(v.pipe(v.string(), v.check(isUlid, "Expected the id of a job, a ULID"))),
  size: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,6}$/, "Expected a whole number"),
      v.transform(Number),
      v.minValue(1, "Expected at least 1"),
      v.maxValue(1_000, "Expected at most 1,000"),
    ),
  ),
});

/**
 * What the query of a list asks for.
 *
 * @throws {HttpProblem} 422 for what is no filter, or given twice.
 */
export function readListQuery(query: URLSearchParams): ListOptions {
  const sent: Record<string, string | string[]> = Object.create(null);
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const [first = ""] = values;
    // What is given twice is text nowhere, and so refused.
    sent[name] = name === "tag" || values.length > 1 ? values : first;
  }
  const parsed = validate(Query, { ...sent });
  if (parsed.issues !== undefined) {
    throw new HttpProblem(422, "invalid-request", {
      detail:
        "The query may have status_filter, task, tag, since, until, before and size, each once but for tag",
      issues: parsed.issues,
    });
  }
  const { status_filter: status, tag: tags, ...options } = parsed.value;
  return { ...options, status, tags };
}
