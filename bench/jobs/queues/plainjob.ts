import { Database } from "bun:sqlite";
import { bun, defineQueue, defineWorker } from "plainjob";
import { Countdown } from "../countdown.ts";
import { Folder } from "../folder.ts";
import { type JobQueue, PARAMS } from "../job_queue.ts";

/** A worker runs one job at a time; more of them than this are slower. */
const WORKERS = 10;

export async function open(): Promise<JobQueue> {
  const folder = new Folder();
  const nothing = () => {};
  const logger = { debug: nothing, info: nothing, warn: nothing, error: console.error };
  const connection = bun(new Database(folder.file("jobs.db"), { strict: true }));
  const queue = defineQueue({ connection, logger });
  const stopping: (() => Promise<void>)[] = [];
  return {
    durability: "SQLite, WAL, synchronous=NORMAL; no lease",
    addOne: () => queue.add("nothing", PARAMS),
    addMany: (count) => queue.addMany("nothing", new Array(count).fill(PARAMS)),
    work: async (count, onStart = () => {}) => {
      const done = new Countdown(count);
      for (let index = 0; index < WORKERS; index++) {
        const worker = defineWorker("nothing", async () => onStart(), {
          queue,
          logger,
          // Its default is a second.
          pollIntervall: 1,
          onCompleted: () => done.count(),
        });
        const running = worker.start();
        stopping.push(async () => {
          await worker.stop();
          await running;
        });
      }
      await done.over;
    },
    close: async () => {
      await Promise.all(stopping.map((stop) => stop()));
      queue.close();
      folder[Symbol.dispose]();
    },
  };
}
