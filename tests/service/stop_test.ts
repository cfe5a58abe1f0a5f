import { setDefaultTimeout, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals, assertLess } from "@std/assert";
import { sql } from "kysely";
import { ArtifactManager, Database, type JobRecord, Scheduler } from "../../lib/mod.ts";
import { SeededRandom } from "../jobs/crash/seeded_random.ts";
import { isAlive } from "../shell/processes.ts";
import { TemporaryFolder } from "../storage/databases.ts";
import { type RawAnswer, RawConnection, requestText } from "./connection.ts";
import { BYTES, idOf, Load, type Sent } from "./load.ts";
import { ServiceProcess } from "./service_process.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(120_000);

/** Seconds that the service gives what runs. */
const GRACE = 1;
/** Seconds that what was aborted has to end, that answers have, and what a busy machine takes. */
const AFTER_GRACE = 2 + 2 + 4;
/** How often the load is stopped, each time at another moment; more by hand. */
const STOPS = Number(process.env["STOPS"] ?? 1);
const SEED = Number(process.env["STOP_SEED"] ?? 1);

function typeOf({ body }: RawAnswer): string {
  return /^\{"type":"urn:taskmount:error:([a-z-]+)"/.exec(body)?.[1] ?? "";
}

/** Where a service that stops sends a client away, it says so, and to come again. */
function assertRefused({ what, answer }: Sent): void {
  assertEquals(answer.status, 503, what);
  assertEquals(answer.headers.get("retry-after"), "1", what);
  assertEquals(answer.headers.get("content-type"), "application/problem+json", what);
  assert(["unavailable", "run-aborted"].includes(typeOf(answer)), `${what}: ${answer.body}`);
}

/** Whatever was answered is whole, and what was not, was not begun. */
function assertNothingLost(sent: readonly Sent[], begun: ReadonlySet<string>): void {
  for (const { id, what, answer } of sent) {
    assert(answer.came !== "cut" && answer.came !== "silence", `${what}: ${answer.came}`);
    if (begun.has(id)) assertEquals(answer.came, "whole", `${what} was begun`);
  }
}

function assertExecutions(executions: readonly Sent[], ended: ReadonlySet<string>): void {
  for (const sent of executions) {
    const { id, what, answer } = sent;
    if (answer.came !== "whole") continue;
    if (answer.status !== 200) {
      assertRefused(sent);
      continue;
    }
    assert(ended.has(id), `${what} is answered, and has not ended`);
    const { result, error } = JSON.parse(answer.body);
    assertEquals([result?.id, error], [id, null], what);
  }
}

/** Each ends with the last state of its job, or says when to come again. */
function assertStreams(streams: readonly Sent[]): void {
  for (const sent of streams) {
    const { what, answer } = sent;
    if (answer.came !== "whole") continue;
    if (answer.status !== 200) assertRefused(sent);
    else {
      const last = answer.body.split("\n\n").at(-2) ?? "";
      const isOver = /^data:\{.*"status":"completed"/m.test(last);
      assert(isOver || last === "retry:1000", `${what} ends with ${last}`);
    }
  }
}

/** They say nothing else before the signal than that all is well, and nothing else after it than that it isn't. */
function assertProbes({ readiness, liveness }: Load): void {
  const answered = readiness.filter(({ answer }) => answer.came === "whole");
  const statuses = answered.map(({ answer }) => answer.status);
  const first = statuses.indexOf(503);
  assert(first > 0, "readiness has not told of the stop");
  assertEquals(new Set(statuses.slice(0, first)), new Set([200]));
  assertEquals(new Set(statuses.slice(first)), new Set([503]));
  for (const { answer } of answered.slice(first))
    assertEquals(answer.headers.get("retry-after"), "1");
  for (const { answer } of liveness) {
    if (answer.came === "whole") assertEquals(answer.status, 200);
  }
}

async function assertSound(database: Database): Promise<void> {
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(
    database.kysely(),
  );
  assertEquals(rows, [{ integrity_check: "ok" }]);
}

/** It has ended well, or is handed back without a trace of a run that goes on. */
function assertSettled({ id, taskName, status, attempts, error }: JobRecord): void {
  const what = `job ${id} of ${taskName}`;
  assert(status === "completed" || status === "pending", `${what} is ${status}: ${error}`);
  for (const { finishedAt } of attempts) assert(finishedAt !== null, what);
  const last = attempts.at(-1);
  if (status === "pending" && last !== undefined) {
    assert(last.error?.startsWith("JobReleasedError: "), `${what}: ${last.error}`);
  }
}

for (let stop = 0; stop < STOPS; stop++) {
  const random = new SeededRandom(SEED + stop);
  const moment = 50 + ((random.seed * 263 + random.below(200)) % 1_000);

  test(`SIGTERM loses no request and no job, after ${moment} ms of the load of STOP_SEED=${random.seed}`, async () => {
    await using folder = await TemporaryFolder.create();
    await using first = await ServiceProcess.start(folder, { grace: GRACE });
    const load = new Load(first.port, random, { longest: GRACE * 2_000 });
    const running = load.run();
    await sleep(moment);
    // Something that drains, so that there is a while in which others are refused.
    const drained = first.execute("deaf", "drained", GRACE * 500);
    await first.notes("begun", "drained");
    first.signal("SIGTERM");
    const { code, seconds } = await first.exits();
    await running;
    assertEquals(code, 0);
    assertLess(seconds, GRACE + AFTER_GRACE);

    assertEquals((await drained).status, 200);
    const begun = new Set(first.noted("begun"));
    const ended = new Set(first.noted("ended"));
    assertNothingLost(load.all, begun);
    assertExecutions(load.executions, ended);
    for (const sent of load.submissions) {
      if (sent.answer.came === "whole" && sent.answer.status !== 202) assertRefused(sent);
    }
    for (const sent of load.uploads) {
      if (sent.answer.came === "whole" && sent.answer.status !== 201) assertRefused(sent);
    }
    for (const sent of load.downloads) {
      if (sent.answer.status !== 200) assertRefused(sent);
      else assert(sent.answer.body === BYTES, `${sent.what} has other bytes`);
    }
    assertStreams([...load.jobStreams, ...load.healthStreams]);
    assertProbes(load);

    await using database = Database.sqlite(folder.file("app.db"));
    await assertSound(database);
    const artifacts = new ArtifactManager({ database });
    for (const { answer } of load.uploads) {
      if (answer.status === 201)
        assertEquals((await artifacts.get(idOf(answer))).size, BYTES.length);
    }
    await artifacts.stop();
    await using scheduler = new Scheduler({ database });
    const { acknowledged } = load;
    const jobs = await Promise.all(acknowledged.map((id) => scheduler.get(id)));
    for (const job of jobs) assertSettled(job);

    await using second = await ServiceProcess.start(folder, { grace: GRACE, maxConcurrency: 500 });
    const last = await Promise.all(acknowledged.map((id) => scheduler.wait(id)));
    assertEquals(new Set(last.map(({ status }) => status)), new Set(["completed"]));
    second.signal("SIGTERM");
    assertEquals((await second.exits()).code, 0);
    if (process.env["STOP_REPORT"] !== undefined) report(load, jobs, seconds);
  });
}

/** What the load was, for whoever changes it. */
function report(load: Load, jobs: readonly JobRecord[], seconds: number): void {
  const count = (texts: string[]) =>
    JSON.stringify(
      Object.fromEntries(
        Map.groupBy(texts, (text) => text)
          .entries()
          .map(([text, all]) => [text, all.length]),
      ),
    );
  console.log(
    `${seconds.toFixed(2)} s, answers ${count(load.all.map(({ answer }) => `${answer.came} ${answer.status} ${typeOf(answer)}`))}, jobs ${count(jobs.map(({ status, attempts }) => `${status} ${attempts.length}`))}`,
  );
}

test.concurrent("SIGTERM cuts off what ignores it, tells who waits so, and the process ends", async () => {
  await using folder = await TemporaryFolder.create();
  await using service = await ServiceProcess.start(folder, { grace: GRACE });
  const waiting = ["deaf", "plain", "obedient"].map(async (task) => ({
    id: task,
    what: task,
    answer: await service.execute(task, task, 600_000),
  }));
  for (const task of ["deaf", "plain", "obedient"]) await service.notes("begun", task);
  const submitted = await service.send("POST", "/api/v1/tasks/deaf/$submit", {
    params: { id: "job", ms: 600_000 },
  });
  assertEquals(submitted.status, 202);
  await service.notes("begun", "job");
  service.signal("SIGTERM");
  const { code, seconds } = await service.exits();
  for (const sent of await Promise.all(waiting)) {
    assertEquals(sent.answer.came, "whole", sent.what);
    assertRefused(sent);
    assertEquals(typeOf(sent.answer), "run-aborted", sent.what);
  }
  assertEquals(code, 0);
  assert(seconds > GRACE);
  assertLess(seconds, GRACE + AFTER_GRACE);
  await using database = Database.sqlite(folder.file("app.db"));
  await using scheduler = new Scheduler({ database });
  const [job] = await scheduler.list();
  assert(job !== undefined);
  assertEquals(job.status, "pending");
  assertSettled(await scheduler.get(job.id));
});

test.concurrent("SIGTERM leaves no process behind that a task has started", async () => {
  await using folder = await TemporaryFolder.create();
  await using service = await ServiceProcess.start(folder, { grace: 0.2 });
  const answer = service.execute("shell", "shell", 0);
  await service.notes("shell");
  await service.send("POST", "/api/v1/tasks/shell/$submit", { params: { id: "job" } });
  while (service.noted("shell").length < 2) await sleep(2);
  service.signal("SIGTERM");
  const { code } = await service.exits();
  assertEquals(typeOf(await answer), "run-aborted");
  assertEquals(code, 0);
  assertEquals(service.noted("shell").map(Number).filter(isAlive), []);
});

test.concurrent("SIGTERM waits for a client that is slow to take its answer", async () => {
  await using folder = await TemporaryFolder.create();
  await using service = await ServiceProcess.start(folder, { grace: 20 });
  using connection = new RawConnection(service.port);
  connection.write(
    requestText("POST", "/api/v1/tasks/large/$execute", { body: { params: { id: "large" } } }),
  );
  await service.notes("ended", "large");
  connection.pause();
  service.signal("SIGTERM");
  const exited = service.exits();
  // Longer than what any other answer is given.
  await sleep(2_500);
  connection.resume();
  const { came, status, body } = await connection.answer();
  assertEquals([came, status], ["whole", 200]);
  assertEquals(JSON.parse(body).result.id, "large");
  const { code, seconds } = await exited;
  assertEquals(code, 0);
  assertLess(seconds, 15);
});

test.concurrent("SIGTERM waits for a client that is slow to take its download", async () => {
  await using folder = await TemporaryFolder.create();
  await using service = await ServiceProcess.start(folder, { grace: 20 });
  using uploading = new RawConnection(service.port);
  const bytes = BYTES.repeat(8);
  const uploaded = await uploading.send(
    `POST /api/v1/artifacts HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${bytes.length}\r\n\r\n${bytes}`,
  );
  using downloading = new RawConnection(service.port);
  downloading.write(requestText("GET", `/api/v1/artifacts/${idOf(uploaded)}/$download`));
  await downloading.begins();
  downloading.pause();
  service.signal("SIGTERM");
  const exited = service.exits();
  await sleep(2_500);
  downloading.resume();
  const { came, status, body } = await downloading.answer();
  assertEquals([came, status], ["whole", 200]);
  assert(body === bytes);
  const { code, seconds } = await exited;
  assertEquals(code, 0);
  assertLess(seconds, 15);
});
