import { LinuxProcessTree } from "./linux_process_tree.ts";
import { hasProc } from "./proc.ts";
import { ProcessGroup } from "./process_group.ts";
import { type ProcessTree, sendSignal } from "./process_tree.ts";

/** Holds the ids of the `runShell` calls that a process descends from, the innermost last. */
const markVariable = "TASKMOUNT_SHELL_ID";

/** The process groups of the commands that run. They are sessions of their own, which no terminal ends. */
const running = new Set<number>();

process.on("exit", () => {
  for (const group of running) sendSignal(-group, "SIGKILL");
});

/** A shell that runs, in a session and a process group of its own. */
export interface RunningShell {
  process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Everything the command has started. To be called before the process was seen to exit. */
  tree: () => ProcessTree;
}

/** Why no shell could be started, told as a shell would. */
export interface FailedStart {
  failure: string;
  returncode: 126 | 127;
}

/** Starts `sh -c command` with empty standard input, and `env` merged over the environment. */
export function startShell(
  command: string,
  { cwd, env }: { cwd: string | undefined; env: Readonly<Record<string, string | undefined>> },
): RunningShell | FailedStart {
  const id = crypto.randomUUID();
  const outer = process.env[markVariable];
  const mark = outer === undefined ? id : `${outer}/${id}`;
  try {
    // `--` since a command may begin with a dash; an absolute path since `env` may change PATH.
    const child = Bun.spawn(["/bin/sh", "-c", "--", command], {
      argv0: "sh",
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env, [markVariable]: mark },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    running.add(child.pid);
    void child.exited.then(() => running.delete(child.pid));
    return { process: child, tree: () => findTree(child.pid, id) };
  } catch (error) {
    return explain(error, command, cwd);
  }
}

function findTree(shell: number, id: string): ProcessTree {
  return hasProc() ? new LinuxProcessTree(shell, id) : new ProcessGroup(shell);
}

/** What the system refuses a working directory with. */
const directoryFaults: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such directory"],
  ["ENOTDIR", "not a directory"],
  ["EACCES", "permission denied"],
  ["ELOOP", "too many symbolic links"],
  ["ENAMETOOLONG", "name too long"],
]);

function explain(error: unknown, command: string, cwd: string | undefined): FailedStart {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const directoryFault = cwd === undefined ? undefined : directoryFaults.get(code);
  let failure = `Cannot run the command: ${error instanceof Error ? error.message : error}`;
  if (command.includes("\0")) {
    failure = "Cannot run the command: it contains a NUL byte";
  } else if (code === "E2BIG") {
    failure =
      "Cannot run the command: it or its environment is longer than the system allows (E2BIG); put long data into a file";
  } else if (directoryFault !== undefined) {
    failure = `Cannot run the command in ${JSON.stringify(cwd)}: ${directoryFault}`;
  }
  return { failure, returncode: code === "ENOENT" ? 127 : 126 };
}
