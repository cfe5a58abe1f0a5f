// From a submit in this process to the start in another one, on one file.
import { median } from "../median.ts";
import { Folder } from "./folder.ts";
import { formatIdleCpu, type IdleCpu, idleCpu } from "./idle_cpu.ts";
import { open } from "./queues/taskmount.ts";
import { timeOfDay } from "./time_of_day.ts";
import type { FromWorker } from "./worker_process.ts";

const SAMPLES = 200;
/** Milliseconds after which both idle: each looks at the file for a tenth of a second after the last commit. */
const UNTIL_IDLE = 120;

export interface Between {
  /** Milliseconds, of each job. */
  readonly waits: readonly number[];
  /** Of each process, both at the same time. */
  readonly idle: { readonly submitter: IdleCpu; readonly worker: IdleCpu };
}

export async function between(): Promise<Between> {
  using folder = new Folder();
  const path = folder.file("jobs.db");
  const queue = await open({ path });
  let told = Promise.withResolvers<FromWorker>();
  const ready = told.promise;
  const worker = Bun.spawn([process.execPath, `${import.meta.dir}/worker_process.ts`, path], {
    ipc: (message: FromWorker) => told.resolve(message),
    onExit: () => told.reject(new Error("the worker has ended")),
    stdout: "inherit",
    stderr: "inherit",
  });
  try {
    await ready;
    const waits: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      // Not in step with anything that polls.
      await Bun.sleep(UNTIL_IDLE + Math.random() * 20);
      told = Promise.withResolvers();
      const submitted = timeOfDay();
      await queue.addOne();
      const { started = Number.NaN } = await told.promise;
      waits.push(started - submitted);
    }
    told = Promise.withResolvers();
    worker.send("idle");
    const submitter = await idleCpu();
    const { idle: idleWorker } = await told.promise;
    if (idleWorker === undefined) throw new Error("The worker has not told its idle CPU");
    const found = { waits, idle: { submitter, worker: idleWorker } };
    print(found);
    return found;
  } finally {
    // Nobody waits for what it tells any more.
    told.promise.catch(() => {});
    worker.kill();
    await worker.exited;
    await queue.close();
  }
}

function print({ waits, idle }: Between): void {
  const sorted = waits.toSorted((a, b) => a - b);
  const slow = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  console.log(
    `submit to start between two processes: ${median(waits).toFixed(2)} ms (median), ${slow.toFixed(2)} ms (99 %)`,
  );
  console.log(`idle CPU who submits: ${formatIdleCpu(idle.submitter)}`);
  console.log(`idle CPU who works: ${formatIdleCpu(idle.worker)}`);
}
