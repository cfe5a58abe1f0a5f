import { type LinuxProcess, listProcesses, type ProcessList, readProcess } from "./proc.ts";
import { type ProcessTree, sendSignal } from "./process_tree.ts";

/**
 * A command's processes as Linux's `/proc` shows them: those in the shell's session or group, those
 * that carry the command's mark in their environment, and the descendants of all of them.
 *
 * Each way finds what the others miss. A daemon that called `setsid` and whose parent has exited is
 * in no group and under no parent of ours, but still has the environment; one started by `env -i`
 * lacks the mark, but has a parent or the session. Only what shed all three escapes.
 */
export class LinuxProcessTree implements ProcessTree {
  readonly #shell: number;
  readonly #mark: string;
  readonly #startedAt: number;
  /** The start time of each process found, by process id: an id alone may be used again. */
  readonly #found = new Map<number, number>();
  #extinct = false;

  /** `shell` must not have been waited for yet, so that its id is surely its own. */
  constructor(shell: number, mark: string) {
    this.#shell = shell;
    this.#mark = mark;
    this.#startedAt = readProcess(shell)?.startedAt ?? 0;
  }

  async signal(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const living = await this.#find();
    const group = living.filter((process) => process.group === this.#shell);
    // The kernel reaches a whole group at once, also those members it is just forking.
    if (group.length > 0) sendSignal(-this.#shell, signal);
    for (const { pid, group } of living) if (group !== this.#shell) sendSignal(pid, signal);
  }

  async remains(): Promise<"alive" | "unreaped" | "nothing"> {
    for (const [pid, startedAt] of this.#found) {
      const process = readProcess(pid);
      if (process?.startedAt !== startedAt) this.#found.delete(pid);
      else if (!process.dead) return "alive";
    }
    // Whoever was known is dead. Only now is the whole list worth reading, for newcomers, and only
    // until there were none: the dead start no others.
    this.#extinct ||= (await this.#find()).length === 0;
    if (!this.#extinct) return "alive";
    return this.#found.size > 0 ? "unreaped" : "nothing";
  }

  /** Notes the tree's processes and returns the living ones. */
  async #find(): Promise<LinuxProcess[]> {
    const list = await listProcesses();
    const pending = list.processes.filter((process) => this.#isRoot(process, list));
    const members = new Set<LinuxProcess>();
    for (let process = pending.pop(); process !== undefined; process = pending.pop()) {
      if (members.has(process)) continue;
      members.add(process);
      this.#found.set(process.pid, process.startedAt);
      pending.push(...list.childrenOf(process.pid));
    }
    return [...members].filter((process) => !process.dead);
  }

  #isRoot(process: LinuxProcess, list: ProcessList): boolean {
    if (process.startedAt < this.#startedAt) return false;
    return (
      process.session === this.#shell ||
      process.group === this.#shell ||
      this.#found.get(process.pid) === process.startedAt ||
      (!process.dead && list.environmentOf(process.pid).includes(this.#mark))
    );
  }
}
