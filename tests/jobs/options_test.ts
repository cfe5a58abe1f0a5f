import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InvalidJobOptionsError, type SubmitOptions } from "../../lib/jobs/mod.ts";
import { InvalidTaskError, type JobSettings } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

/** Seconds. */
const YEAR = 366 * 24 * 60 * 60;

function createBench(): TestScheduler {
  const bench = new TestScheduler({ maxConcurrency: 0 });
  bench.registry.register("task", { run: () => ({}) });
  return bench;
}

/** What is beyond a bound, by the option whose bound it is. */
const REFUSED: [option: string, options: SubmitOptions][] = [
  ["retries", { retries: -1 }],
  ["retries", { retries: 101 }],
  ["retries", { retries: 1.5 }],
  ["priority", { priority: -1_001 }],
  ["priority", { priority: 1_001 }],
  ["priority", { priority: 0.5 }],
  ["delay", { delay: -1 }],
  ["delay", { delay: YEAR + 1 }],
  ["delay", { delay: Number.NaN }],
  ["timeout", { timeout: 0 }],
  ["timeout", { timeout: -1 }],
  ["timeout", { timeout: 2_147_484 }],
  ["backoff.initial", { backoff: { initial: -1 } }],
  ["backoff.initial", { backoff: { initial: 86_401 } }],
  ["backoff.factor", { backoff: { factor: 0.9 } }],
  ["backoff.factor", { backoff: { factor: 101 } }],
  ["backoff.max", { backoff: { max: -1 } }],
  ["backoff.max", { backoff: { max: 604_801 } }],
  ["idempotencyKey", { idempotencyKey: "" }],
  ["idempotencyKey", { idempotencyKey: "x".repeat(256) }],
  ["concurrencyKey", { concurrencyKey: "" }],
  ["concurrencyKey", { concurrencyKey: "x".repeat(256) }],
  ["description", { description: "x".repeat(10_001) }],
  ["tags.0", { tags: [""] }],
  ["tags.0", { tags: ["x".repeat(101)] }],
  ["tags", { tags: Array(51).fill("tag") }],
  ["runAt", { runAt: new Date(Number.NaN) }],
];

/** What is just within its bound. */
const TAKEN: SubmitOptions[] = [
  { retries: 0 },
  { retries: 100 },
  { priority: -1_000 },
  { priority: 1_000 },
  { delay: 0 },
  { delay: 0.5 },
  { delay: YEAR },
  { timeout: 0.001 },
  { timeout: 2_147_483 },
  { backoff: {} },
  { backoff: { initial: 0, factor: 1, max: 0 } },
  { backoff: { initial: 86_400, factor: 100, max: 604_800 } },
  { idempotencyKey: "x".repeat(255) },
  { concurrencyKey: "x".repeat(255) },
  { description: "x".repeat(10_000) },
  { tags: Array.from({ length: 50 }, (_, index) => `${index}`.padEnd(100, "x")) },
];

test("submit() refuses options beyond their bounds, and says which", async () => {
  await using bench = createBench();
  for (const [option, options] of REFUSED) {
    const error = await assertRejects(
      () => bench.scheduler.submit("task", {}, options),
      InvalidJobOptionsError,
      `${option}: `,
    );
    assertEquals(error.issues[0]?.path.join("."), option);
  }
  assertEquals(await bench.scheduler.list(), []);
});

test("submit() takes options up to their bounds", async () => {
  await using bench = createBench();
  for (const options of TAKEN) await bench.scheduler.submit("task", {}, options);
  assertEquals((await bench.scheduler.list()).length, TAKEN.length);
});

test("submit() refuses options that it doesn't know", async () => {
  await using bench = createBench();
  // Callers without types may pass anything.
  for (const option of ["retry", "run_at", "concurrency", "maxPending", "queue"]) {
    const options = { [option]: 1 } as SubmitOptions;
    await assertRejects(
      () => bench.scheduler.submit("task", {}, options),
      InvalidJobOptionsError,
      option,
    );
  }
});

test("submit() refuses a delay together with a time to run at", async () => {
  await using bench = createBench();
  await assertRejects(
    () => bench.scheduler.submit("task", {}, { delay: 5, runAt: new Date() }),
    InvalidJobOptionsError,
    "not both",
  );
});

test("submit() measures how far ahead runAt is by its own clock", async () => {
  await using bench = createBench();
  const { scheduler, clock } = bench;
  await assertRejects(
    () => scheduler.submit("task", {}, { runAt: clock.date(YEAR + 1) }),
    InvalidJobOptionsError,
    "at most a year ahead",
  );
  const runAt = clock.date(YEAR);
  const id = await scheduler.submit("task", {}, { runAt });
  assertEquals((await scheduler.get(id)).runAt, runAt);
});

test("a task's job says what its submissions leave out", async () => {
  await using bench = createBench();
  const { scheduler, registry } = bench;
  registry.register("eager", { job: { retries: 7, priority: 9 }, run: () => ({}) });
  const settings = async (options: SubmitOptions) => {
    const { retries, priority } = await scheduler.get(await scheduler.submit("eager", {}, options));
    return [retries, priority];
  };
  assertEquals(await settings({}), [7, 9]);
  assertEquals(await settings({ retries: undefined, priority: undefined }), [7, 9]);
  assertEquals(await settings({ retries: 0 }), [0, 9]);
  assertEquals(await settings({ priority: 0 }), [7, 0]);
  const plain = await scheduler.get(await scheduler.submit("task"));
  assertEquals([plain.retries, plain.priority], [0, 0]);
});

test("register() refuses a job setting beyond its bounds", async () => {
  await using bench = createBench();
  const refused: [string, JobSettings][] = [
    ["job.retries", { retries: 101 }],
    ["job.priority", { priority: 1_001 }],
    ["job.timeout", { timeout: 0 }],
    ["job.backoff.factor", { backoff: { factor: 0 } }],
    ["job.concurrency", { concurrency: 0 }],
    ["job.concurrency", { concurrency: 1.5 }],
    ["job.concurrency", { concurrency: 1_000_001 }],
    ["job.maxPending", { maxPending: -1 }],
    ["job.maxPending", { maxPending: 1_000_000_001 }],
    // Callers without types may pass anything.
    ["job.retry", { retry: 3 } as JobSettings],
  ];
  for (const [option, job] of refused) {
    assertThrows(
      () => bench.registry.register("refused", { job, run: () => ({}) }),
      InvalidTaskError,
      option,
    );
  }
  assertEquals(bench.registry.has("refused"), false);
});

test("a job's description and tags stand in its record, each tag once", async () => {
  await using bench = createBench();
  const { scheduler } = bench;
  const options = { description: "what for", tags: ["b", "a", "b"] };
  const { description, tags } = await scheduler.get(await scheduler.submit("task", {}, options));
  assertEquals({ description, tags }, { description: "what for", tags: ["b", "a"] });
});

test("a job with a delay runs when that has passed, and not before", async () => {
  await using bench = createBench();
  const { scheduler, clock } = bench;
  scheduler.maxConcurrency = 1;
  const delayed = await scheduler.submit("task", {}, { delay: 60 });
  const atOnce = () => scheduler.submit("task").then((id) => scheduler.wait(id));
  await atOnce();
  assertEquals((await scheduler.get(delayed)).status, "pending");
  assertEquals((await scheduler.get(delayed)).runAt, clock.date(60));
  clock.advance(59.999);
  await atOnce();
  assertEquals((await scheduler.get(delayed)).status, "pending");
  clock.advance(0.001);
  const { status, startedAt, submittedAt } = await scheduler.wait(delayed);
  assertEquals([status, startedAt, submittedAt], ["completed", clock.date(), clock.date(-60)]);
});

test("a job with runAt runs then; one in the past runs at once", async () => {
  await using bench = createBench();
  const { scheduler, clock } = bench;
  scheduler.maxConcurrency = 1;
  const past = clock.date(-3_600);
  const late = await scheduler.wait(await scheduler.submit("task", {}, { runAt: past }));
  assertEquals([late.status, late.runAt], ["completed", past]);
  const runAt = clock.date(2);
  const id = await scheduler.submit("task", {}, { runAt });
  await scheduler.wait(await scheduler.submit("task"));
  assertEquals((await scheduler.get(id)).status, "pending");
  clock.advance(2);
  assertEquals((await scheduler.wait(id)).startedAt, runAt);
});
