// Works on a file, and tells its parent when each job has started.
import { type IdleCpu, idleCpu } from "./idle_cpu.ts";
import { open } from "./queues/taskmount.ts";
import { timeOfDay } from "./time_of_day.ts";

/** What it tells: nothing when it is ready, when a job started, or its idle CPU when it was asked for that. */
export interface FromWorker {
  /** As {@linkcode timeOfDay}. */
  readonly started?: number;
  readonly idle?: IdleCpu;
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

// The parent says which, and nobody else starts this.
const queue = await open({ path: process.argv[2] ?? "" });
void queue.work(Number.POSITIVE_INFINITY, () => tell({ started: timeOfDay() }));
process.on("message", async () => tell({ idle: await idleCpu() }));
tell({});
