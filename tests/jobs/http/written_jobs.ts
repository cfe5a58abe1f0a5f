import { sql } from "kysely";
import { type ListOptions, listStatement } from "../../../lib/jobs/job_list.ts";
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
      status = "completed" as const,
      task = "common",
      tags = [] as string[],
      id = (): string => ulid(),
      submittedAt = 0,
    }: {
      status?: "completed" | "failed" | "pending";
      task?: string;
      tags?: string[];
      id?: () => string;
      submittedAt?: number;
    } = {},
  ): Promise<void> {
    const ids = Array.from({ length: count }, id);
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
      ])
      .expression(
        sql`select value, ${status}, 1, ${task}, ${JSON.stringify(tags)}, 0, 0, 0, '{}', 0,
          ${submittedAt}, ${submittedAt} from json_each(${JSON.stringify(ids)})`,
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

  /** How SQLite goes about a list. */
  async plan(options: ListOptions): Promise<string[]> {
    const statement = await listStatement(this.db, ["id", "submitted_at"], options);
    const { rows } = await sql<{ detail: string }>`explain query plan ${statement}`.execute(
      this.db,
    );
    return rows.map(({ detail }) => detail);
  }

  async list(options: ListOptions): Promise<string[]> {
    const statement = await listStatement(this.db, ["id"], options);
    return (await statement.execute(this.db)).rows.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
  }
}
