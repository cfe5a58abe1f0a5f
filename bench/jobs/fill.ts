import { Database } from "bun:sqlite";
import { ulid } from "../../lib/storage/mod.ts";
import { PARAMS } from "./job_queue.ts";

/** Rows in one statement. */
const BATCH = 10_000;
/** Milliseconds from one job to the next; the last one ended an hour ago. */
const APART = 10;
const AGO = 60 * 60 * 1_000;

/** Writes jobs that have completed into the library's tables, which are there already. */
export function fill(path: string, count: number): void {
  using database = new Database(path);
  // The service has it open as well.
  database.run("PRAGMA busy_timeout = 5000");
  const insert = database.prepare(`
    INSERT INTO taskmount_jobs (
      id, status, revision, task_name, tags, attempt, failures, fence, retries, backoff, priority,
      submitted_at, run_at, started_at, finished_at, params, result
    ) SELECT
      value ->> 0, 'completed', 3, 'nothing', '[]', 1, 0, 1, 0, ?, 0,
      value ->> 1, value ->> 1, value ->> 1, value ->> 1, ?, 'null'
    FROM json_each(?)`);
  const backoff = JSON.stringify({ initial: 1, factor: 2, max: 60 });
  const params = JSON.stringify(PARAMS);
  const first = Date.now() - AGO - count * APART;
  for (let written = 0; written < count; ) {
    const rows: [string, number][] = [];
    for (; rows.length < BATCH && written < count; written++) {
      const time = first + written * APART;
      rows.push([ulid(time), time]);
    }
    insert.run(backoff, params, JSON.stringify(rows));
  }
}
