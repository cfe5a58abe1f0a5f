import type { Logger } from "../../lib/mod.ts";

/** A logger that keeps its lines, with all that is in them. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];

  debug = (message: string, fields?: object): void => this.#write("debug", message, fields);
  info = (message: string, fields?: object): void => this.#write("info", message, fields);
  warn = (message: string, fields?: object): void => this.#write("warn", message, fields);
  error = (message: string, fields?: object): void => this.#write("error", message, fields);

  #write(level: string, message: string, fields: object = {}): void {
    const written = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
    this.lines.push([level, message, ...written].join(" "));
  }
}
