/** A queue of jobs that do nothing, on a place of its own: a new file, or names that nobody else uses. */
export interface JobQueue {
  /** What it does before it says that something is written. */
  readonly durability: string;
  /** Adds a job; it is written when this returns, or what it returns resolves. */
  addOne(): unknown;
  /** Adds so many jobs by the fastest call that the library has for it. */
  addMany(count: number): unknown;
  /** Runs jobs until so many of them have ended, and are written as such. */
  work(count: number, onStart?: () => void): Promise<void>;
  /** Ends what runs, and leaves nothing behind. */
  close(): Promise<void>;
}

/** How many jobs a queue runs at once, where it can be told. */
export const CONCURRENCY = 100;

/** What every job is given. */
export const PARAMS = { name: "Alice" };
