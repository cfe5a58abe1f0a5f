/**
 * Runs shell commands as a task needs it: a result for every command, a timeout that leaves no
 * process behind, bounded memory, and safe interpolation.
 *
 * ```ts
 * import { runShell, shell } from "taskmount";
 *
 * const { stdout, returncode } = await runShell(shell`du -sk ${directory}`, { timeout: 30 });
 * ```
 *
 * @module
 */

export { ShellQuotingError, UnsupportedPlatformError } from "./errors.ts";
export { runShell, type ShellResult } from "./run_shell.ts";
export type { RunShellOptions } from "./run_shell_options.ts";
export { type ShellValue, shell } from "./shell.ts";
