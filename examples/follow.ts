/**
 * Submits a job and follows it to its end with a progress bar, or follows one
 * that there is already:
 *
 * ```sh
 * bun run examples/follow.ts http://127.0.0.1:8000/api/v1/tasks/count_to '{"number": 50}'
 * bun run examples/follow.ts http://127.0.0.1:8000/api/v1/jobs/01J…
 * ```
 *
 * It prints the result, or the error, and exits with 0 where the job completed.
 *
 * @module
 */
import { EventSource } from "eventsource";
import * as v from "valibot";
import { progressBar } from "./progress_bar.ts";

const Job = v.object({
  status: v.picklist(["pending", "running", "completed", "failed", "canceled"]),
  progress: v.nullable(v.number()),
  progress_message: v.nullable(v.string()),
  attempt: v.number(),
  result: v.unknown(),
  error: v.nullable(v.string()),
});

const Deleted = v.object({ status: v.literal("deleted") });

/** Submits a task's job; resolves to where it is. */
async function submit(task: string, params: string): Promise<string> {
  const response = await fetch(`${task}/$submit`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"params": ${params}}`,
  });
  const location = response.headers.get("location");
  if (!response.ok || location === null) throw new Error(await response.text());
  return new URL(location, task).href;
}

/** Shows a job at each change, and resolves to its last state. After a lost connection it goes on. */
async function follow(job: string): Promise<v.InferOutput<typeof Job>> {
  const isTerminal = process.stdout.isTTY;
  const source = new EventSource(`${job}/$stream`);
  const { promise, resolve, reject } = Promise.withResolvers<v.InferOutput<typeof Job>>();
  source.addEventListener("message", ({ data }) => {
    const record = v.parse(v.union([Job, Deleted]), JSON.parse(data));
    if (record.status === "deleted") return reject(new Error("The job was deleted"));
    process.stdout.write(
      isTerminal ? `\r\x1b[K${progressBar(record)}` : `${progressBar(record)}\n`,
    );
    if (["completed", "failed", "canceled"].includes(record.status)) resolve(record);
  });
  source.addEventListener("error", ({ code, message }) => {
    // Without a code the connection was lost, or refused, and is tried again.
    if (code !== undefined) reject(new Error(`Cannot follow ${job}: ${message}`));
  });
  try {
    return await promise;
  } finally {
    source.close();
    if (isTerminal) process.stdout.write("\n");
  }
}

try {
  const [url, params = "{}"] = process.argv.slice(2);
  if (url === undefined) throw new Error("Usage: bun run examples/follow.ts TASK_URL [PARAMS]");
  const job = /\/jobs\/[^/]+$/.test(url) ? url : await submit(url, params);
  console.log(job);
  const { status, attempt, result, error } = await follow(job);
  console.log(`${status} at attempt ${attempt}: ${error ?? JSON.stringify(result)}`);
  process.exit(status === "completed" ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
