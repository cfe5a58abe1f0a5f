import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { giveBack, hello, hold } from "./fixtures/tasks.ts";
import { JobFile } from "./job_file.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Seconds: far more than a test takes, so that what is taken over isn't because of its end. */
const LONG = 60;
/** Milliseconds within which a dead process is noticed; the worker looks unasked only every five seconds. */
const SOON = 3_000;

test("a dead worker's jobs are taken over at once, whatever is left of its lease", async () => {
  await using file = await JobFile.create();
  const first = await file.worker({ lease: LONG });
  const ids = await file.scheduler.submitMany([{ task: hold }, { task: hold }, { task: hold }]);
  for (const id of ids) assertEquals(await first.says(`started ${id}`), "1");
  const second = await file.worker({ lease: LONG });
  await first.kill();
  const killed = performance.now();
  for (const id of ids) assertEquals(await second.says(`started ${id}`), "2");
  assertLess(performance.now() - killed, SOON);
  for (const id of ids) {
    second.tell(`go ${id}`);
    const { status, attempt, result, attempts } = await file.end(id);
    assertEquals([status, attempt, result], ["completed", 2, { pid: second.pid }]);
    assertEquals(
      attempts.map(({ error }) => error),
      ["JobLost: its worker died, or lost its lease", null],
    );
  }
  assertEquals(await file.queued(), 0);
});

test("a dead worker's jobs are taken over at once by a process that starts later", async () => {
  await using file = await JobFile.create();
  const first = await file.worker({ lease: LONG });
  const id = await file.scheduler.submit(hold);
  assertEquals(await first.says(`started ${id}`), "1");
  await first.kill();
  const second = await file.worker({ lease: LONG });
  const ready = performance.now();
  assertEquals(await second.says(`started ${id}`), "2");
  assertLess(performance.now() - ready, SOON);
  second.tell(`go ${id}`);
  assertEquals((await file.end(id)).result, { pid: second.pid });
});

test("a job whose worker nobody has heard of is taken over by a process that starts", async () => {
  await using file = await JobFile.create();
  const first = await file.worker({ lease: LONG });
  const id = await file.scheduler.submit(hold);
  assertEquals(await first.says(`started ${id}`), "1");
  await first.kill();
  // As where a process had seen that this one is dead, and died before it took the job over.
  await file.forgetWorkers();
  const second = await file.worker({ lease: LONG });
  const ready = performance.now();
  assertEquals(await second.says(`started ${id}`), "2");
  assertLess(performance.now() - ready, SOON);
});

test("spawn(): the job has failed with JobLost as soon as its process is dead", async () => {
  await using file = await JobFile.create();
  const spawning = await file.worker({ lease: LONG, maxConcurrency: 1 });
  spawning.tell("spawn");
  const running = await spawning.says("spawned");
  // There is no slot for a second one, so that it has not begun.
  spawning.tell("spawn");
  const waiting = await spawning.says("spawned");
  const events = file.scheduler.events(running);
  for await (const { status } of events) if (status === "running") break;
  assertEquals((await file.scheduler.get(waiting)).status, "pending");
  await file.worker({ lease: LONG });
  await spawning.kill();
  const killed = performance.now();
  const records = await Promise.all([file.end(running), file.end(waiting)]);
  assertLess(performance.now() - killed, SOON);
  for (const { status, error, result, finishedAt } of records) {
    assertEquals([status, error?.split(":")[0], result], ["failed", "JobLost", null]);
    assert(finishedAt !== null);
  }
  assertEquals(
    records.map(({ attempts }) => attempts.length),
    [1, 0],
  );
  assertEquals(await file.queued(), 0);
});

test("spawn(): a job whose process is dead is found by a process that starts later", async () => {
  await using file = await JobFile.create();
  const spawning = await file.worker({ lease: LONG });
  spawning.tell("spawn");
  const id = await spawning.says("spawned");
  await spawning.kill();
  await file.worker({ lease: LONG });
  const { status, error } = await file.end(id);
  assertEquals([status, error?.split(":")[0]], ["failed", "JobLost"]);
});

test("stop() hands a running job back: another process runs it at once, and it costs nothing", async () => {
  await using file = await JobFile.create();
  // A single lost worker, or a single error, would fail the job.
  const first = await file.worker({ lease: LONG, crashLimit: 0 });
  const id = await file.scheduler.submit(hold, {}, { retries: 0 });
  assertEquals(await first.says(`started ${id}`), "1");
  const second = await file.worker({ lease: LONG, crashLimit: 0 });
  first.tell("stop");
  const stopping = performance.now();
  assertEquals(await second.says(`started ${id}`), "2");
  assertLess(performance.now() - stopping, SOON);
  assertEquals(await first.says(`aborted ${id}`), "JobReleasedError");
  await first.says("stopped");
  // What is submitted from now on the first one leaves alone, although it lives.
  const later = await file.scheduler.submit(hello);
  assertEquals((await file.end(later)).result, { pid: second.pid });
  second.tell(`go ${id}`);
  const { status, attempts } = await file.end(id);
  assertEquals(status, "completed");
  assertEquals(attempts.length, 2);
  assertEquals(await file.queued(), 0);
});

test("stop() hands back what only returns, and its late result is dropped", async () => {
  await using file = await JobFile.create();
  const first = await file.worker({ lease: LONG, crashLimit: 0 });
  const id = await file.scheduler.submit(giveBack);
  await first.says(`started ${id}`);
  const second = await file.worker({ lease: LONG, crashLimit: 0 });
  first.tell("stop");
  assertEquals(await second.says(`started ${id}`), "2");
  first.tell(`go ${id}`);
  await first.says("stopped");
  assertEquals((await file.scheduler.get(id)).status, "running");
  second.tell(`go ${id}`);
  assertEquals((await file.end(id)).result, { pid: second.pid });
});
