import { sql } from "kysely";
import { type ListOptions, listStatement } from "../../../lib/jobs/job_list.ts";
import type { JobStatus } from "../../../lib/jobs/mod.ts";
import type { JobTables } from "../../../lib/jobs/tables.ts";
import { Database, ulid } from "../../../lib/storage/mod.ts";

/** Records that were written straight into the tables, so that a test has many of them at once. */
export class WrittenJobs implements AsyncDisposable {
  readonly database = Database.sqlite(":memory:");

  get db() {
    return this.database.own<JobTables>();
  }

  static async create(): Promise<WrittenJobs> {
    const jobs = new WrittenJobs();
    await jobs.database.migrate();
    return jobs;
  }

  /** Writes `count` jobs of one kind. */
  async add(
    count: number,
    {
      status = "completed",
      task = "common",
      tags = [] as string[],
      id = (): string => ulid(),
      submittedAt,
      finishedAt = null,
    }: {
      status?: JobStatus;
      task?: string;
      tags?: string[];
      id?: () => string;
      /** Now, when left out. */
      submittedAt?: number;
      finishedAt?: number | null;
    } = {},
  ): Promise<void> {
    const ids = Array.from({ length: count }, id);
    const at = submittedAt ?? Date.now();
    await this.db
      .insertInto("jobs")
      .columns([
        "id",
        "status",
        "revision",
        "task_name",
        "tags",
        "attempt",
        "failures",
        "retries",
        "backoff",
        "priority",
        "submitted_at",
        "run_at",
        "finished_at",
      ])
      .expression(
        sql`select value, ${status}, 1, ${task}, ${JSON.stringify(tags)}, 0, 0, 0, '{}', 0,
          ${at}, ${at}, ${finishedAt} from json_each(${JSON.stringify(ids)})`,
      )
      .execute();
    for (const tag of tags) {
      await this.db
        .insertInto("job_tags")
        .columns(["tag", "job_id"])
        .expression(sql`select ${tag}, value from json_each(${JSON.stringify(ids)})`)
        .execute();
    }
  }

  /** How SQLite goes about a list: first the way that it walks. */
  async plan(options: ListOptions): Promise<string[]> {
    const statement = await listStatement(this.db, ["id", "submitted_at"], options);
    const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(
      this.db,
    );
    // That the page is made first, and then gone through, goes without saying.
    return rows
      .map(({ detail }) => detail)
      .filter((step) => !/^(CO-ROUTINE|SCAN) page$/.test(step));
  }

  async list(options: ListOptions): Promise<string[]> {
    const statement = await listStatement(this.db, ["id"], options);
    return (await statement.execute(this.db)).rows.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
  }
}
