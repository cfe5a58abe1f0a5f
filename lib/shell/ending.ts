/** How a command came to its end: by itself, or because it has to be ended. */
export type Ending = "exit" | "timeout" | "abort";

/** The longest that `setTimeout` can wait, in milliseconds (24.8 days); beyond, it fires at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * Resolves at the first of the process's exit, the timeout (in seconds) and the abort, and leaves
 * no timer and no listener behind.
 */
export async function awaitEnding(
  process: Bun.Subprocess,
  { timeout, signal }: { timeout: number; signal: AbortSignal | undefined },
): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const abort = () => resolve("abort");
  signal?.addEventListener("abort", abort, { once: true });
  const stopTimer = startTimer(timeout * 1000, () => resolve("timeout"));
  void process.exited.then(() => resolve("exit"));
  try {
    return await promise;
  } finally {
    stopTimer();
    signal?.removeEventListener("abort", abort);
  }
}

/** Calls back after any time, never if it is infinite, and returns what stops the timer. */
function startTimer(milliseconds: number, callback: () => void): () => void {
  // Without a timeout, as most commands are run, even arming and clearing a timer would be felt.
  if (milliseconds === Number.POSITIVE_INFINITY) return () => {};
  const end = performance.now() + milliseconds;
  let timer: Timer;
  const arm = () => {
    const left = end - performance.now();
    timer =
      left > longestTimer ? setTimeout(arm, longestTimer) : setTimeout(callback, Math.max(0, left));
  };
  arm();
  return () => clearTimeout(timer);
}
