import { afterAll, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  type RunShellOptions,
  runShell,
  shell,
  UnsupportedPlatformError,
} from "../../lib/shell/mod.ts";

const module = new URL("../../lib/shell/mod.ts", import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), "taskmount shell "));
const file = join(directory, "file");
writeFileSync(file, "");
afterAll(() => rmSync(directory, { recursive: true }));

test("runShell() resolves with command, stdout, stderr and returncode, in this order", async () => {
  const command = "echo out; echo err >&2; exit 3";
  const result = await runShell(command);
  assertEquals(result, { command, stdout: "out\n", stderr: "err\n", returncode: 3 });
  assertEquals(Object.keys(result), ["command", "stdout", "stderr", "returncode"]);
});

test("runShell() gives the whole command to a POSIX shell", async () => {
  assertEquals((await runShell("printf 'b\\na\\n' | sort && echo $0")).stdout, "a\nb\nsh\n");
  assertEquals((await runShell("")).returncode, 0);
  assertEquals((await runShell("-x")).returncode, 127);
});

test("runShell() gives 128+n as returncode after signal n", async () => {
  assertEquals((await runShell("kill -9 $$")).returncode, 137);
  assertEquals((await runShell("kill -TERM $$")).returncode, 143);
  assertEquals((await runShell("kill -40 $$")).returncode, 168);
  assertEquals((await runShell("sh -c 'kill -9 $$'")).returncode, 137);
});

test("runShell() gives 127 for an unknown command, with the shell's words", async () => {
  const { stdout, stderr, returncode } = await runShell("no-such-command --help");
  assertEquals([stdout, returncode], ["", 127]);
  assertMatch(stderr, /no-such-command.*not found/);
});

const unstartable: [string, string, RunShellOptions, number, string][] = [
  ["a missing cwd", "true", { cwd: "/no/such" }, 127, '"/no/such": no such directory'],
  ["a cwd that is a file", "true", { cwd: file }, 126, `"${file}": not a directory`],
  ["a cwd with a NUL byte", "true", { cwd: "/tmp\0" }, 126, "null bytes"],
  ["an env with a NUL byte", "true", { env: { A: "\0" } }, 126, "null bytes"],
  ["a command with a NUL byte", "echo a\0b", {}, 126, "it contains a NUL byte"],
  ["a command that is too long", `: ${"x".repeat(3_000_000)}`, {}, 126, "longer than"],
];

for (const [what, command, options, returncode, message] of unstartable) {
  test(`runShell() does not reject for ${what}: stderr says why`, async () => {
    const result = await runShell(command, options);
    assertEquals([result.command, result.stdout], [command, ""]);
    assertStringIncludes(result.stderr, "Cannot run the command");
    assertStringIncludes(result.stderr, message);
    assertEquals(result.returncode, returncode);
  });
}

test("runShell() runs in cwd, a path or a file: URL", async () => {
  assertEquals((await runShell("pwd", { cwd: directory })).stdout, `${directory}\n`);
  assertEquals((await runShell("pwd", { cwd: pathToFileURL(directory) })).stdout, `${directory}\n`);
  assertEquals((await runShell("pwd")).stdout, `${process.cwd()}\n`);
});

test("runShell() merges env over the current environment", async () => {
  process.env["TASKMOUNT_TEST_KEPT"] = "kept";
  process.env["TASKMOUNT_TEST_TAKEN"] = "taken";
  const { stdout } = await runShell("env", {
    env: { TASKMOUNT_TEST_ADDED: "added", TASKMOUNT_TEST_TAKEN: undefined },
  });
  delete process.env["TASKMOUNT_TEST_KEPT"];
  delete process.env["TASKMOUNT_TEST_TAKEN"];
  const ours = stdout.split("\n").filter((line) => line.startsWith("TASKMOUNT_TEST_"));
  assertEquals(ours.sort(), ["TASKMOUNT_TEST_ADDED=added", "TASKMOUNT_TEST_KEPT=kept"]);
});

test("runShell() finds the shell whatever PATH env sets", async () => {
  assertEquals((await runShell("echo $PATH", { env: { PATH: "/nowhere" } })).stdout, "/nowhere\n");
});

test("runShell() gives the command an empty standard input", async () => {
  const program = `
    import { runShell } from ${JSON.stringify(module)};
    console.log(await runShell("cat; read line || printf end"));
  `;
  // The inner process has something to read, which its command must not get.
  const { stdout } = await runShell(shell`echo secret | ${process.execPath} -e ${program}`);
  assertStringIncludes(stdout, 'stdout: "end"');
});

test("runShell() rejects with UnsupportedPlatformError on Windows", async () => {
  const platform = Object.getOwnPropertyDescriptor(process, "platform");
  assert(platform !== undefined);
  Object.defineProperty(process, "platform", { ...platform, value: "win32" });
  try {
    const error = await assertRejects(() => runShell("true"), UnsupportedPlatformError, "win32");
    assertEquals([error.name, error.platform], ["UnsupportedPlatformError", "win32"]);
  } finally {
    Object.defineProperty(process, "platform", platform);
  }
});

test("runShell() rejects numbers that mean nothing with a RangeError that names the option", async () => {
  for (const option of ["timeout", "maxOutput", "killGrace"]) {
    for (const value of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) {
      await assertRejects(() => runShell("true", { [option]: value }), RangeError, option);
    }
  }
  await assertRejects(() => runShell("true", { killGrace: Infinity }), RangeError, "killGrace");
});

test("runShell() rejects arguments of the wrong type with a TypeError that names the option", async () => {
  const untyped = runShell as (command: unknown, options?: unknown) => Promise<unknown>;
  await assertRejects(() => untyped(["ls"]), TypeError, "command");
  const options = { timeout: "1", maxOutput: null, killGrace: [], cwd: 1, env: "A=1", signal: {} };
  for (const [option, value] of Object.entries(options)) {
    await assertRejects(() => untyped("true", { [option]: value }), TypeError, `as ${option}`);
  }
  await assertRejects(() => runShell("true", { cwd: new URL("http://localhost/") }), TypeError);
});

test("runShell() takes an option that is undefined as left out", async () => {
  const nothing = { timeout: undefined, cwd: undefined, env: undefined, signal: undefined };
  const options = { ...nothing, maxOutput: undefined, killGrace: undefined };
  assertEquals((await runShell("echo hi", options)).stdout, "hi\n");
});

test("runShell() runs 200 commands at once, each with its own output", async () => {
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  const results = await Promise.all(
    numbers.map((number) => runShell(`echo ${number}; echo ${number} >&2; exit ${number}`)),
  );
  for (const [number, { stdout, stderr, returncode }] of results.entries()) {
    assertEquals([stdout, stderr, returncode], [`${number}\n`, `${number}\n`, number]);
  }
});

test("runShell() leaves no file descriptor open", async () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
  await turn();
  const before = openFiles();
  const runs = Array.from({ length: 20 }, (_, index) => [
    runShell("echo hi"),
    runShell("true", { cwd: "/no/such" }),
    runShell("sleep 100", { timeout: 0.01 * index }),
    runShell("yes", { timeout: 0.1, maxOutput: 10 }),
  ]);
  await Promise.all(runs.flat());
  // Bun closes a stream that has ended a moment later.
  while (openFiles() > before) await turn();
});

test("runShell() takes its listener off the signal", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners.add(args[1]);
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners.delete(args[1]);
    removeEventListener.apply(signal, args);
  };
  const run = runShell("true", { signal });
  assertEquals(listeners.size, 1);
  await run;
  await runShell("sleep 100", { signal, timeout: 0.01 });
  assertEquals(listeners.size, 0);
});

test("runShell() does not keep the process from exiting once it resolved", async () => {
  const program = `
    import { runShell } from ${JSON.stringify(module)};
    const { signal } = new AbortController();
    const { stdout } = await runShell("sleep 100 & echo $!", { timeout: 1000, signal });
    console.log(stdout);
  `;
  const start = performance.now();
  const { stdout, stderr } = await runShell(shell`${process.execPath} -e ${program}`);
  assertEquals(stderr, "");
  process.kill(Number(stdout));
  assertLess(performance.now() - start, 10_000);
});
