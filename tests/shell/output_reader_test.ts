import { afterAll, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { runShell, shell } from "../../lib/shell/mod.ts";
import { OutputReader, readUpToNow } from "../../lib/shell/output_reader.ts";
import { isAlive, kill, pidsIn } from "./processes.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const directory = mkdtempSync(join(tmpdir(), "taskmount-output-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("runShell() returns all of a large output, every time", async () => {
  const expected = "x".repeat(2_000_000);
  for (let run = 0; run < 100; run++) {
    const { stdout, truncated } = await runShell("head -c 2000000 /dev/zero | tr '\\0' x");
    assertStrictEquals(stdout.length, expected.length);
    assertStrictEquals(stdout === expected, true);
    assertStrictEquals(truncated, undefined);
  }
});

test("runShell() returns what was printed right before the exit though a child holds the output", async () => {
  const expected = `${"x".repeat(150_000)}last`;
  const pids: number[] = [];
  for (let run = 0; run < 50; run++) {
    const { stdout, stderr } = await runShell(
      "sleep 100 & echo $! >&2; head -c 150000 /dev/zero | tr '\\0' x; printf last",
    );
    pids.push(...pidsIn(stderr));
    assertStrictEquals(stdout === expected, true);
  }
  kill(pids);
});

/** A stream that gets one byte in each turn of the event loop, `count` times, and never ends. */
function byteEachTurn(count: number): ReadableStream<Uint8Array> {
  let left = count;
  return new ReadableStream({
    pull(controller) {
      return new Promise((resolve) => {
        if (left-- === 0) return;
        setImmediate(() => resolve(controller.enqueue(new Uint8Array([120]))));
      });
    },
  });
}

test("readUpToNow() reads on as long as each turn of the event loop brings something", async () => {
  const output = new OutputReader(byteEachTurn(10), 100);
  await readUpToNow([output]);
  assertEquals([output.text(), output.ended], ["x".repeat(10), false]);
});

test("readUpToNow() does not wait for the end of a stream that brings something for ever", async () => {
  const output = new OutputReader(byteEachTurn(1000), 100);
  await readUpToNow([output]);
  assertLess(output.received, 1000);
});

test("runShell() loses no output while this process is too busy to read", async () => {
  const run = runShell("sleep 100 & echo $! >&2; head -c 150000 /dev/zero; kill -9 $$");
  const busyUntil = performance.now() + 100;
  while (performance.now() < busyUntil);
  const { stdout, stderr, returncode } = await run;
  kill(pidsIn(stderr));
  assertEquals([stdout.length, returncode], [150_000, 137]);
});

test("runShell() returns at the shell's exit, and its background children live on", async () => {
  const start = performance.now();
  const { stdout, stderr, returncode } = await runShell("sleep 100 & echo $! >&2; echo hi");
  assertLess(performance.now() - start, 5000);
  const [pid = 0] = pidsIn(stderr);
  assertEquals([stdout, returncode, isAlive(pid)], ["hi\n", 0, true]);
  kill([pid]);
});

test("runShell() returns though a background child prints without end", async () => {
  const { stderr, returncode } = await runShell("yes & echo $! >&2; sleep 0.05", {
    maxOutput: 100,
  });
  const [pid = 0] = pidsIn(stderr);
  assertEquals([returncode, isAlive(pid)], [0, true]);
  kill([pid]);
});

test("runShell() does not hang on a setsid child that holds the output", async () => {
  const { stdout, returncode } = await runShell("setsid sleep 100 & echo $!");
  const pids = pidsIn(stdout);
  assertEquals([returncode, pids.map(isAlive)], [0, [true]]);
  kill(pids);
});

test("runShell() lets a background child print more than a pipe holds, and succeed", async () => {
  const fifo = join(directory, "fifo");
  await runShell(shell`mkfifo ${fifo}`);
  const { stdout, returncode } = await runShell(
    shell`(read go; head -c 1000000 /dev/zero && echo printed $? > ${fifo}) < ${fifo} & echo hi`,
  );
  assertEquals([stdout, returncode], ["hi\n", 0]);
  const { stdout: outcome } = await runShell(shell`echo go > ${fifo}; cat ${fifo}`, {
    timeout: 10,
  });
  assertEquals(outcome, "printed 0\n");
});

test("runShell() closes the output once the background children have ended", async () => {
  const openFiles = () => readdirSync("/proc/self/fd").length;
  const before = openFiles();
  const { stdout } = await runShell("sleep 100 & echo $!");
  kill(pidsIn(stdout));
  while (openFiles() > before) await new Promise((resolve) => setTimeout(resolve, 10));
});

test("runShell() keeps the first maxOutput bytes of each stream and lets the command finish", async () => {
  const command = "printf abcdef; printf uvwxyz >&2; exit 4";
  const { truncated, ...rest } = await runShell(command, { maxOutput: 3 });
  assertEquals(rest, { command, stdout: "abc", stderr: "uvw", returncode: 4 });
  assertEquals(truncated, true);
});

test("runShell() sets truncated only when something was dropped", async () => {
  const exact = await runShell("printf abc", { maxOutput: 3 });
  assertEquals([exact.stdout, "truncated" in exact], ["abc", false]);
  const onlyStderr = await runShell("printf abc; printf uvwx >&2", { maxOutput: 3 });
  assertEquals(Object.keys(onlyStderr).at(-1), "truncated");
  assertEquals((await runShell("printf a", { maxOutput: 0 })).stdout, "");
  assertEquals((await runShell("printf a", { maxOutput: 0 })).truncated, true);
  assertEquals((await runShell("true", { maxOutput: 0 })).truncated, undefined);
  assertEquals((await runShell("printf abc", { maxOutput: Infinity })).stdout, "abc");
});

test("runShell() keeps 10 MiB of each stream by default", async () => {
  const { stdout, stderr, truncated } = await runShell(
    "head -c 11000000 /dev/zero; head -c 11000000 /dev/zero >&2",
  );
  assertEquals([stdout.length, stderr.length, truncated], [10_485_760, 10_485_760, true]);
});

test("runShell() reads a gigabyte at flat memory", async () => {
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 5);
  const { stdout, returncode, truncated } = await runShell("head -c 1000000000 /dev/zero; exit 5", {
    maxOutput: 1000,
  });
  clearInterval(timer);
  assertEquals([stdout, returncode, truncated], ["\0".repeat(1000), 5, true]);
  // What a busy machine's allocator holds back is far from the gigabyte.
  assertLess(peak - before, 400_000_000);
});

test("runShell() replaces bytes that are not UTF-8", async () => {
  const { stdout } = await runShell("printf 'a\\377b\\303'");
  assertEquals(stdout, "a\u{fffd}b\u{fffd}");
});

test("runShell() decodes a character whose bytes arrive apart", async () => {
  const { stdout } = await runShell(
    "for byte in 360 237 230 200 342 202 254; do printf \\\\$byte; sleep 0.01; done",
  );
  assertEquals(stdout, "😀€");
});

test("runShell() keeps a byte order mark", async () => {
  assertEquals((await runShell("printf '\\357\\273\\277a'")).stdout, "\u{feff}a");
});

test("runShell() leaves out a character that maxOutput cuts in two", async () => {
  for (const maxOutput of [1, 2, 3, 4]) {
    const { stdout } = await runShell("printf 'a😀'", { maxOutput });
    assertEquals(stdout, "a");
  }
  assertEquals((await runShell("printf 'a😀'", { maxOutput: 5 })).stdout, "a😀");
});
