import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertLess } from "@std/assert";
import { greet, hello, hold, tell } from "./fixtures/tasks.ts";
import { JobFile } from "./job_file.ts";
import type { WorkerProcess } from "./worker_process.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Runs no jobs, but does all else that a worker process does. */
const IDLE = { maxConcurrency: 0 };

/** Milliseconds: far below the second after which a process looks unasked for what others have committed. */
const TOLD = 250;

/** The median of the milliseconds that each of nine rounds takes. */
async function median(round: (index: number) => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 9; index += 1) {
    const before = performance.now();
    await round(index);
    times.push(performance.now() - before);
  }
  return times.toSorted((a, b) => a - b)[4] ?? 0;
}

test("a job that one process submits another one runs as soon as it is told", async () => {
  await using file = await JobFile.create();
  const submitting = await file.worker(IDLE);
  const running = await file.worker();
  const time = await median(async () => {
    submitting.tell("submit hello");
    const id = await submitting.says("submitted");
    assertEquals(await running.says(`started ${id}`), "1");
    assertEquals((await file.end(id)).result, { pid: running.pid });
  });
  assertLess(time, TOLD);
});

test("wait() in one process resolves as soon as another one has run the job", async () => {
  await using file = await JobFile.create();
  const waiting = await file.worker(IDLE);
  const running = await file.worker();
  const time = await median(async () => {
    waiting.tell("submit hold");
    const id = await waiting.says("submitted");
    await running.says(`started ${id}`);
    waiting.tell(`wait ${id}`);
    running.tell(`go ${id}`);
    assertEquals(await waiting.says(`waited ${id}`), "completed 0.1");
  });
  assertLess(time, TOLD);
});

test("events() in one process tells each change that another one makes", async () => {
  await using file = await JobFile.create();
  const following = await file.worker(IDLE);
  const running = await file.worker({ tasks: [] });
  const id = await file.scheduler.submit(tell);
  following.tell(`follow ${id}`);
  assertEquals(await following.says(`event ${id}`), "pending null");
  await running.kill();
  const able = await file.worker();
  assertEquals(await following.says(`event ${id}`), "running null");
  for (const fraction of [0.25, 0.5, 0.75]) {
    able.tell(`tell ${id} ${fraction}`);
    assertEquals(await following.says(`event ${id}`), `running ${fraction}`);
  }
  able.tell(`tell ${id} 1`);
  assertEquals(await following.says(`event ${id}`), "completed 0.75");
});

test("events() in one process tells that another one has canceled, and has deleted, a job", async () => {
  await using file = await JobFile.create();
  const following = await file.worker(IDLE);
  const id = await file.scheduler.submit(hello);
  const deleted = await file.scheduler.submit(hello);
  for (const each of [id, deleted]) {
    following.tell(`follow ${each}`);
    assertEquals(await following.says(`event ${each}`), "pending null");
  }
  await file.scheduler.cancel(id);
  await file.scheduler.delete(deleted);
  assertEquals(await following.says(`event ${id}`), "canceled null");
  assertEquals(await following.says(`event ${deleted}`), "deleted");
});

test("cancel() in one process reaches the signal of the run in another at once", async () => {
  await using file = await JobFile.create();
  const canceling = await file.worker(IDLE);
  const running = await file.worker();
  const time = await median(async () => {
    const id = await file.scheduler.submit(hold);
    await running.says(`started ${id}`);
    canceling.tell(`cancel ${id}`);
    assertEquals(await running.says(`aborted ${id}`), "JobCanceledError");
    running.tell(`go ${id}`);
    assertEquals(await running.says(`ended ${id}`), "SessionClosedError SessionClosedError");
    const { status, progress, result } = await file.scheduler.get(id);
    assertEquals([status, progress, result], ["canceled", null, null]);
  });
  assertLess(time, TOLD);
  assertEquals(await file.queued(), 0);
});

test("a worker claims only the jobs of tasks that it knows", async () => {
  await using file = await JobFile.create();
  const jobs = [hello, greet, greet, hello, hello, greet];
  const ids = await file.scheduler.submitMany(jobs.map((task) => ({ task })));
  const unknown = await file.scheduler.submit(hold);
  const workers = new Map<string, WorkerProcess>([
    ["hello", await file.worker({ tasks: ["hello"] })],
    ["greet", await file.worker({ tasks: ["greet"] })],
  ]);
  for (const [index, id] of ids.entries()) {
    const { taskName, result, attempt } = await file.end(id);
    assertEquals(taskName, jobs[index]?.name ?? "");
    assertEquals([result, attempt], [{ pid: workers.get(taskName ?? "")?.pid }, 1]);
  }
  const { status, attempt } = await file.scheduler.get(unknown);
  assertEquals([status, attempt], ["pending", 0]);
});
