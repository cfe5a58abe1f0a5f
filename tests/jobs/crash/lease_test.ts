import { setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertArrayIncludes, assertEquals } from "@std/assert";
import { compute, computeUntil, giveBack, greet, hold } from "./fixtures/tasks.ts";
import { JobFile } from "./job_file.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Seconds. */
const LEASE = 0.5;

for (const inside of ["nothing", "session.transaction", "database.transaction"] as const) {
  const where = inside === "nothing" ? "without yielding" : `inside an open ${inside}`;
  test(`a task that computes ${where} for three leases runs once`, async () => {
    await using file = await JobFile.create();
    const computing = await file.worker({ lease: LEASE, transactionTimeout: 30 });
    const id = await file.scheduler.submit(compute, { seconds: 3 * LEASE, inside });
    const waiting = await file.worker({ lease: LEASE });
    const { status, attempt, attempts, result } = await file.end(id);
    assertEquals([status, attempt, attempts.length], ["completed", 1, 1]);
    assertEquals(result, { pid: computing.pid, aborted: false });
    assertEquals(await file.starts(id), [{ attempt: 1, pid: computing.pid }]);
    assertEquals(waiting.hasSaid("started"), []);
  });
}

test.concurrent("a process stopped past its lease can write no more of its job, and goes on to run others", async () => {
  await using file = await JobFile.create();
  const stopped = await file.worker({ lease: LEASE });
  const id = await file.scheduler.submit(hold);
  await stopped.says(`started ${id}`);
  const other = await file.worker({ lease: LEASE, tasks: ["hold"] });
  stopped.signal("SIGSTOP");
  assertEquals(await other.says(`started ${id}`), "2");
  stopped.signal("SIGCONT");
  assertEquals(await stopped.says(`aborted ${id}`), "LeaseLostError");
  stopped.tell(`go ${id}`);
  assertEquals(await stopped.says(`ended ${id}`), "SessionClosedError SessionClosedError");
  const running = await file.scheduler.get(id);
  assertEquals([running.status, running.progress], ["running", null]);
  other.tell(`go ${id}`);
  assertEquals(await other.says(`ended ${id}`), "done done");
  const { status, progress, progressMessage, result, attempts } = await file.end(id);
  assertEquals([status, result], ["completed", { pid: other.pid }]);
  assertEquals([progress, progressMessage], [0.2, `by ${other.pid}`]);
  assertEquals(attempts.length, 2);
  const lines = await file.scheduler.logs(id);
  assertEquals(
    lines.map(({ line, attempt }) => [line, attempt]),
    [[`by ${other.pid}`, 2]],
  );
  assertEquals(await file.effects(id), [2]);
  // Only the process that was stopped knows this task: it works under a new lease.
  const next = await file.scheduler.submit(greet);
  assertEquals((await file.end(next)).result, { pid: stopped.pid });
  assertEquals(await file.queued(), 0);
});

test.concurrent("a process stopped past its lease can write nothing with what it does first when it goes on", async () => {
  await using file = await JobFile.create();
  const stopped = await file.worker({ lease: LEASE });
  const ids = await file.scheduler.submitMany([{ task: hold }, { task: giveBack }]);
  for (const id of ids) await stopped.says(`started ${id}`);
  const other = await file.worker({ lease: LEASE, tasks: ["hold", "give_back"] });
  stopped.signal("SIGSTOP");
  // It reads this as soon as it goes on, and may not know yet that its lease is lost.
  for (const id of ids) stopped.tell(`go ${id}`);
  for (const id of ids) assertEquals(await other.says(`started ${id}`), "2");
  stopped.signal("SIGCONT");
  const [held = "", returned = ""] = ids;
  const ended = await stopped.says(`ended ${held}`);
  assertArrayIncludes(["LeaseLostError", "SessionClosedError"], ended.split(" ").slice(0, 1));
  // What it does after this was done after all that came before.
  const next = await file.scheduler.submit(greet, {}, { priority: 1 });
  await file.end(next);
  for (const id of [held, returned]) {
    const { status, progress, result } = await file.scheduler.get(id);
    assertEquals([status, progress, result], ["running", null, null]);
    assertEquals(await file.scheduler.logs(id), []);
    other.tell(`go ${id}`);
    const { result: last, attempt } = await file.end(id);
    assertEquals([last, attempt], [{ pid: other.pid }, 2]);
  }
  assertEquals(await file.effects(held), [2]);
  assertEquals(await file.queued(), 0);
});

test.concurrent("complete() commits nothing where another process has taken the job over, whatever the signal says", async () => {
  await using file = await JobFile.create();
  const stopped = await file.worker({ lease: LEASE });
  const flag = join(file.folder, "flag");
  const id = await file.scheduler.submit(computeUntil, { file: flag });
  await stopped.says(`started ${id}`);
  const other = await file.worker({ lease: LEASE });
  stopped.signal("SIGSTOP");
  assertEquals(await other.says(`started ${id}`), "2");
  await writeFile(flag, "");
  stopped.signal("SIGCONT");
  // It has heard of nothing: that it was overtaken it learns by its own write.
  assertEquals(await stopped.says(`ended ${id}`), "LeaseLostError");
  assertEquals((await file.scheduler.get(id)).status, "running");
  assertEquals(await file.effects(id), []);
  other.tell(`go ${id}`);
  assertEquals(await other.says(`ended ${id}`), "done");
  assertEquals(await file.effects(id), [2]);
  const { status, attempt, result } = await file.end(id);
  assertEquals([status, attempt, result], ["completed", 2, { pid: other.pid }]);
});

test.concurrent("a job whose lease is lost while nobody else is there is run again by the same process", async () => {
  await using file = await JobFile.create();
  const worker = await file.worker({ lease: LEASE });
  const id = await file.scheduler.submit(hold);
  await worker.says(`started ${id}`);
  await file.forgetWorkers();
  assertEquals(await worker.says(`aborted ${id}`), "LeaseLostError");
  assertEquals(await worker.says(`started ${id}`), "2");
  worker.tell(`go ${id}`);
  const { status, attempts } = await file.end(id);
  assertEquals(status, "completed");
  assertEquals(
    attempts.map(({ error }) => error),
    ["JobLost: its worker died, or lost its lease", null],
  );
  assertEquals(await file.queued(), 0);
});
