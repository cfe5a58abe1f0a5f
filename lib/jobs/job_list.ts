import { type Kysely, type RawBuilder, sql } from "kysely";
import { firstUlid } from "../storage/mod.ts";
import type { JobStatus } from "./record.ts";
import type { JobRow, JobTables } from "./tables.ts";

/** Which jobs are meant, to be listed or changed; all that is given must hold. */
export interface JobFilter {
  status?: JobStatus | undefined;
  task?: string | undefined;
  /** All of these. */
  tags?: readonly string[] | undefined;
  /** Submitted at this time or later. */
  since?: Date | undefined;
  /** Submitted before this time. */
  until?: Date | undefined;
  /** Older than the job of this id; for a list, the last one of the page before. */
  before?: string | undefined;
}

export interface ListOptions extends JobFilter {
  /** At most 1,000. @default {100} */
  size?: number | undefined;
}

type Sql = RawBuilder<unknown>;

/** A way through jobs by an index that has their ids in order. */
interface Walk {
  /** The table of the index, as `walked`. */
  readonly from: Sql;
  /** Its column of the ids. */
  readonly id: Sql;
  /** Which part of it is walked. */
  readonly where: readonly Sql[];
  /** Whether a job on another way is on this one too, as this index knows. */
  readonly has: (id: Sql) => Sql;
}

/** Between which ids the jobs are, or times where the ids don't tell. */
type Range = (id: Sql) => readonly Sql[];

/** Of more jobs than this it makes no difference how many more there are. */
const MOST_COUNTED = 10_000;

const jobs = sql.table("jobs");
const jobTags = sql.table("job_tags");
const walkedId = sql.ref("walked.id");

const everyJob: Walk = {
  from: sql`${jobs} walked`,
  id: walkedId,
  where: [],
  has: () => sql`true`,
};

/**
 * The statement of a list, newest first.
 *
 * It walks one index from the newest id down, and asks the others about each
 * id as it goes; only the records of the page are looked at. So a page costs
 * what it holds, however many jobs there are. Where it could walk several
 * indexes, it takes the one with the fewest jobs, since another one may hold a
 * million that are not meant. SQLite would choose blindly, so the choice is
 * written into the statement.
 */
export async function listStatement<Column extends keyof JobRow>(
  db: Kysely<JobTables>,
  columns: readonly Column[],
  { size = 100, ...filter }: ListOptions,
): Promise<RawBuilder<Pick<JobRow, Column>>> {
  const { walk, conditions } = await chooseWalk(db, filter);
  return sql`
    select ${sql.join(columns.map((column) => sql.ref(`jobs.${column}`)))} from (
      select ${walk.id} as id from ${walk.from} where ${and(conditions)}
      order by ${walk.id} desc limit ${Math.min(Math.max(size, 1), 1_000)}
    ) page cross join ${jobs} on ${sql.ref("jobs.id")} = page.id order by page.id desc`;
}

/** The ids after one of a walk's own, the oldest first. */
export type NextIds = (after: string, size: number) => RawBuilder<{ id: string }>;

/**
 * The statement that goes through the ids of a list the other way, page by
 * page, up to `last`. Which index it walks is chosen once for all pages.
 */
export async function walkStatement(
  db: Kysely<JobTables>,
  filter: JobFilter,
  last: string,
): Promise<NextIds> {
  const { walk, conditions } = await chooseWalk(db, filter);
  return (after, size) => sql`
    select ${walk.id} as id from ${walk.from}
    where ${and([...conditions, sql`${walk.id} > ${after}`, sql`${walk.id} <= ${last}`])}
    order by ${walk.id} limit ${size}`;
}

/** The way to walk, with all that must hold for an id on it. */
async function chooseWalk(
  db: Kysely<JobTables>,
  filter: JobFilter,
): Promise<{ walk: Walk; conditions: readonly Sql[] }> {
  const range = await rangeOf(db, filter);
  const walks = walksOf(filter);
  const walk = await shortest(db, walks, range);
  const conditions = [
    ...walk.where,
    ...range(walk.id),
    ...walks.filter((other) => other !== walk).map(({ has }) => has(walk.id)),
  ];
  return { walk, conditions };
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
  const is = (table: string) => sql`${sql.ref(`${table}.${column}`)} = ${value}`;
  return {
    from: sql`${jobs} walked`,
    id: walkedId,
    where: [is("walked")],
    // `=` might be taken for the key, and the record looked at.
    has: (id) => sql`exists (select 1 from ${jobs} other
      where ${is("other")} and other.id between ${id} and ${id})`,
  };
}

function walkTagged(tag: string): Walk {
  return {
    from: sql`${jobTags} walked`,
    id: sql.ref("walked.job_id"),
    where: [sql`walked.tag = ${tag}`],
    has: (id) =>
      sql`exists (select 1 from ${jobTags} other where other.tag = ${tag} and other.job_id = ${id})`,
  };
}

/** The way on which the fewest jobs are. */
async function shortest(
  db: Kysely<JobTables>,
  walks: readonly Walk[],
  range: Range,
): Promise<Walk> {
  const [first = everyJob, ...others] = walks;
  if (others.length === 0) return first;
  let best = first;
  let least = Number.POSITIVE_INFINITY;
  for (const walk of walks) {
    const where = and([...walk.where, ...range(walk.id)]);
    const counting = sql<{ count: number }>`select count(*) as count from
      (select 1 from ${walk.from} where ${where} limit ${MOST_COUNTED})`;
    const [row] = (await counting.execute(db)).rows;
    const count = row?.count ?? 0;
    if (count < least) [best, least] = [walk, count];
    if (count === 0) break;
  }
  return best;
}

async function rangeOf(db: Kysely<JobTables>, { before, since, until }: JobFilter): Promise<Range> {
  const hasTimes = since !== undefined || until !== undefined;
  const isBehind = hasTimes && (await isClockBehind(db));
  return (id) => {
    const bounds: Sql[] = [];
    if (before !== undefined) bounds.push(sql`${id} < ${before}`);
    // An id has the time of its job.
    if (since !== undefined) bounds.push(sql`${id} >= ${firstUlid(since.getTime())}`);
    if (until !== undefined && !isBehind) {
      bounds.push(sql`${id} < ${firstUlid(until.getTime())}`);
    }
    if (isBehind) bounds.push(isSubmitted(id, since, until));
    return bounds;
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

/** What the record says, where its id may have a later time. */
function isSubmitted(id: Sql, since: Date | undefined, until: Date | undefined): Sql {
  const from = since?.getTime() ?? Number.MIN_SAFE_INTEGER;
  const to = until?.getTime() ?? Number.MAX_SAFE_INTEGER;
  return sql`exists (select 1 from ${jobs} other
    where other.id = ${id} and other.submitted_at >= ${from} and other.submitted_at < ${to})`;
}

function and(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}
