import { readFileSync } from "node:fs";

/** Whether a process exists and has not exited; one that only waits to be reaped has. */
export function isAlive(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return false;
  }
  const state = stat.slice(stat.lastIndexOf(")") + 2).at(0);
  return state !== "Z" && state !== "X";
}

/** The process ids a command printed, one a line or separated by spaces. */
export function pidsIn(output: string): number[] {
  return output.trim().split(/\s+/).map(Number);
}

/** Ends processes that a command left in the background, as it should. */
export function kill(pids: readonly number[]): void {
  for (const pid of pids) process.kill(pid, "SIGKILL");
}
