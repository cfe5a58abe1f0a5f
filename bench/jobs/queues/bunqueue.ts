import { Queue, shutdownManager, Worker } from "bunqueue/client";
import { Countdown } from "../countdown.ts";
import { Folder } from "../folder.ts";
import { CONCURRENCY, type JobQueue, PARAMS } from "../job_queue.ts";

export async function open(): Promise<JobQueue> {
  const folder = new Folder();
  const options = { embedded: true, dataPath: folder.file("jobs.db") };
  const queue = new Queue("nothing", options);
  let worker: Worker | undefined;
  return {
    durability: "SQLite, WAL, synchronous=NORMAL; answers before it writes",
    addOne: () => queue.add("nothing", PARAMS),
    addMany: (count) => queue.addBulk(new Array(count).fill({ name: "nothing", data: PARAMS })),
    work: async (count, onStart = () => {}) => {
      const done = new Countdown(count);
      worker = new Worker("nothing", async () => onStart(), {
        ...options,
        concurrency: CONCURRENCY,
      });
      worker.on("completed", () => done.count());
      await done.over;
    },
    close: async () => {
      await worker?.close();
      queue.close();
      shutdownManager();
      folder[Symbol.dispose]();
    },
  };
}
