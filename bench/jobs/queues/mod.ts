import type { JobQueue } from "../job_queue.ts";

export interface Candidate {
  /** Opens an empty queue. */
  readonly open: () => Promise<JobQueue>;
  /** How many jobs one measurement of it is; fewer where each takes long. */
  readonly jobs: number;
  /** A peer whose jobs, once added, survive its process being killed: what the goals are measured by. */
  readonly isDurablePeer?: boolean;
  /** The environment variable that says where the server is that it needs. */
  readonly needs?: string;
}

/** What is compared. Each loads its library only when it is opened. */
export const CANDIDATES = {
  "bare bun:sqlite": {
    open: async () => await (await import("./bare_sqlite.ts")).open(),
    jobs: 10_000,
  },
  taskmount: {
    open: async () => await (await import("./taskmount.ts")).open(),
    jobs: 10_000,
  },
  plainjob: {
    open: async () => await (await import("./plainjob.ts")).open(),
    jobs: 10_000,
    isDurablePeer: true,
  },
  BullMQ: {
    open: async () => await (await import("./bullmq.ts")).open("none"),
    jobs: 10_000,
    needs: "REDIS_URL",
  },
  "BullMQ, AOF": {
    open: async () => await (await import("./bullmq.ts")).open("everysec"),
    jobs: 10_000,
    isDurablePeer: true,
    needs: "REDIS_URL",
  },
  bunqueue: {
    open: async () => await (await import("./bunqueue.ts")).open(),
    jobs: 3_000,
  },
  "pg-boss": {
    open: async () => await (await import("./pg_boss.ts")).open(),
    jobs: 500,
    isDurablePeer: true,
    needs: "POSTGRES_URL",
  },
} satisfies Record<string, Candidate>;

export type CandidateName = keyof typeof CANDIDATES;
