import { Database } from "../storage/mod.ts";

/** Done; could not be done; what was given makes no command. */
export type ExitCode = 0 | 1 | 2;

export interface RunOptions {
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
  /** Ends what runs; that makes it one that could not be done. */
  readonly signal?: AbortSignal;
}

const USAGE = `Usage: taskmount backup DATABASE FILE

  backup   copies a database to a new file, while services use it

DATABASE is a path, or sqlite:PATH, as Database.open() takes it.
Exit codes: 0 done, 1 could not be done, 2 wrong usage.`;

/** Runs the command that `taskmount` was called with. */
export async function run(args: readonly string[], options: RunOptions): Promise<ExitCode> {
  const [command, ...rest] = args;
  if (command === "help" || args.includes("--help") || args.includes("-h")) {
    options.print(USAGE);
    return 0;
  }
  const [database, file, ...more] = rest;
  const isBackup = command === "backup" && database !== undefined && file !== undefined;
  if (!isBackup || more.length > 0 || rest.some((arg) => arg.startsWith("-"))) {
    options.complain(USAGE);
    return 2;
  }
  try {
    await backup(database, file, options);
    return 0;
  } catch (error) {
    options.complain(`taskmount: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function backup(url: string, file: string, { print, signal }: RunOptions): Promise<void> {
  await using database = Database.open(url);
  if (database.url === "sqlite::memory:") {
    throw new Error('":memory:" is private to each process: there is nothing to back up');
  }
  await database.backup(file, signal === undefined ? {} : { signal });
  print(`${database.url} is backed up to ${file}`);
}
