// Lists and claims in a table with a million finished jobs, against one with a page of them.
import { median } from "../median.ts";
import { fill } from "./fill.ts";
import { Folder } from "./folder.ts";
import { CONCURRENCY } from "./job_queue.ts";
import { open, type TaskmountQueue } from "./queues/taskmount.ts";
import { stopwatch } from "./stopwatch.ts";

/** A page, which a list has to read in both. */
const FEW = 50;
const MANY = 1_000_000;
const ROUNDS = 400;
/** The first ones warm up, and are dropped. */
const DROPPED = 40;

/** Each in milliseconds. */
const MEASURES = {
  "a page of the list": async ({ scheduler }) => {
    const time = stopwatch();
    await scheduler.list({ size: FEW });
    return time();
  },
  "a page of what is completed": async ({ scheduler }) => {
    const time = stopwatch();
    await scheduler.list({ status: "completed", size: FEW });
    return time();
  },
  "claim of 1": (queue) => claim(queue, 1),
  [`claim of ${CONCURRENCY}`]: (queue) => claim(queue, CONCURRENCY),
} satisfies Record<string, (queue: TaskmountQueue) => Promise<number>>;

export interface Grown {
  readonly name: string;
  /** Medians, in milliseconds. */
  readonly few: number;
  readonly many: number;
  /** The median of those within each round. */
  readonly ratio: number;
}

export async function records(): Promise<Grown[]> {
  using folder = new Folder();
  // Nothing of what is measured may be deleted meanwhile.
  const filled = async (name: string, count: number) => {
    const queue = await open({ path: folder.file(name), retention: false });
    fill(folder.file(name), count);
    return queue;
  };
  const few = await filled("few.db", FEW);
  const many = await filled("many.db", MANY);
  try {
    const grown: Grown[] = [];
    for (const [name, measure] of Object.entries(MEASURES)) {
      grown.push(await compare(name, measure, few, many));
    }
    return grown;
  } finally {
    await few.close();
    await many.close();
  }
}

async function compare(
  name: string,
  measure: (queue: TaskmountQueue) => Promise<number>,
  few: TaskmountQueue,
  many: TaskmountQueue,
): Promise<Grown> {
  const rounds: { few: number; many: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes second finds the processor warm.
    if (round % 2 === 0) rounds.push({ few: await measure(few), many: await measure(many) });
    else {
      const second = await measure(many);
      rounds.push({ few: await measure(few), many: second });
    }
  }
  const kept = rounds.slice(DROPPED);
  const compared = {
    name,
    few: median(kept.map(({ few }) => few)),
    many: median(kept.map(({ many }) => many)),
    ratio: median(kept.map(({ few, many }) => many / few)),
  };
  console.log(
    `${name}: ${compared.many.toFixed(3)} ms beside ${MANY} finished, ${compared.few.toFixed(3)} ms beside ${FEW}, times ${compared.ratio.toFixed(2)}`,
  );
  return compared;
}

/** From when so many that wait may run to when the last of them has started: one claim. */
async function claim(queue: TaskmountQueue, jobs: number): Promise<number> {
  const before = new Date();
  await queue.addMany(jobs);
  let started = Number.NaN;
  const time = stopwatch();
  await queue.work(jobs, () => {
    started = time();
  });
  queue.scheduler.maxConcurrency = 0;
  // The table stays as full as it is said to be.
  await queue.scheduler.deleteMany({ since: before });
  return started;
}
