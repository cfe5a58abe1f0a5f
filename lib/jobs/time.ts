import * as v from "valibot";

/** ISO 8601 with its offset from UTC, or a date alone. */
const TIME = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d))?$/;

/** A time as it comes over HTTP, such as `2030-01-31T12:00:00Z`; a date alone begins in UTC. */
export const Time = v.pipe(
  v.string(),
  v.check(isTime, "Expected a time such as 2030-01-31T12:00:00Z"),
  v.transform((text) => new Date(text)),
);

function isTime(text: string): boolean {
  const date = TIME.exec(text)?.[1];
  if (date === undefined || Number.isNaN(Date.parse(text))) return false;
  // The 31st of a shorter month would be taken for the next one's first.
  return new Date(date).toISOString().startsWith(date);
}
