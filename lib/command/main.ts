#!/usr/bin/env bun
/**
 * The command `taskmount`, for `bunx taskmount`.
 *
 * @module
 */
import { run } from "./run.ts";

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));
}
const code = await run(process.argv.slice(2), {
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  signal: interrupted.signal,
});
// What still runs, such as a backup's thread, is of no use any more.
process.exit(code);
