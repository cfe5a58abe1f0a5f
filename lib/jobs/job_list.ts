import { type Kysely, type RawBuilder, sql } from "kysely";
import { firstUlid } from "../storage/mod.ts";
import type { JobStatus } from "./record.ts";
import type { JobRow, JobTables } from "./tables.ts";

/** Which jobs a list shows; all that is given must hold. */
export interface JobFilter {
  status?: JobStatus | undefined;
  task?: string | undefined;
  /** All of these. */
  tags?: readonly string[] | undefined;
  /** Submitted at this time or later. */
  since?: Date | undefined;
  /** Submitted before this time. */
  until?: Date | undefined;
}

export interface ListOptions extends JobFilter {
  /** Older than the job of this id: the last one of the page before. */
  before?: string | undefined;
  /** At most 1,000. @default {100} */
  size?: number | undefined;
}

type Sql = RawBuilder<unknown>;

/** A way through jobs by an index that has their ids in order. */
interface Walk {
  /** The table of the index. */
  readonly index: Sql;
  /** Its column of the ids. */
  readonly id: Sql;
  /** Which part of it is walked. */
  readonly where: readonly Sql[];
  /** That table, with the records. */
  readonly from: Sql;
  /** Holds for a job on this way too, where another one is walked; `+` keeps SQLite from walking this one. */
  readonly check: (id: Sql) => Sql;
}

/** Between which ids, and times, the jobs are. */
interface Range {
  /** On the column of the ids. */
  readonly bounds: (id: Sql) => Sql[];
  /** On the record. */
  readonly checks: readonly Sql[];
}

/** Of more jobs than this it makes no difference how many more there are. */
const MOST_COUNTED = 10_000;

const jobs = sql.table("jobs");
const jobId = sql.ref("jobs.id");
const jobTags = sql.table("job_tags");
const taggedId = sql.ref("job_tags.job_id");
const submittedAt = sql.ref("jobs.submitted_at");

const everyJob: Walk = { index: jobs, id: jobId, where: [], from: jobs, check: () => sql`true` };

/**
 * The statement of a list, newest first.
 *
 * It walks one index from the newest id down, and looks at whatever else is
 * asked for as it goes: a page costs what it holds, however many jobs there
 * are. Where it could walk several, it takes the one with the fewest jobs,
 * since another one may hold a million that are not meant. SQLite would choose
 * blindly, so the choice is written into the statement.
 */
export async function listStatement<Column extends keyof JobRow>(
  db: Kysely<JobTables>,
  columns: readonly Column[],
  { size = 100, ...options }: ListOptions,
): Promise<RawBuilder<Pick<JobRow, Column>>> {
  const range = await rangeOf(db, options);
  const walks = walksOf(options);
  const walk = await shortest(db, walks, range);
  const conditions = [
    ...walk.where,
    ...range.bounds(walk.id),
    ...range.checks,
    ...walks.filter((other) => other !== walk).map(({ check }) => check(walk.id)),
  ];
  return sql`
    select ${sql.join(columns.map((column) => sql.ref(`jobs.${column}`)))}
    from ${walk.from} where ${and(conditions)}
    order by ${walk.id} desc limit ${Math.min(Math.max(size, 1), 1_000)}`;
}

/** The ways to walk, in order of preference. */
function walksOf({ status, task, tags = [] }: JobFilter): Walk[] {
  const byStatus = status === undefined ? [] : [walkAlong("status", status)];
  const byTask = task === undefined ? [] : [walkAlong("task_name", task)];
  const byTag = tags.map(walkTagged);
  // Most jobs have been completed, sooner or later.
  return status === "completed"
    ? [...byTag, ...byTask, ...byStatus]
    : [...byStatus, ...byTag, ...byTask];
}

function walkAlong(column: "status" | "task_name", value: string): Walk {
  const reference = sql.ref(`jobs.${column}`);
  return {
    index: jobs,
    id: jobId,
    where: [sql`${reference} = ${value}`],
    from: jobs,
    check: () => sql`+${reference} = ${value}`,
  };
}

function walkTagged(tag: string): Walk {
  return {
    index: jobTags,
    id: taggedId,
    where: [sql`${sql.ref("job_tags.tag")} = ${tag}`],
    // A cross join is walked from left to right.
    from: sql`${jobTags} cross join ${jobs} on ${jobId} = ${taggedId}`,
    check: (id) =>
      sql`exists (select 1 from ${jobTags} other where tag = ${tag} and job_id = ${id})`,
  };
}

/** The way on which the fewest jobs are. */
async function shortest(
  db: Kysely<JobTables>,
  walks: readonly Walk[],
  { bounds }: Range,
): Promise<Walk> {
  const [first = everyJob, ...others] = walks;
  if (others.length === 0) return first;
  let best = first;
  let least = Number.POSITIVE_INFINITY;
  for (const walk of walks) {
    const where = and([...walk.where, ...bounds(walk.id)]);
    const counting = sql<{ count: number }>`select count(*) as count from
      (select 1 from ${walk.index} where ${where} limit ${MOST_COUNTED})`;
    const [row] = (await counting.execute(db)).rows;
    const count = row?.count ?? 0;
    if (count < least) [best, least] = [walk, count];
    if (count === 0) break;
  }
  return best;
}

/** An id has the time of its job, or a later one where the clock was set back meanwhile. */
async function rangeOf(
  db: Kysely<JobTables>,
  { before, since, until }: ListOptions,
): Promise<Range> {
  const from = since === undefined ? undefined : firstUlid(since.getTime());
  const isBehind = until !== undefined && (await isClockBehind(db));
  const to = until === undefined || isBehind ? undefined : firstUlid(until.getTime());
  return {
    bounds: (id) => [
      ...(from === undefined ? [] : [sql`${id} >= ${from}`]),
      ...(to === undefined ? [] : [sql`${id} < ${to}`]),
      ...(before === undefined ? [] : [sql`${id} < ${before}`]),
    ],
    checks: [
      ...(since === undefined ? [] : [sql`${submittedAt} >= ${since.getTime()}`]),
      ...(until === undefined ? [] : [sql`${submittedAt} < ${until.getTime()}`]),
    ],
  };
}

/** Whether ids go on in a time that the clock, which was set back, has still to reach. */
async function isClockBehind(db: Kysely<JobTables>): Promise<boolean> {
  const newest = await db
    .selectFrom("jobs")
    .select(["id", "submitted_at"])
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return newest !== undefined && newest.id >= firstUlid(newest.submitted_at + 1);
}

function and(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}
