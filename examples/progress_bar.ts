/** The part of a job's record that a bar shows. */
export interface Progress {
  readonly status: string;
  /** From 0 to 1. */
  readonly progress: number | null;
  readonly progress_message: string | null;
}

const WIDTH = 30;

/** One line: `[==========          ]  33 %  running  5 of 15`. */
export function progressBar({ status, progress, progress_message }: Progress): string {
  const fraction = status === "completed" ? 1 : (progress ?? 0);
  const bar = "=".repeat(Math.round(fraction * WIDTH)).padEnd(WIDTH);
  const percent = String(Math.round(fraction * 100)).padStart(3);
  return `[${bar}] ${percent} %  ${status}  ${progress_message ?? ""}`.trimEnd();
}
