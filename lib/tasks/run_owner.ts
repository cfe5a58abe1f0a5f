import type { Session } from "../storage/mod.ts";

/** What a run belongs to besides its executor, such as a job. */
export interface RunOwner {
  readonly jobId: string;
  /** Which run of the job this is, from 1. */
  readonly attempt: number;
  /** Seconds; null for those of the task. */
  readonly timeout: number | null;
  /** Whether the result may be any JSON, and not only an object. */
  readonly anyResult: boolean;
  /** Called when the run begins, with what ends it before its function does. */
  begin(interrupt: (reason: unknown) => void): void;
  progress(fraction: number, message: string | null): void;
  log(line: string): void;
  /** Commits the completion with `result` in the transaction of `complete()`; throws where it must not. */
  complete(tx: Session, result: unknown): Promise<void>;
}
