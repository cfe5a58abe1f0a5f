/** The tables of the embedded engine. */
export interface QueueTables {
  job_queue: QueueRow;
  /** One row: the highest fence that was given out. */
  job_fence: { value: number };
}

export interface QueueRow {
  id: string;
  state: QueueState;
  task: string;
  concurrency_key: string | null;
  priority: number;
  /** Milliseconds since 1970. */
  due: number;
  /** The lease under which it is claimed. */
  worker: string | null;
  fence: number | null;
  /** How many workers it has lost. */
  lost: number;
}

/**
 * - `delayed`: its time has not come;
 * - `ready`: may be claimed;
 * - `held`: as many of its key run as may; set aside, so that claims needn't pass over it each time;
 * - `suspect`: it may kill its worker, and that has another one such; set aside until that one is let go of;
 * - `claimed`: a worker has it.
 */
export type QueueState = "delayed" | "ready" | "held" | "suspect" | "claimed";
