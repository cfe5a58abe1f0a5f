import { resolve } from "node:path";
import { defineTask, runShell, Session, shell, TaskContext } from "taskmount";
import * as v from "valibot";
import type { Tables } from "../tables.ts";

/** Counts with a shell command, keeps the count in SQLite, and tells the one before. */
export const countFiles = defineTask("count_files", {
  description: "Counts the files below a directory, and tells how many there were the last time.",
  tags: ["filesystem", "database"],
  params: v.object({ directory: v.optional(v.pipe(v.string(), v.nonEmpty()), ".") }),
  inject: [Session, TaskContext],
  timeout: 60,
  run: async ({ directory }, session, context) => {
    const path = resolve(directory);
    // The command runs before the transaction, which other writers would wait for.
    const count = await countFilesBelow(path, context.signal);
    return await session.transaction(async (tx) => {
      const db = tx.kysely<Tables>();
      const previous = await db
        .selectFrom("file_counts")
        .select("count")
        .where("directory", "=", path)
        .orderBy("id", "desc")
        .executeTakeFirst();
      const current = await db
        .insertInto("file_counts")
        .values({ directory: path, count, counted_at: new Date().toISOString() })
        .returning("count")
        .executeTakeFirstOrThrow();
      return { directory, count: current.count, previous_count: previous?.count ?? null };
    });
  },
});

async function countFilesBelow(path: string, signal: AbortSignal): Promise<number> {
  // "/." makes find refuse what is no directory. It hands the files to `sh` in batches, which
  // prints how many it was given: names with line breaks count once, find's exit code is kept.
  const command = shell`find ${path}/. -type f -exec sh -c 'echo $#' sh {} +`;
  const { stdout, stderr, returncode } = await runShell(command, { signal });
  signal.throwIfAborted();
  if (returncode !== 0) throw new Error(`Cannot count the files below "${path}": ${stderr.trim()}`);
  return stdout
    .split("\n")
    .map(Number)
    .reduce((sum, batch) => sum + batch, 0);
}
