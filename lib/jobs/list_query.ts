import * as v from "valibot";
import { HttpProblem, valuesOf } from "../http/mod.ts";
import { type ValidationIssue, validate } from "../tasks/mod.ts";
import { JobId } from "./job_filter.ts";
import type { JobFilter, ListOptions } from "./job_list.ts";
import { JOB_STATUSES } from "./record.ts";
import { Time } from "./time.ts";

/** In a query `+` stands for a space, unless it is encoded; nobody does that to an offset. */
const QueryTime = v.pipe(
  v.string(),
  v.transform((text) => text.replace(/ (?=\d\d:?\d\d$)/, "+")),
  Time,
);

/** As many as a job may have. */
const MOST_TAGS = 50;

const Filter = v.strictObject({
  status_filter: v.optional(v.picklist(JOB_STATUSES)),
  task: v.optional(v.string()),
  tag: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1, "Expected a tag"))),
      v.maxLength(MOST_TAGS, `Expected at most ${MOST_TAGS} tags`),
    ),
  ),
  since: v.optional(QueryTime),
  until: v.optional(QueryTime),
  before: v.optional(JobId),
});

const Query = v.strictObject({
  ...Filter.entries,
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
  const parsed = validate(Query, valuesOf(query, ["tag"]));
  if (parsed.issues !== undefined) {
    throw new HttpProblem(422, "invalid-request", {
      detail:
        "The query may have status_filter, task, tag, since, until, before and size, each once but for tag",
      issues: parsed.issues,
    });
  }
  const { size, ...filter } = parsed.value;
  return { ...toFilter(filter), size };
}

/** A filter as it comes over HTTP, but for the size of a list; `issues` where it is none. */
export function parseFilter(
  sent: object,
): { issues: readonly ValidationIssue[]; filter?: never } | { issues?: never; filter: JobFilter } {
  const parsed = validate(Filter, sent);
  return parsed.issues === undefined
    ? { filter: toFilter(parsed.value) }
    : { issues: parsed.issues };
}

function toFilter({
  status_filter: status,
  tag: tags,
  ...filter
}: v.InferOutput<typeof Filter>): JobFilter {
  return { ...filter, status, tags };
}
