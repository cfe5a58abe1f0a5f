import { DatabaseBusyError } from "../errors.ts";
import { isBusy } from "./connection.ts";

const FIRST_WAIT = 1;
const LONGEST_WAIT = 25;

/**
 * Runs `attempt` until no other process's lock is in the way.
 *
 * Waits between attempts on a timer, a little longer each time, so that the
 * event loop goes on.
 *
 * @throws {DatabaseBusyError} after `busyTimeout` seconds.
 */
export async function retryWhileBusy<T>(
  attempt: () => T | Promise<T>,
  { url, busyTimeout }: { url: string; busyTimeout: number },
): Promise<T> {
  let lockedSince: number | undefined;
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      const now = performance.now();
      lockedSince ??= now;
      const left = lockedSince + busyTimeout * 1_000 - now;
      if (left <= 0) throw new DatabaseBusyError(url, busyTimeout, { cause: error });
      const jittered = wait * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, Math.min(jittered, left)));
    }
  }
}
