import { cut, messageOf, nameOf, tracebackOf } from "../tasks/mod.ts";

/** What a run failed with, as the record keeps it. */
export interface Failure {
  /** `Name: message`. */
  readonly error: string;
  readonly traceback: string | null;
}

/** What ended an attempt whose job was canceled. */
export const CANCELED = "JobCanceled: it was canceled";

/** Longer texts are cut: some errors quote what they were given. In characters. */
const LONGEST_ERROR = 10_000;
const LONGEST_TRACEBACK = 50_000;

/** Describes whatever was thrown. */
export function failureOf(error: unknown): Failure {
  const traceback = tracebackOf(error);
  return {
    error: cut(`${nameOf(error)}: ${messageOf(error)}`, LONGEST_ERROR),
    traceback: traceback === null ? null : cut(traceback, LONGEST_TRACEBACK),
  };
}

/** What a job fails with whose process is gone, or going. */
export function jobLost(reason: string): Failure {
  return { error: `JobLost: ${reason}`, traceback: null };
}
