import { awaitEnding } from "./ending.ts";
import { UnsupportedPlatformError } from "./errors.ts";
import { OutputReader, readUpToNow } from "./output_reader.ts";
import { parseOptions, type RunShellOptions } from "./run_shell_options.ts";
import { startShell } from "./start_shell.ts";
import { terminate } from "./terminate.ts";

/** What a shell command left: the result of {@linkcode runShell}. */
export interface ShellResult {
  /** The command as it was given. */
  command: string;
  /** Standard output, as UTF-8; other bytes are replaced by U+FFFD. */
  stdout: string;
  /** Standard error, likewise; after a timeout or an abort its last line says so. */
  stderr: string;
  /**
   * The exit code; 128 + n after signal n; -1 after a timeout or an abort; 127 (something isn't
   * there) or 126 if the shell could not be started.
   */
  returncode: number;
  /** Set if output beyond `maxOutput` was dropped. */
  truncated?: true;
}

/**
 * Runs `sh -c command` and resolves with its output and exit code.
 *
 * It rejects neither for a command that fails, is killed or doesn't exist, nor for one that can't
 * be started at all, such as in a missing `cwd`: `returncode` tells, and `stderr` says why.
 *
 * Values from outside belong into the command through {@linkcode shell}, which quotes them, or into
 * `env`. Standard input is empty. The command runs in a session of its own, so a Ctrl-C in the
 * terminal reaches it through `signal` only. Its outputs are sockets, as with Node.js: `>&2` works,
 * opening `/dev/stderr` or `/dev/stdout` doesn't.
 *
 * On timeout or abort every process the command started gets SIGTERM, and after `killGrace` SIGKILL;
 * what was printed until then is kept. On Linux this includes daemons that left the command's
 * process group: they are found by their parents, or by the variable `TASKMOUNT_SHELL_ID`, which
 * every command gets and a daemon may take away to be spared. Elsewhere it is the process group.
 *
 * After a normal exit background children live on. What they still write to the command's outputs
 * is read and dropped as long as this process lives; redirect it if they are to outlive it.
 *
 * @throws {TypeError} if the command or an option is of the wrong type.
 * @throws {RangeError} if a number among the options is negative or NaN, or `killGrace` is infinite.
 * @throws {UnsupportedPlatformError} on Windows.
 *
 * @example
 * ```ts
 * import { runShell } from "taskmount";
 *
 * const { stdout, returncode } = await runShell("ls | wc -l", { cwd: "/tmp", timeout: 5 });
 * ```
 */
export async function runShell(
  command: string,
  options: RunShellOptions = {},
): Promise<ShellResult> {
  if (process.platform === "win32") throw new UnsupportedPlatformError(process.platform);
  if (typeof command !== "string") {
    throw new TypeError(`Cannot run a command of type ${typeof command}: it must be a string`);
  }
  const { timeout, signal, maxOutput, killGrace, ...place } = parseOptions(options);
  if (signal?.aborted) return { command, stdout: "", stderr: abortNotice, returncode: -1 };

  const shell = startShell(command, place);
  if ("failure" in shell) {
    return { command, stdout: "", stderr: shell.failure, returncode: shell.returncode };
  }
  const stdout = new OutputReader(shell.process.stdout, maxOutput);
  const stderr = new OutputReader(shell.process.stderr, maxOutput);
  const outputs = [stdout, stderr];

  const ending = await awaitEnding(shell.process, { timeout, signal });
  if (ending !== "exit") await terminate(shell.tree(), killGrace);
  await readUpToNow(outputs);
  const result: ShellResult = {
    command,
    stdout: stdout.text(),
    stderr: stderr.text(),
    returncode: -1,
  };
  if (stdout.truncated || stderr.truncated) result.truncated = true;

  if (ending === "exit") {
    result.returncode = await shell.process.exited;
    for (const output of outputs) output.leave();
  } else {
    const notice = ending === "abort" ? abortNotice : `Command timed out after ${timeout} seconds`;
    result.stderr = withLastLine(result.stderr, notice);
    await Promise.all(outputs.map((output) => output.close()));
  }
  return result;
}

const abortNotice = "Command aborted";

function withLastLine(text: string, line: string): string {
  return text === "" || text.endsWith("\n") ? text + line : `${text}\n${line}`;
}
