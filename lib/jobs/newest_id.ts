import type { Kysely } from "kysely";
import type { JobTables } from "./tables.ts";

/** The newest id of all jobs; undefined where there are none. */
export async function newestId(db: Kysely<JobTables>): Promise<string | undefined> {
  const { id } = await db
    .selectFrom("jobs")
    .select((eb) => eb.fn.max<string | null>("id").as("id"))
    .executeTakeFirstOrThrow();
  return id ?? undefined;
}
