import type { Logger } from "../../lib/tasks/mod.ts";

export interface LogEntry {
  readonly level: "debug" | "error" | "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what is logged, and prints nothing. */
export class RecordingLogger implements Logger {
  readonly entries: LogEntry[] = [];
  readonly #waiting: (() => void)[] = [];

  get messages(): string[] {
    return this.entries.map(({ message }) => message);
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("error", message, fields);
  }

  /** Resolves to the next entry that is written. */
  async next(): Promise<LogEntry> {
    const index = this.entries.length;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const entry = this.entries[index];
    if (entry === undefined) throw new Error("nothing was logged");
    return entry;
  }

  #write(level: LogEntry["level"], message: string, fields: LogEntry["fields"] = {}): void {
    this.entries.push({ level, message, fields });
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
