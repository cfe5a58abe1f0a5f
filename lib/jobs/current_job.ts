import { AsyncLocalStorage } from "node:async_hooks";

/** The job within which something runs. */
export interface CurrentJob {
  readonly id: string;
  /** Gives up its slot while it waits for another job, `awaited`, by `work`. */
  yieldSlot<T>(awaited: string, work: () => Promise<T>): Promise<T>;
}

/** Says, to what a job calls, in which job it runs. */
export const currentJob: AsyncLocalStorage<CurrentJob> = new AsyncLocalStorage();
