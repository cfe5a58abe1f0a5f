import type { Awaitable } from "../tasks/mod.ts";

/** More lines than this wait for no report. */
const MOST_LINES = 10_000;
const DROPPED = `… more lines were dropped: ${MOST_LINES} were waiting to be written`;
/** Bytes that a line counts at least: what it takes in the file beside its text. */
export const LEAST_LINE = 64;

/** A line, and from where to where it goes in what its run has logged so far, in bytes. */
export interface LoggedLine {
  readonly line: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/**
 * What a run logs, until it is written: as much of it as the log of its job may
 * be, and one line that says so where there was more.
 */
export class RunLog {
  readonly #attempt: number;
  readonly #most: number;
  #lines: LoggedLine[] = [];
  #length = 0;
  /** What earlier attempts have left in the log, in bytes; it changes no more. */
  #earlier: number | undefined;

  /** `most` is how many bytes the lines of all attempts may have. */
  constructor({ attempt, most }: { attempt: number; most: number }) {
    this.#attempt = attempt;
    this.#most = most;
    if (attempt === 1) this.#earlier = 0;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  add(line: string, at: number): void {
    // What can't be written whatever came before must not wait in memory.
    if (this.#length > this.#most) return;
    if (this.#lines.length < MOST_LINES) this.#push(line, at);
    else if (this.#lines.length === MOST_LINES) this.#push(DROPPED, at);
  }

  /** What has come since the last time. */
  take(): readonly LoggedLine[] {
    return this.#lines.splice(0);
  }

  /** Takes back what could not be written. */
  putBack(lines: readonly LoggedLine[]): void {
    // What was taken later may have come back earlier.
    this.#lines = [...lines, ...this.#lines].sort((a, b) => a.from - b.from);
  }

  /**
   * Which of the lines that were taken are to be written; asked twice, it says the same.
   * `sizeBefore` gives the bytes that attempts before this one have left in the log, and is asked
   * at most once.
   */
  async fitting(
    lines: readonly LoggedLine[],
    sizeBefore: (attempt: number) => Awaitable<number>,
  ): Promise<readonly LoggedLine[]> {
    this.#earlier ??= await sizeBefore(this.#attempt);
    const room = this.#most - this.#earlier;
    const fitting = lines.filter(({ to }) => to <= room);
    // The first one that doesn't fit; where earlier attempts have left no room, the first one of all.
    const cut = lines.find(({ from, to }) => to > room && (from <= room || from === 0));
    if (cut !== undefined) {
      fitting.push({ ...cut, line: `… the log was cut: it may be ${this.#most} bytes` });
    }
    return fitting;
  }

  #push(line: string, at: number): void {
    const from = this.#length;
    this.#length += Math.max(Buffer.byteLength(line), LEAST_LINE);
    this.#lines.push({ line, at, from, to: this.#length });
  }
}
