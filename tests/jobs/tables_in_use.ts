import type { TestScheduler } from "./test_scheduler.ts";

const TABLES = ["jobs", "job_tags", "job_attempts", "job_logs", "job_queue"] as const;

/** The tables of jobs in which anything is left. */
export async function tablesInUse({
  database,
}: Pick<TestScheduler, "database">): Promise<string[]> {
  const db = database.kysely<Record<`taskmount_${(typeof TABLES)[number]}`, { id: string }>>();
  const inUse: string[] = [];
  for (const table of TABLES) {
    const rows = await db.selectFrom(`taskmount_${table}`).selectAll().limit(1).execute();
    if (rows.length > 0) inUse.push(table);
  }
  return inUse;
}
