import { afterAll, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { type RunShellOptions, runShell, shell } from "../../lib/shell/mod.ts";
import { ProcessGroup } from "../../lib/shell/process_group.ts";
import { terminate } from "../../lib/shell/terminate.ts";
import { isAlive, kill, pidsIn } from "./processes.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const directory = mkdtempSync(join(tmpdir(), "taskmount-terminate-"));
afterAll(() => rmSync(directory, { recursive: true }));

let fifos = 0;

/**
 * Runs a command that reports to `$REPORT` once it is set up, then aborts it, and resolves with the
 * process ids it reported and its result.
 */
async function abortWhenReady(command: string, options: RunShellOptions = {}) {
  const report = join(directory, `report-${fifos++}`);
  await runShell(shell`mkfifo ${report}`);
  const controller = new AbortController();
  const { signal } = controller;
  const run = runShell(command, { env: { REPORT: report }, signal, ...options });
  const { stdout } = await runShell(shell`cat ${report}`, { timeout: 10 });
  const start = performance.now();
  controller.abort();
  const result = await run;
  return { pids: pidsIn(stdout), result, seconds: (performance.now() - start) / 1000 };
}

test("runShell() returns -1 after its timeout, and stderr ends in how long it was", async () => {
  const command = "sleep 100 | cat";
  const start = performance.now();
  const result = await runShell(command, { timeout: 0.25 });
  const stderr = "Command timed out after 0.25 seconds";
  assertEquals(result, { command, stdout: "", stderr, returncode: -1 });
  assertGreater(performance.now() - start, 240);
  assertLess(performance.now() - start, 2250);
});

test("runShell() keeps what was printed before a timeout", async () => {
  const { stdout, stderr } = await runShell(
    "echo out; printf err >&2; head -c 100000 /dev/zero; sleep 100",
    { timeout: 0.2 },
  );
  assertEquals(stdout, `out\n${"\0".repeat(100_000)}`);
  assertEquals(stderr, "err\nCommand timed out after 0.2 seconds");
});

test("runShell() keeps what a command prints while it is being ended", async () => {
  const { stdout, stderr } = await runShell(
    "trap 'echo cleaned up; echo bye >&2; exit 0' TERM; sleep 100 & wait",
    { timeout: 0.1 },
  );
  assertEquals(stdout, "cleaned up\n");
  assertEquals(stderr, "bye\nCommand timed out after 0.1 seconds");
});

test("runShell() kills a pipeline of sleepers within two seconds of its timeout", async () => {
  const start = performance.now();
  const { stdout, returncode } = await runShell(
    "echo $$; sleep 100 & echo $!; (echo $$; sleep 101 & echo $! >&3; wait) 3>&1 | cat; wait",
    { timeout: 0.5 },
  );
  assertLess(performance.now() - start, 2500);
  assertEquals(returncode, -1);
  const pids = pidsIn(stdout);
  assertEquals(pids.length, 4);
  assertEquals(pids.filter(isAlive), []);
});

test("runShell() kills a command that ignores SIGTERM within two seconds of its timeout", async () => {
  const start = performance.now();
  const { stdout, returncode } = await runShell(
    "trap '' TERM; echo $$; sleep 100 & echo $!; sleep 101",
    { timeout: 0.2 },
  );
  assertLess(performance.now() - start, 2200);
  assertEquals(returncode, -1);
  const pids = pidsIn(stdout);
  assertEquals(pids.length, 2);
  assertEquals(pids.filter(isAlive), []);
});

test("runShell() waits killGrace seconds before it kills", async () => {
  const command = "trap '' TERM; while :; do sleep 0.05; done";
  for (const killGrace of [0, 0.3]) {
    const start = performance.now();
    await runShell(command, { timeout: 0.05, killGrace });
    const seconds = (performance.now() - start) / 1000;
    assertGreater(seconds, 0.05 + killGrace - 0.01);
    assertLess(seconds, 0.05 + killGrace + 0.9);
  }
});

test("runShell() returns as soon as the last process is dead, not after killGrace", async () => {
  const start = performance.now();
  await runShell("sleep 100", { timeout: 0.05, killGrace: 60 });
  assertLess(performance.now() - start, 5000);
});

test("runShell() returns -1 when its signal aborts, stderr says so and nothing is left", async () => {
  const { pids, result, seconds } = await abortWhenReady(
    "printf out; printf err >&2; sleep 100 & echo $$ $! > $REPORT; wait",
  );
  assertEquals(result.stdout, "out");
  assertEquals(result.stderr, "err\nCommand aborted");
  assertEquals(result.returncode, -1);
  assertLess(seconds, 2);
  assertEquals(pids.length, 2);
  assertEquals(pids.filter(isAlive), []);
});

test("runShell() starts nothing when its signal has aborted already", async () => {
  const witness = join(directory, "witness");
  const command = shell`echo started > ${witness}`;
  const result = await runShell(command, { signal: AbortSignal.abort() });
  assertEquals(result, { command, stdout: "", stderr: "Command aborted", returncode: -1 });
  assertEquals((await runShell(shell`test -e ${witness}`)).returncode, 1);
});

// Each of these is in none of the shell's groups, and found by one of the three ways alone.
const escapes: [string, string][] = [
  ["left the session", "setsid env -i sh -c 'echo $$ > '$REPORT'; exec sleep 100' & wait"],
  [
    "left the session and lost its parent",
    "(setsid sh -c 'echo $$ > $REPORT; exec sleep 100' &); sleep 101",
  ],
  [
    "left the group and lost its parent and its environment",
    `bash -c 'set -m; (env -i sh -c "echo \\$\\$ > $REPORT; exec sleep 100" &)'; sleep 101`,
  ],
];

for (const [how, command] of escapes) {
  test(`runShell() kills a descendant that ${how}`, async () => {
    const { pids, result, seconds } = await abortWhenReady(command);
    assertEquals([pids.length, pids.filter(isAlive)], [1, []]);
    assertEquals(result.returncode, -1);
    assertLess(seconds, 2);
  });
}

test("runShell() kills a descendant that ignores SIGTERM though nothing leads to it any more", async () => {
  // Only its parent, which dies of SIGTERM, told that it belongs to the command.
  const { pids } = await abortWhenReady(
    "setsid env -i sh -c 'trap \"\" TERM; echo $$ > '$REPORT'; exec sleep 100' & wait",
    { killGrace: 0.1 },
  );
  assertEquals([pids.length, pids.filter(isAlive)], [1, []]);
});

test("runShell() spares a daemon that took its mark away, and does not wait for its output", async () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  const { pids, seconds } = await abortWhenReady(
    "(setsid env -u TASKMOUNT_SHELL_ID sh -c 'echo $$ > $REPORT; exec sleep 100' &); sleep 101",
  );
  assertLess(seconds, 2);
  while (openFiles() > before) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(pids.map(isAlive), [true]);
  kill(pids);
});

test("runShell() ends what a runShell() inside the command started", async () => {
  const module = new URL("../../lib/shell/mod.ts", import.meta.url).href;
  const program = `
    import { runShell } from ${JSON.stringify(module)};
    await runShell("(setsid sh -c 'echo $$ $TASKMOUNT_SHELL_ID > $REPORT; exec sleep 100' &)");
  `;
  const { pids } = await abortWhenReady(shell`${process.execPath} -e ${program}; sleep 101`);
  const [pid = 0] = pids;
  assertGreater(pid, 0);
  assert(!isAlive(pid));
});

test("runShell() ends nothing but its own command", async () => {
  const fifo = join(directory, "bystander");
  const { stdout } = await runShell(
    shell`mkfifo ${fifo}; setsid sleep 100 & echo $!; sleep 101 & echo $!`,
  );
  const bystander = runShell(shell`cat ${fifo}`);
  await runShell("sleep 100", { timeout: 0.05 });
  const pids = pidsIn(stdout);
  assertEquals(pids.map(isAlive), [true, true]);
  kill(pids);
  await runShell(shell`echo unharmed > ${fifo}`);
  assertEquals((await bystander).stdout, "unharmed\n");
});

test("runShell() returns what a command did that ended in time, though this process was busy", async () => {
  const run = runShell("echo done; exit 3", { timeout: 0.05 });
  const busyUntil = performance.now() + 150;
  while (performance.now() < busyUntil);
  const { stdout, stderr, returncode } = await run;
  assertEquals([stdout, stderr, returncode], ["done\n", "", 3]);
});

test("runShell() takes any timeout from 0 to Infinity", async () => {
  const { stderr } = await runShell("sleep 100", { timeout: 0 });
  assertEquals(stderr, "Command timed out after 0 seconds");
  for (const timeout of [2 ** 31, Number.MAX_VALUE, Infinity]) {
    assertEquals((await runShell("sleep 0.05; exit 7", { timeout })).returncode, 7);
  }
});

test("runShell() ends 50 commands that time out together within two seconds", async () => {
  const runs = Array.from({ length: 50 }, () =>
    runShell("echo $$; sleep 100 | cat", { timeout: 1 }),
  );
  const start = performance.now();
  const results = await Promise.all(runs);
  assertLess(performance.now() - start, 3000);
  for (const { stderr } of results) assertMatch(stderr, /^Command timed out after 1 seconds$/);
  assertEquals(results.flatMap(({ stdout }) => pidsIn(stdout)).filter(isAlive), []);
});

const groups: [string, number, NodeJS.Signals | null][] = [
  ["trap 'wait; exit' TERM; sh -c 'echo $PPID $$; exec sleep 100' & wait", 5000, null],
  ["trap '' TERM; echo $$; exec sleep 100", 50, "SIGKILL"],
];

for (const [command, grace, signal] of groups) {
  test(`terminate() ends a process group where there is no /proc: ${command}`, async () => {
    const child = Bun.spawn(["sh", "-c", command], { detached: true, stdout: "pipe" });
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    const pids = pidsIn(new TextDecoder().decode(value));
    assertEquals(pids.filter(isAlive), pids);
    const start = performance.now();
    await terminate(new ProcessGroup(child.pid), grace);
    assertLess(performance.now() - start, 4000);
    assertEquals(pids.filter(isAlive), []);
    assertEquals(child.signalCode, signal);
  });
}

test("runShell() reads a program's name that imitates the fields of /proc", async () => {
  const program = join(directory, "x) S 1 (y");
  const { pids } = await abortWhenReady(
    shell`cp "$(command -v sleep)" ${program}; setsid ${program} 100 & sh -c 'echo $0 > $REPORT' "$!"; wait`,
  );
  assertEquals([pids.length, pids.filter(isAlive)], [1, []]);
});
