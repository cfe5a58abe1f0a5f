import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { InvalidJobOptionsError, type SchedulerOptions } from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

const CUT = "… the log was cut: it may be 1000 bytes";

/** Registers `says`, whose run of each attempt logs what `lines` gives, and fails until the last one. */
function createBench(
  lines: (attempt: number) => readonly string[],
  options: Partial<Omit<SchedulerOptions, "clock">> = { maxLog: 1_000 },
): TestScheduler {
  const bench = new TestScheduler(options);
  bench.registry.register("says", {
    inject: [TaskContext],
    run: (_params, { attempt, log }) => {
      for (const line of lines(attempt)) log(line);
      throw new Error("no");
    },
  });
  return bench;
}

async function logOf({ scheduler }: TestScheduler, id: string): Promise<[number, string][]> {
  const lines = await scheduler.logs(id, { size: 10_000 });
  return lines.map(({ attempt, line }) => [attempt, line]);
}

test("log() keeps as many bytes as maxLog says, then drops the rest and says so in one last line", async () => {
  const x = "x".repeat(100);
  for (const [lines, kept] of [
    [Array(10).fill(x), Array(10).fill(x)],
    [Array(11).fill(x), [...Array(10).fill(x), CUT]],
    [Array(500).fill(x), [...Array(10).fill(x), CUT]],
    // What would fit behind what does not is dropped too, as the rest of a file is.
    [
      ["y".repeat(950), "z".repeat(100), "short"],
      ["y".repeat(950), CUT],
    ],
    [["é".repeat(500)], ["é".repeat(500)]],
    [["é".repeat(501)], [CUT]],
    // A line costs something in the file, however short it is.
    [Array(50).fill(""), [...Array(15).fill(""), CUT]],
  ] as const) {
    await using bench = createBench(() => lines);
    const id = await bench.scheduler.submit("says");
    await bench.scheduler.wait(id);
    assertEquals(
      (await logOf(bench, id)).map(([, line]) => line),
      kept,
    );
  }
});

test("log() bounds all attempts of a job together, and each says that it was cut", async () => {
  const line = "x".repeat(400);
  await using bench = createBench((attempt) => (attempt === 4 ? [] : [line, line, line]));
  const { scheduler } = bench;
  const id = await scheduler.submit("says", {}, { retries: 1, backoff: { initial: 0 } });
  await scheduler.wait(id);
  const first: [number, string][] = [
    [1, line],
    [1, line],
    [1, CUT],
    [2, CUT],
  ];
  assertEquals(await logOf(bench, id), first);
  // By hand too: what was logged before stays.
  for (const _ of [1, 2, 3]) {
    await scheduler.retry(id);
    await scheduler.wait(id);
  }
  const later: [number, string][] = [3, 5, 6, 7, 8].map((attempt) => [attempt, CUT]);
  assertEquals((await logOf(bench, id)).slice(0, 4), first);
  assertEquals((await logOf(bench, id)).slice(4), later);
});

test("log() has in a later attempt what room earlier ones have left, whenever it is written", async () => {
  const line = "x".repeat(300);
  await using bench = new TestScheduler({ maxLog: 1_000 });
  const { scheduler, registry, clock } = bench;
  registry.register("slow", {
    inject: [TaskContext],
    run: async (_params, { attempt, jobId, log, progress }) => {
      for (const number of [1, 2]) {
        log(line);
        // Each line is in a report of its own.
        progress(number / 2);
        clock.advance(1);
        await bench.reach(jobId ?? "", (record) => record.progress === number / 2);
      }
      if (attempt === 1) throw new Error("no");
      return {};
    },
  });
  const id = await scheduler.submit("slow", {}, { retries: 1, backoff: { initial: 0 } });
  await scheduler.wait(id);
  assertEquals(await logOf(bench, id), [
    [1, line],
    [1, line],
    [2, line],
    [2, CUT],
  ]);
});

test("log() is bounded to 1 MiB by default, and to nothing by maxLog 0", async () => {
  const line = "x".repeat(16_384);
  await using usual = createBench(() => Array(100).fill(line), {});
  const id = await usual.scheduler.submit("says");
  await usual.scheduler.wait(id);
  const lines = await logOf(usual, id);
  assertEquals(lines.length, 65);
  assertEquals(lines.at(-1), [1, "… the log was cut: it may be 1048576 bytes"]);
  await using none = createBench(() => ["a", "b"], { maxLog: 0 });
  const other = await none.scheduler.submit("says");
  await none.scheduler.wait(other);
  assertEquals(await logOf(none, other), [[1, "… the log was cut: it may be 0 bytes"]]);
});

test("a job that is retried without end keeps its last 200 attempts before the last one, and their log", async () => {
  await using bench = createBench((attempt) => [`line of ${attempt}`], { maxLog: 1_000_000 });
  const { scheduler } = bench;
  const id = await scheduler.submit("says");
  await scheduler.wait(id);
  for (let attempt = 2; attempt <= 201; attempt++) {
    await scheduler.retry(id);
    await scheduler.wait(id);
  }
  const full = (await scheduler.get(id)).attempts;
  assertEquals([full.length, full[0]?.attempt, full.at(-1)?.attempt], [201, 1, 201]);
  for (let attempt = 202; attempt <= 205; attempt++) {
    await scheduler.retry(id);
    await scheduler.wait(id);
  }
  const { attempt, attempts } = await scheduler.get(id);
  assertEquals([attempt, attempts.length], [205, 201]);
  assertEquals([attempts[0]?.attempt, attempts.at(-1)?.attempt], [5, 205]);
  const log = await logOf(bench, id);
  assertEquals([log.length, log[0], log.at(-1)], [201, [5, "line of 5"], [205, "line of 205"]]);
  // The last one stands once, also where it is a former one by now.
  scheduler.maxConcurrency = 0;
  await scheduler.retry(id);
  const waiting = (await scheduler.get(id)).attempts;
  assertEquals([waiting.length, waiting[0]?.attempt, waiting.at(-1)?.attempt], [200, 6, 205]);
});

test("a job whose attempts go on by themselves is bounded alike", async () => {
  await using bench = createBench((attempt) => [`line of ${attempt}`], {});
  const { scheduler } = bench;
  const options = { retries: 100, backoff: { initial: 0 } };
  const id = await scheduler.submit("says", {}, options);
  await scheduler.wait(id);
  for (const _ of [1, 2]) {
    await scheduler.retry(id);
    await scheduler.wait(id);
  }
  const { attempt, attempts } = await scheduler.get(id);
  assertEquals([attempt, attempts.length, attempts[0]?.attempt], [303, 201, 103]);
});

test("what else is kept of a job is bounded, and what was cut ends in an ellipsis", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry } = bench;
  const long = "x".repeat(100_000);
  registry.register("loud", {
    inject: [TaskContext],
    run: (_params, { log, progress }) => {
      log(long);
      progress(0.5, long);
      throw new RangeError(long);
    },
  });
  const options = { retries: 1, backoff: { initial: 0 } };
  const id = await scheduler.submit("loud", {}, options);
  const { error, errorTraceback, progressMessage, attempts } = await scheduler.wait(id);
  const [line] = await scheduler.logs(id);
  for (const [text, length] of [
    [error, 10_000],
    [attempts[0]?.error, 10_000],
    [errorTraceback, 50_000],
    [progressMessage, 16_384],
    [line?.line, 16_384],
  ] as const) {
    assertEquals(text?.length, length);
    assert(text?.endsWith("…"));
  }
  // This is not cut, but refused.
  await assertRejects(
    () => scheduler.submit("loud", {}, { description: long }),
    InvalidJobOptionsError,
  );
  await assertRejects(() => scheduler.spawn(() => {}, { description: long }), TypeError);
});
