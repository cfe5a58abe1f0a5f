import type { Kysely } from "kysely";
import { type JobFilter, type NextIds, walkStatement } from "./job_list.ts";
import { newestId } from "./newest_id.ts";
import type { Pace } from "./pace.ts";
import type { JobTables } from "./tables.ts";

export interface BulkOptions {
  readonly db: Kysely<JobTables>;
  readonly pace: Pace;
  /** Changes what it can of a batch, and says how many that were. */
  readonly change: (ids: readonly string[]) => Promise<number>;
}

/**
 * Changes the jobs of these filters, which no job fits two of, batch by batch,
 * and resolves to how many it has changed.
 *
 * It goes up the ids, the oldest job first, to the newest that there is when it
 * begins, and meets each once: so it ends while jobs keep arriving, and what
 * comes back into a filter behind it is left alone.
 */
export async function changeInBatches(
  filters: readonly JobFilter[],
  { db, pace, change }: BulkOptions,
): Promise<number> {
  const last = await newestId(db);
  if (last === undefined) return 0;
  const walks: NextIds[] = [];
  for (const filter of filters) walks.push(await walkStatement(db, filter, last));
  let count = 0;
  let after = "";
  for (;;) {
    const { size } = pace;
    const ids = await nextOf(walks, after, size, db);
    const end = ids.at(-1);
    if (end === undefined) return count;
    count += await change(ids);
    if (ids.length < size) return count;
    after = end;
    await pace.rest();
  }
}

/** The next ids of several walks together. */
async function nextOf(
  walks: readonly NextIds[],
  after: string,
  size: number,
  db: Kysely<JobTables>,
): Promise<string[]> {
  const ids: string[] = [];
  for (const next of walks) {
    const { rows } = await next(after, size).execute(db);
    for (const { id } of rows) ids.push(id);
  }
  return ids.sort().slice(0, size);
}
