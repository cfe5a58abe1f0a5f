// Many jobs through one scheduler, one after the other: whether its memory grows.
import { open } from "./queues/taskmount.ts";

const JOBS = 200_000;
const BATCH = 1_000;
/** So many wait at most. */
const BACKLOG = 5_000;
/** The part of the jobs after which all that is made once is there. */
const WARM = 3;

export interface Soak {
  /** The resident memory after each tenth of the jobs, in bytes. */
  readonly resident: readonly number[];
  /** The last of these to the third. */
  readonly growth: number;
}

export async function soak(): Promise<Soak> {
  const queue = await open();
  const resident: number[] = [];
  let started = 0;
  try {
    const worked = queue.work(JOBS, () => {
      started += 1;
      if (started % (JOBS / 10) !== 0) return;
      const bytes = process.memoryUsage.rss();
      resident.push(bytes);
      console.log(`${resident.length * 10} % of ${JOBS} jobs: ${megabytes(bytes)} MB resident`);
    });
    for (let added = 0; added < JOBS; added += BATCH) {
      while (added - started > BACKLOG - BATCH) await Bun.sleep(1);
      await queue.addMany(BATCH);
    }
    await worked;
  } finally {
    await queue.close();
  }
  const growth = (resident.at(-1) ?? Number.NaN) / (resident[WARM - 1] ?? Number.NaN);
  console.log(`at the end, to ${WARM * 10} %: ${growth.toFixed(2)} times`);
  return { resident, growth };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
