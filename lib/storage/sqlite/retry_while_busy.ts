import { DatabaseBusyError } from "../errors.ts";
import { isBusy } from "./named_errors.ts";

const FIRST_WAIT = 1;
const LONGEST_WAIT = 25;

/** Another process's lock, as those who wait for it one after the other see it. */
export interface ForeignLock {
  /** When it was first in the way, by `performance.now()`; undefined while it isn't. */
  since: number | undefined;
}

/** Whose turn it is, of those who queue up for the same lock. */
export interface Turn {
  readonly lock: ForeignLock;
  /** When its owner began to wait, by `performance.now()`. */
  readonly asked: number;
}

/**
 * Runs `attempt` until no other process's lock is in the way.
 *
 * Waits between attempts on a timer, a little longer each time, so that the
 * event loop goes on.
 *
 * @throws {DatabaseBusyError} when the lock was in the way for `busyTimeout`
 * seconds since the caller asked, even if it spent them behind others in a
 * queue: a hundred queued writes give up together, not one after the other.
 */
export async function retryWhileBusy<T>(
  attempt: () => T | Promise<T>,
  { url, busyTimeout }: { url: string; busyTimeout: number },
  { lock, asked }: Turn = { lock: { since: undefined }, asked: performance.now() },
): Promise<T> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      const result = await attempt();
      lock.since = undefined;
      return result;
    } catch (error) {
      if (!isBusy(error)) {
        lock.since = undefined;
        throw error;
      }
      const now = performance.now();
      lock.since ??= now;
      const left = Math.max(lock.since, asked) + busyTimeout * 1_000 - now;
      if (left <= 0) throw new DatabaseBusyError(url, busyTimeout, { cause: error });
      const jittered = wait * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, Math.min(jittered, left)));
    }
  }
}
