import { LONGEST_TIMER } from "../http/mod.ts";

/** Where jobs have the time from, so that tests can have their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fn` once, `milliseconds` later, unless what it returns was called before. */
  after(milliseconds: number, fn: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, fn) => {
    const timer = setTimeout(fn, Math.min(Math.max(milliseconds, 0), LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
};
