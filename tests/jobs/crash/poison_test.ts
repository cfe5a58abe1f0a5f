import { setDefaultTimeout, test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { JobRecord } from "../../../lib/jobs/mod.ts";
import { count, kill } from "./fixtures/tasks.ts";
import { JobFile } from "./job_file.ts";
import type { WorkerSettings } from "./worker_process.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Starts another worker whenever one has died, until these jobs have ended. */
async function reviveUntilEnd(
  file: JobFile,
  ids: readonly string[],
  settings: WorkerSettings,
): Promise<JobRecord[]> {
  let isOver = false;
  const ending = Promise.all(ids.map((id) => file.end(id))).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    const worker = await file.worker(settings);
    await Promise.race([ending, worker.ended()]);
  }
  return await ending;
}

test("a job that kills its worker each time has failed after crashLimit + 1 runs, and others go on", async () => {
  await using file = await JobFile.create();
  const others = Array.from({ length: 3 }, () => ({
    task: count,
    params: { milliseconds: 1, throws: false },
  }));
  const ids = await file.scheduler.submitMany([{ task: kill }, ...others]);
  const settings = { lease: 60, crashLimit: 2, maxConcurrency: 1 };
  const [poison, ...rest] = await reviveUntilEnd(file, ids, settings);

  const starts = await file.starts(poison?.id ?? "");
  assertEquals(
    starts.map(({ attempt }) => attempt),
    [1, 2, 3],
  );
  assertEquals(new Set(starts.map(({ pid }) => pid)).size, 3);
  const last = "JobLost: it has lost its worker 3 times, more often than the crashLimit of 2";
  const lost = "JobLost: its worker died, or lost its lease";
  assertEquals([poison?.status, poison?.attempt, poison?.error], ["failed", 3, last]);
  const history = [1, 2, 3].map((attempt) => ({ attempt, error: attempt === 3 ? last : lost }));
  const historyOf = (record: JobRecord | undefined) =>
    record?.attempts.map(({ attempt, error }) => ({ attempt, error }));
  assertEquals(historyOf(poison), history);
  assertEquals(
    rest.map(({ status, attempt }) => [status, attempt]),
    others.map(() => ["completed", 1]),
  );
  assertEquals(await file.queued(), 0);

  // It can be read, and tried again by hand, as often as before.
  await file.scheduler.retry(ids[0] ?? "");
  const [again] = await reviveUntilEnd(file, ids.slice(0, 1), settings);
  assertEquals([again?.status, again?.attempt], ["failed", 6]);
  assertEquals(historyOf(again)?.slice(0, 3), history);
});

test("a job that kills its worker each time takes no others down that run beside it", async () => {
  await using file = await JobFile.create();
  const others = Array.from({ length: 9 }, () => ({
    task: count,
    params: { milliseconds: 30, throws: false },
  }));
  const ids = await file.scheduler.submitMany([{ task: kill }, ...others]);
  const settings = { lease: 60, crashLimit: 2, maxConcurrency: 10 };
  const [poison, ...rest] = await reviveUntilEnd(file, ids, settings);
  assertEquals([poison?.status, poison?.attempt], ["failed", 3]);
  assertEquals(
    rest.map(({ status }) => status),
    others.map(() => "completed"),
  );
  assertEquals(await file.queued(), 0);
});
