// A service that works, while there is nothing to do.
import { idleCpu } from "./idle_cpu.ts";
import { open } from "./queues/taskmount.ts";

/** So many jobs it has run before. */
const JOBS = 1_000;

/** Percent of one core. */
export async function idle(): Promise<number> {
  const queue = await open();
  try {
    await queue.addMany(JOBS);
    await queue.work(JOBS);
    const percent = await idleCpu();
    console.log(`a process that works: ${percent.toFixed(2)} % of one core`);
    return percent;
  } finally {
    await queue.close();
  }
}
