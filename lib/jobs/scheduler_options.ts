import type { Database } from "../storage/mod.ts";
import type { Injectable } from "../tasks/mod.ts";
import type { Clock } from "./clock.ts";
import type { RetentionOptions } from "./retention.ts";

export interface SchedulerOptions {
  database: Database;
  /** How many jobs run at once in this process; 0 for a process that only submits. @default {10} */
  maxConcurrency?: number;
  /** Seconds without a sign of life after which another process takes this one's jobs over. @default {10} */
  lease?: number;
  /** How many workers a job may lose and is still run again. @default {3} */
  crashLimit?: number;
  /** The largest params of a job, in bytes of JSON. @default {1_048_576} */
  maxParams?: number;
  /** The largest result of a job, in bytes of JSON. @default {1_048_576} */
  maxResult?: number;
  /**
   * The largest log of a job, of all its attempts together, in bytes of its
   * lines, each of at least 64. What comes after is dropped, and a last line
   * says so.
   *
   * @default {1_048_576}
   */
  maxLog?: number;
  /**
   * How long jobs are kept that have ended, and how many; `false` for all of
   * them. What is kept no longer is deleted by the process within a minute or so.
   *
   * @default {{}} A week, 30 days for what has failed, and 100,000 of each status.
   */
  retention?: RetentionOptions | false;
  /**
   * Whether callers see the stack of an error.
   *
   * @default {process.env.NODE_ENV !== "production"}
   */
  traceback?: boolean;
  /** Where the routes of its jobs are mounted, for links to them. @default {"/api/v1/jobs"} */
  prefix?: string;
  /** @default {systemClock} */
  clock?: Clock;
}

export interface SpawnOptions<I extends readonly Injectable[]> {
  description?: string;
  /** @default {[]} */
  tags?: readonly string[];
  /** Tokens of the arguments that follow the context, in their order. */
  inject?: I;
}
