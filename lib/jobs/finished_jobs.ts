import { type Kysely, sql } from "kysely";
import { newestId } from "./newest_id.ts";
import type { FinishedStatus } from "./retention.ts";
import type { JobTables } from "./tables.ts";

/** Reads of jobs that have ended, along the index of their status and id; nobody waits for them. */
export class FinishedJobs {
  readonly #db: Kysely<JobTables>;

  constructor(db: Kysely<JobTables>) {
    this.#db = db;
  }

  /** The first jobs after one id and before another, with when they have ended, in milliseconds since 1970. */
  async page(
    status: FinishedStatus,
    { after, below, size }: { after: string; below: string; size: number },
  ): Promise<{ id: string; endedAt: number }[]> {
    const rows = await this.#db
      .selectFrom("jobs")
      .select(["id", "finished_at"])
      .where("status", "=", status)
      .where("id", ">", after)
      .where("id", "<", below)
      .orderBy("id")
      .limit(size)
      .execute();
    return rows.map(({ id, finished_at }) => ({
      id,
      endedAt: finished_at ?? Number.POSITIVE_INFINITY,
    }));
  }

  /** The newest id of all jobs; empty where there are none. */
  async newest(): Promise<string> {
    return (await newestId(this.#db)) ?? "";
  }

  /** How many of the newest jobs before an id there are, up to `most`, and the oldest one of these. */
  async count(
    status: FinishedStatus,
    { below, most }: { below: string; most: number },
  ): Promise<{ count: number; oldest: string | null }> {
    const newest = this.#db
      .selectFrom("jobs")
      .select("id")
      .where("status", "=", status)
      .where("id", "<", below)
      .orderBy("id", "desc")
      .limit(most)
      .as("newest");
    return await this.#db
      .selectFrom(newest)
      .select([sql<number>`count(*)`.as("count"), sql<string | null>`min(id)`.as("oldest")])
      .executeTakeFirstOrThrow();
  }
}
