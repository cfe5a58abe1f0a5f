import { messageOf, textOf, tracebackOf } from "./thrown.ts";

/** Where a task, and taskmount itself, writes to. `fields` belong to the message. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Writes lines to the console, all but `debug`: time, level, message, and the
 * fields as `name=value`; the stack of an `error` follows below.
 */
export const consoleLogger: Logger = {
  debug: () => {},
  info: (message, fields) => write("info", message, fields),
  warn: (message, fields) => write("warn", message, fields),
  error: (message, fields) => write("error", message, fields),
};

/** The same logger with fields that each of its messages carries. */
export function withFields(logger: Logger, fields: Readonly<Record<string, unknown>>): Logger {
  return {
    debug: (message, more) => logger.debug(message, { ...fields, ...more }),
    info: (message, more) => logger.info(message, { ...fields, ...more }),
    warn: (message, more) => logger.warn(message, { ...fields, ...more }),
    error: (message, more) => logger.error(message, { ...fields, ...more }),
  };
}

function write(
  level: "info" | "warn" | "error",
  message: string,
  { error, ...fields }: Readonly<Record<string, unknown>> = {},
): void {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${textOf(value)}`);
  const line = `${new Date().toISOString()} ${level} ${message}${pairs.join("")}`;
  const trace = error === undefined ? "" : `\n${tracebackOf(error) ?? messageOf(error)}`;
  // biome-ignore lint/suspicious/noConsole: this logger is the one that writes to the console.
  console[level](line + trace);
}
