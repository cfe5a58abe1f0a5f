import type { JobTables } from "../../../lib/jobs/tables.ts";
import type { AccountTables } from "./fixtures/tables.ts";
import type { JobFile } from "./job_file.ts";

/** What became of one job, by its record and by what its runs have left elsewhere. */
export interface JobAccount {
  readonly id: string;
  readonly status: string;
  readonly params: string | null;
  /** How often it has begun, by its record. */
  readonly attempt: number;
  /** Of the attempts before the last one. */
  readonly errors: readonly string[];
  /** The attempts that have noted their start; a killed one may not have come to that. */
  readonly starts: readonly number[];
  /** The attempts whose `complete()` was committed. */
  readonly effects: readonly number[];
}

/** Accounts for every job of a file. */
export async function accountsOf({ database }: JobFile): Promise<JobAccount[]> {
  const own = database.own<JobTables>();
  const db = database.kysely<AccountTables>();
  const jobs = await own.selectFrom("jobs").select(["id", "status", "params", "attempt"]).execute();
  const attempts = await own.selectFrom("job_attempts").select(["job_id", "error"]).execute();
  const errorsOf = Map.groupBy(attempts, ({ job_id }) => job_id);
  const startsOf = Map.groupBy(
    await db.selectFrom("starts").selectAll().execute(),
    ({ job }) => job,
  );
  const effectsOf = Map.groupBy(
    await db.selectFrom("effects").selectAll().execute(),
    ({ job }) => job,
  );
  return jobs.map((job) => ({
    ...job,
    errors: (errorsOf.get(job.id) ?? []).map(({ error }) => error ?? ""),
    starts: (startsOf.get(job.id) ?? []).map(({ attempt }) => attempt).toSorted((a, b) => a - b),
    effects: (effectsOf.get(job.id) ?? []).map(({ attempt }) => attempt),
  }));
}

/** What is wrong with a job that should have run to its end, once or more often; null for nothing. */
export function faultOf(job: JobAccount): string | null {
  const { id, status, attempt, errors, starts, effects } = job;
  const fault = (what: string) => `${id}: ${what}: ${JSON.stringify(job)}`;
  if (status !== "completed") return fault("it has not completed");
  if (effects.length !== 1) return fault(`its complete() was applied ${effects.length} times`);
  if (effects[0] !== attempt) return fault("another run than its last has completed it");
  if (errors.length !== attempt - 1) return fault("its history is not whole");
  if (new Set(starts).size !== starts.length) return fault("an attempt has begun twice");
  if (starts.at(-1) !== attempt) return fault("its last run was not that of its record");
  return null;
}
