import { setImmediate } from "node:timers/promises";
import {
  Database,
  type RetentionOptions,
  type Scheduler,
  ServiceBuilder,
  TaskRegistry,
} from "../../../lib/mod.ts";
import { Countdown } from "../countdown.ts";
import { Folder } from "../folder.ts";
import { CONCURRENCY, type JobQueue, PARAMS } from "../job_queue.ts";

export interface TaskmountOptions {
  /** A file that another process has too, or that is filled already. @default A file of its own. */
  readonly path?: string;
  /** `false` keeps what has ended. @default {{}} As the library does by itself. */
  readonly retention?: RetentionOptions | false;
}

export interface TaskmountQueue extends JobQueue {
  readonly scheduler: Scheduler;
}

/** The whole service. */
export async function open({
  path,
  retention = {},
}: TaskmountOptions = {}): Promise<TaskmountQueue> {
  const folder = new Folder();
  let onRun = (): void => {};
  const registry = new TaskRegistry();
  const task = registry.register("nothing", { run: () => onRun() });
  const service = new ServiceBuilder({ displayName: "Bench", signals: false })
    .withDatabase(Database.sqlite(path ?? folder.file("jobs.db")))
    .withTasks({ registry })
    .withJobs({ maxConcurrency: 0, retention })
    .build();
  await service.start();
  const { scheduler } = service;
  const submission = { task, params: PARAMS };
  return {
    durability: "SQLite, WAL, synchronous=NORMAL",
    scheduler,
    addOne: () => scheduler.submit(task, PARAMS),
    addMany: (count) => scheduler.submitMany(new Array(count).fill(submission)),
    work: async (count, onStart = () => {}) => {
      const running = new Countdown(count);
      onRun = () => {
        onStart();
        running.count();
      };
      scheduler.maxConcurrency = CONCURRENCY;
      await running.over;
      // The last ones have run, and are being written.
      while ((await scheduler.list({ status: "running", size: 1 })).length > 0)
        await setImmediate();
    },
    close: async () => {
      await service.stop();
      folder[Symbol.dispose]();
    },
  };
}
