/** The processes that a command started, as far as the platform lets them be found. */
export interface ProcessTree {
  /** Sends a signal to every process of the tree. */
  signal(signal: "SIGTERM" | "SIGKILL"): Promise<void>;

  /**
   * What is left of the tree. `unreaped` processes are dead, but a parent has yet to take note, so
   * their ids still exist.
   */
  remains(): Promise<"alive" | "unreaped" | "nothing">;
}

/** Sends a signal to a process, or to a group if `pid` is negative. */
export function sendSignal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it is gone, which is what was wanted. EPERM: it runs as another user, as after `sudo`,
    // and nothing here can end it.
  }
}
