import * as v from "valibot";
import { isUlid } from "../storage/mod.ts";
import type { JobFilter } from "./job_list.ts";
import { JOB_STATUSES } from "./record.ts";

/** The id of a job, as a filter may name one. */
export const JobId = v.pipe(v.string(), v.check(isUlid, "Expected the id of a job, a ULID"));

const Filter = v.strictObject({
  status: v.optional(v.picklist(JOB_STATUSES)),
  task: v.optional(v.string()),
  tags: v.optional(v.array(v.string())),
  since: v.optional(v.date()),
  until: v.optional(v.date()),
  before: v.optional(JobId),
});

/**
 * A list that misunderstands a filter shows too much; a deletion deletes it.
 *
 * @throws {TypeError} where it holds what is no filter.
 */
export function checkFilter(filter: JobFilter): void {
  const result = v.safeParse(Filter, filter);
  if (result.success) return;
  const [issue] = result.issues;
  const path = (issue.path ?? []).map(({ key }) => String(key)).join(".");
  throw new TypeError(`Cannot use this filter: ${path === "" ? "" : `${path}: `}${issue.message}`);
}

/** Whether every job fits this filter since it asks for nothing. */
export function isEmptyFilter({ tags, ...filter }: JobFilter): boolean {
  return (
    (tags === undefined || tags.length === 0) &&
    Object.values(filter).every((value) => value === undefined)
  );
}
