import { fileURLToPath } from "node:url";

/** Options of `runShell`. */
export interface RunShellOptions {
  /**
   * Seconds after which the command and everything it started is ended, 0 or more.
   *
   * @default {Infinity}
   */
  timeout?: number | undefined;
  /**
   * Directory to run in: a path or a `file:` URL.
   *
   * @default {process.cwd()}
   */
  cwd?: string | URL | undefined;
  /**
   * Variables to add to the current environment; `undefined` takes one away.
   *
   * @default {{}}
   */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the command and everything it started when it aborts. */
  signal?: AbortSignal | undefined;
  /**
   * Bytes to keep of standard output, and as many of standard error. What comes after is dropped
   * while the command runs on.
   *
   * @default {10485760}
   */
  maxOutput?: number | undefined;
  /**
   * Seconds from SIGTERM to SIGKILL when the command is ended.
   *
   * @default {1}
   */
  killGrace?: number | undefined;
}

/** The options with their defaults in place. */
export interface Settings {
  /** Seconds, or `Infinity`. */
  timeout: number;
  cwd: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal | undefined;
  /** Bytes, or `Infinity`. */
  maxOutput: number;
  /** Milliseconds. */
  killGrace: number;
}

/**
 * Checks the options and puts in what was left out.
 *
 * @throws {TypeError} if an option is of the wrong type.
 * @throws {RangeError} if a number is negative, NaN, or infinite where it may not be.
 */
export function parseOptions(options: RunShellOptions): Settings {
  const { timeout = Number.POSITIVE_INFINITY, cwd, env = {}, signal } = options;
  const { maxOutput = 10 * 1024 * 1024, killGrace = 1 } = options;
  checkNumber("timeout", timeout, "seconds");
  checkNumber("maxOutput", maxOutput, "bytes");
  checkNumber("killGrace", killGrace, "seconds");
  if (killGrace === Number.POSITIVE_INFINITY) {
    throw new RangeError("Cannot use Infinity as killGrace: what ignores SIGTERM would never end");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError("Cannot use what was given as signal: it must be an AbortSignal");
  }
  if (typeof env !== "object" || env === null) {
    throw new TypeError("Cannot use what was given as env: it must be an object of strings");
  }
  return { timeout, cwd: toPath(cwd), env, signal, maxOutput, killGrace: killGrace * 1000 };
}

function checkNumber(name: string, value: unknown, unit: string): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${typeof value} as ${name}: it must be a number of ${unit}`);
  }
  if (!(value >= 0)) {
    throw new RangeError(`Cannot use ${value} as ${name}: it must be 0 ${unit} or more`);
  }
}

function toPath(cwd: string | URL | undefined): string | undefined {
  if (cwd instanceof URL) return fileURLToPath(cwd);
  if (cwd === undefined || typeof cwd === "string") return cwd;
  throw new TypeError("Cannot use what was given as cwd: it must be a path or a file: URL");
}
