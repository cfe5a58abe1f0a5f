import type { JobQueue } from "./job_queue.ts";
import type { Candidate } from "./queues/mod.ts";
import { stopwatch } from "./stopwatch.ts";

/** Jobs a second, but for `started`: milliseconds from the submit to the start. */
export type Figures = readonly number[];

type Measure = (queue: JobQueue, jobs: number) => Promise<Figures>;

/** How often what is over in an instant is done, in milliseconds. */
const AT_LEAST = 300;

/** What is measured of each candidate, on an empty queue each time. */
export const MEASURES = {
  addedOneByOne: async (queue, jobs) => {
    const time = stopwatch();
    let added = 0;
    for (; added < jobs && time() < AT_LEAST; added++) await queue.addOne();
    return [(added / time()) * 1_000];
  },

  addedAtOnce: async (queue, jobs) => {
    const time = stopwatch();
    await Promise.all(Array.from({ length: jobs }, () => queue.addOne()));
    return [(jobs / time()) * 1_000];
  },

  addedInBulk: async (queue, jobs) => {
    const time = stopwatch();
    let added = 0;
    for (; time() < AT_LEAST; added += jobs) await queue.addMany(jobs);
    return [(added / time()) * 1_000];
  },

  worked: async (queue, jobs) => {
    await queue.addMany(jobs);
    const time = stopwatch();
    await queue.work(jobs);
    return [(jobs / time()) * 1_000];
  },

  addedAndWorked: async (queue, jobs) => {
    const time = stopwatch();
    const worked = queue.work(jobs);
    await queue.addMany(jobs);
    await worked;
    return [(jobs / time()) * 1_000];
  },

  started: async (queue, jobs) => {
    // A slow one polls: it takes a second for two.
    const samples = Math.min(100, jobs / 50);
    const waits: number[] = [];
    let started = (): void => {};
    void queue.work(Number.POSITIVE_INFINITY, () => started());
    for (let sample = 0; sample < samples; sample++) {
      // Until it idles, and not in step with who polls.
      await Bun.sleep(3 + Math.random() * 5);
      const { promise, resolve } = Promise.withResolvers<void>();
      const time = stopwatch();
      started = () => {
        waits.push(time());
        resolve();
      };
      await queue.addOne();
      await promise;
    }
    return waits;
  },
} satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;

export async function measure(
  name: MeasureName,
  { open, jobs }: Candidate,
): Promise<{ figures: Figures; durability: string }> {
  const queue = await open();
  try {
    Bun.gc(true);
    return { figures: await MEASURES[name](queue, jobs), durability: queue.durability };
  } finally {
    await queue.close();
  }
}
