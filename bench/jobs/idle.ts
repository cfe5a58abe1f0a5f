// A service that works, while there is nothing to do.
import { formatIdleCpu, type IdleCpu, idleCpu } from "./idle_cpu.ts";
import { open } from "./queues/taskmount.ts";

/** So many jobs it has run before. */
const JOBS = 1_000;

export async function idle(): Promise<IdleCpu> {
  const queue = await open();
  try {
    await queue.addMany(JOBS);
    await queue.work(JOBS);
    const cpu = await idleCpu();
    console.log(`idle CPU who works: ${formatIdleCpu(cpu)}`);
    return cpu;
  } finally {
    await queue.close();
  }
}
