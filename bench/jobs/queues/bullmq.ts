import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { Countdown } from "../countdown.ts";
import { CONCURRENCY, type JobQueue, PARAMS } from "../job_queue.ts";

/** What Redis writes: nothing, or a log that goes to the disk each second. */
export type Persistence = "none" | "everysec";

/** Sets how Redis persists, for as long as the queue is open. */
export async function open(persistence: Persistence): Promise<JobQueue> {
  const url = process.env["REDIS_URL"] ?? "";
  // As a Worker needs it.
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const putBack = await setPersistence(connection, persistence);
  const name = `taskmount-bench-${crypto.randomUUID()}`;
  const queue = new Queue(name, { connection });
  let worker: Worker | undefined;
  return {
    durability:
      persistence === "none" ? "Redis in memory, appendonly=no" : "Redis, appendfsync=everysec",
    addOne: () => queue.add("nothing", PARAMS),
    addMany: (count) => queue.addBulk(new Array(count).fill({ name: "nothing", data: PARAMS })),
    work: async (count, onStart = () => {}) => {
      const done = new Countdown(count);
      worker = new Worker(name, async () => onStart(), { connection, concurrency: CONCURRENCY });
      worker.on("completed", () => done.count());
      await done.over;
    },
    close: async () => {
      await worker?.close();
      await queue.obliterate({ force: true });
      await queue.close();
      await putBack();
      await connection.quit();
    },
  };
}

/** What it returns puts back what was set before. */
async function setPersistence(
  redis: Redis,
  persistence: Persistence,
): Promise<() => Promise<void>> {
  const wanted = {
    save: "",
    appendfsync: "everysec",
    appendonly: persistence === "none" ? "no" : "yes",
  };
  const before: [string, string][] = [];
  for (const [setting, value] of Object.entries(wanted)) {
    const [, old = ""] = (await redis.config("GET", setting)) as [string, string];
    before.push([setting, old]);
    if (old !== value) await redis.config("SET", setting, value);
  }
  // Switching the log on first writes all that there is.
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) {
    await Bun.sleep(10);
  }
  return async () => {
    for (const [setting, value] of before) await redis.config("SET", setting, value);
  };
}
