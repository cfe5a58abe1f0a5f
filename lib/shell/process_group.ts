import { type ProcessTree, sendSignal } from "./process_tree.ts";

/**
 * The process group of a command's shell: all that POSIX itself can address. A descendant that
 * makes a group of its own (`setsid`, `set -m`) is not found.
 */
export class ProcessGroup implements ProcessTree {
  readonly #leader: number;
  #gone = false;

  constructor(leader: number) {
    this.#leader = leader;
  }

  async signal(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    // An empty group's id may belong to a stranger by now.
    if (!this.#gone) sendSignal(-this.#leader, signal);
  }

  async remains(): Promise<"alive" | "nothing"> {
    try {
      process.kill(-this.#leader, 0);
      return "alive";
    } catch {
      // ESRCH: the group is empty. EPERM: on macOS only dead processes are left in it.
      this.#gone = true;
      return "nothing";
    }
  }
}
