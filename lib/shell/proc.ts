import { readdirSync, readFileSync } from "node:fs";
import { nextTurn } from "./next_turn.ts";

/** A process as `/proc` shows it. */
export interface LinuxProcess {
  pid: number;
  parent: number;
  group: number;
  session: number;
  /** In clock ticks after the machine's start. */
  startedAt: number;
  /** Whether it has exited and only waits for its parent to take note (a zombie). */
  dead: boolean;
}

/** All processes that this one may see, at one moment. */
export class ProcessList {
  readonly processes: readonly LinuxProcess[];
  readonly #children: ReadonlyMap<number, readonly LinuxProcess[]>;
  readonly #environments = new Map<number, string>();

  constructor(processes: readonly LinuxProcess[]) {
    this.processes = processes;
    this.#children = Map.groupBy(processes, (process) => process.parent);
  }

  childrenOf(pid: number): readonly LinuxProcess[] {
    return this.#children.get(pid) ?? [];
  }

  /** The environment a process was started with; empty if it is gone or another user's. */
  environmentOf(pid: number): string {
    let environment = this.#environments.get(pid);
    if (environment === undefined) {
      environment = readIfThere(`/proc/${pid}/environ`);
      this.#environments.set(pid, environment);
    }
    return environment;
  }
}

/** Whether this platform has the `/proc` that the functions of this file read. */
export function hasProc(): boolean {
  return process.platform === "linux" && readProcess(process.pid) !== undefined;
}

let nextList: Promise<ProcessList> | undefined;

/**
 * Lists the processes that exist after the call. All calls of one turn of the event loop share one
 * list: reading it takes milliseconds, and hundreds of commands may time out together.
 */
export function listProcesses(): Promise<ProcessList> {
  nextList ??= nextTurn().then(() => {
    nextList = undefined;
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return new ProcessList(pids.flatMap((pid) => readProcess(Number(pid)) ?? []));
  });
  return nextList;
}

/**
 * Reads one process, or `undefined` if there is none with this id.
 *
 * @see {@link https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html | proc_pid_stat(5)}
 */
export function readProcess(pid: number): LinuxProcess | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses, which itself may contain any of " ()".
  const [state, parent, group, session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startedAt = rest[15];
  if (startedAt === undefined) return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt: Number(startedAt),
    dead: state === "Z" || state === "X",
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process ended since it was listed, or belongs to somebody else.
    return "";
  }
}
