import { test } from "bun:test";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import * as v from "valibot";
import { JobRouter, NonRetryableError } from "../../../lib/jobs/mod.ts";
import { ulid } from "../../../lib/storage/mod.ts";
import { TaskContext } from "../../../lib/tasks/mod.ts";
import { jsonOf, problemOf } from "../../tasks/test_router.ts";
import { JobBench, Puppet, recordOf, registerGreet } from "./job_bench.ts";

const JOBS = "/api/v1/jobs";
const RESTING = { maxConcurrency: 0 };

function registerFailing({ registry }: JobBench): void {
  registry.register("fail", { run: () => Promise.reject(new RangeError("too far")) });
}

test("GET /{id} answers one record with its params, result, and attempts with their errors", async () => {
  await using bench = new JobBench();
  let runs = 0;
  bench.registry.register("second_time", {
    params: v.looseObject({}),
    run: (params) => {
      runs += 1;
      if (runs === 1) throw new RangeError("too early");
      return { params };
    },
  });
  const body = { params: { a: 1 }, retries: 1, backoff: { initial: 0 } };
  const { id } = await bench.submit("second_time", body);
  await bench.scheduler.wait(id);
  const response = await bench.fetch(`${JOBS}/${id}`);
  assertEquals(response.headers.get("content-type")?.split(";")[0], "application/json");
  const record = await recordOf(response, 200);
  const { attempts, started_at, finished_at, submitted_at, run_at, ...rest } = record;
  assertEquals(rest, {
    id,
    status: "completed",
    description: null,
    task_name: "second_time",
    tags: [],
    attempt: 2,
    retries: 1,
    priority: 0,
    progress: null,
    progress_message: null,
    error: null,
    error_traceback: null,
    artifact_id: null,
    parent_id: null,
    created_by: null,
    params: { a: 1 },
    result: { params: { a: 1 } },
  });
  assertEquals(
    attempts.map(({ attempt, error }: Record<string, unknown>) => [attempt, error]),
    [
      [1, "RangeError: too early"],
      [2, null],
    ],
  );
  assertEquals(Object.keys(attempts[0]), ["attempt", "started_at", "finished_at", "error"]);
  assertEquals([attempts[1].started_at, attempts[1].finished_at], [started_at, finished_at]);
  for (const time of [submitted_at, run_at, started_at, finished_at, attempts[0].started_at]) {
    assertEquals(new Date(time).toISOString(), time);
  }
});

test("GET /{id} shows a traceback where it is switched on", async () => {
  for (const traceback of [true, false]) {
    await using bench = new JobBench({ traceback });
    registerFailing(bench);
    const { id } = await bench.submit("fail");
    await bench.scheduler.wait(id);
    const { error, error_traceback, attempts } = await bench.record(id);
    assertEquals(error, "RangeError: too far");
    if (traceback) assertMatch(error_traceback, /^RangeError: too far\n\s+at /);
    else assertEquals(error_traceback, null);
    assertEquals(Object.hasOwn(attempts[0], "error_traceback"), false);
    const [summary] = await jsonOf(await bench.fetch(JOBS));
    assertEquals(summary.error_traceback, error_traceback);
  }
});

test("by default there is a traceback, but not with NODE_ENV=production", async () => {
  const { NODE_ENV: before } = process.env;
  try {
    for (const [environment, isShown] of [
      ["development", true],
      ["production", false],
    ] as const) {
      process.env["NODE_ENV"] = environment;
      await using bench = new JobBench();
      registerFailing(bench);
      const { id } = await bench.submit("fail");
      await bench.scheduler.wait(id);
      const { error_traceback } = await bench.record(id);
      assertEquals(error_traceback !== null, isShown, environment);
    }
  } finally {
    if (before === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = before;
  }
});

test("every route of one job answers 400 for what is no ULID, and 404 for what is no job", async () => {
  await using bench = new JobBench(RESTING);
  const routes = [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/$cancel"],
    ["POST", "/%24retry"],
    ["GET", "/$logs"],
    ["GET", "/$stream"],
  ] as const;
  const unknown = ulid();
  for (const [method, rest] of routes) {
    for (const id of ["x", "1", unknown.toLowerCase(), `${unknown}0`, "%00", "%24cancel"]) {
      const problem = await problemOf(await bench.fetch(`${JOBS}/${id}${rest}`, { method }), 400);
      assertEquals(problem.type, "urn:taskmount:error:invalid-id", `${method} ${id}${rest}`);
      assertEquals(problem.detail, "The id of a job is a ULID");
    }
    const path = `${JOBS}/${unknown}${rest}`;
    assertEquals(await problemOf(await bench.fetch(path, { method }), 404), {
      type: "urn:taskmount:error:job-not-found",
      title: "Not Found",
      status: 404,
      detail: `There is no job "${unknown}"`,
      instance: path,
    });
  }
});

test("what is no route is 404, and another method 405 with what is allowed", async () => {
  await using bench = new JobBench(RESTING);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  for (const path of [
    `${JOBS}/`,
    `${JOBS}/${id}/`,
    `${JOBS}/${id}/$other`,
    `${JOBS}/${id}/%E0%A4%A`,
  ]) {
    assertEquals(
      (await problemOf(await bench.fetch(path), 404)).type,
      "urn:taskmount:error:not-found",
    );
  }
  const allowed = [
    [JOBS, "POST", "GET, HEAD, OPTIONS"],
    [`${JOBS}/${id}`, "PUT", "DELETE, GET, HEAD, OPTIONS"],
    [`${JOBS}/${id}/$cancel`, "GET", "OPTIONS, POST"],
    [`${JOBS}/${id}/$retry`, "DELETE", "OPTIONS, POST"],
    [`${JOBS}/${id}/$logs`, "POST", "GET, HEAD, OPTIONS"],
    [`${JOBS}/${id}/$stream`, "POST", "GET, HEAD, OPTIONS"],
  ] as const;
  for (const [path, method, allow] of allowed) {
    const response = await bench.fetch(path, { method });
    assertEquals(response.headers.get("allow"), allow);
    assertEquals((await problemOf(response, 405)).type, "urn:taskmount:error:method-not-allowed");
    const options = await bench.fetch(path, { method: "OPTIONS" });
    assertEquals([options.status, options.headers.get("allow")], [204, allow]);
  }
});

test("HEAD answers as GET without the body, also for a stream", async () => {
  await using bench = new JobBench(RESTING);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  for (const path of [JOBS, `${JOBS}/${id}`, `${JOBS}/${id}/$logs`]) {
    const { byteLength } = await (await bench.fetch(path)).arrayBuffer();
    const response = await bench.fetch(path, { method: "HEAD" });
    assertEquals([response.status, await response.text()], [200, ""]);
    assertEquals(response.headers.get("content-length"), `${byteLength}`);
  }
  const stream = await bench.fetch(`${JOBS}/${id}/$stream`, { method: "HEAD" });
  assertEquals([stream.status, await stream.text()], [200, ""]);
  assertEquals(stream.headers.get("content-type"), "text/event-stream");
});

test("DELETE answers 204 and leaves nothing, of what waits, runs or has ended", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  registerGreet(bench);
  const ended = (await bench.submit("greet")).id;
  await bench.scheduler.wait(ended);
  const running = (await bench.submit("follow")).id;
  const { context } = await puppet.run();
  const waiting = (await bench.submit("follow", { delay: 3600 })).id;
  for (const id of [ended, running, waiting]) {
    const response = await bench.fetch(`${JOBS}/${id}`, { method: "DELETE" });
    assertEquals([response.status, await response.text()], [204, ""]);
    await problemOf(await bench.fetch(`${JOBS}/${id}`), 404);
    await problemOf(await bench.fetch(`${JOBS}/${id}`, { method: "DELETE" }), 404);
  }
  await aborted(context);
  assertEquals(context.signal.reason.name, "JobCanceledError");
  assertEquals(await jsonOf(await bench.fetch(JOBS)), []);
});

test("POST $cancel answers 202 with the record, then 200, and aborts what runs", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  const running = (await bench.submit("follow")).id;
  const { context } = await puppet.run();
  const waiting = (await bench.submit("follow", { delay: 3600 })).id;
  for (const id of [running, waiting]) {
    const record = await recordOf(await bench.post(`${JOBS}/${id}/$cancel`), 202);
    assertEquals([record.id, record.status], [id, "canceled"]);
    assert(record.finished_at !== null);
    assertEquals(await recordOf(await bench.post(`${JOBS}/${id}/%24cancel`), 200), record);
  }
  await aborted(context);
  assertEquals(context.signal.reason.name, "JobCanceledError");
});

test("POST $cancel answers 409 for what is completed or failed", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  registerFailing(bench);
  for (const [task, status] of [
    ["greet", "completed"],
    ["fail", "failed"],
  ] as const) {
    const { id } = await bench.submit(task);
    await bench.scheduler.wait(id);
    const problem = await problemOf(await bench.post(`${JOBS}/${id}/$cancel`), 409);
    assertEquals(problem.type, "urn:taskmount:error:job-state");
    assertEquals(problem.detail, `Cannot cancel job ${id}: it is ${status}`);
    assertEquals((await bench.record(id)).status, status);
  }
});

test("POST $retry queues a failed or canceled job again, under its id and with its history", async () => {
  await using bench = new JobBench();
  let isBroken = true;
  bench.registry.register("mend", {
    run: () => {
      if (isBroken) throw new NonRetryableError("broken");
      return { mended: true };
    },
  });
  const { id } = await bench.submit("mend");
  await bench.scheduler.wait(id);
  isBroken = false;
  const again = await recordOf(await bench.post(`${JOBS}/${id}/$retry`), 202);
  assertEquals([again.id, again.finished_at], [id, null]);
  await bench.scheduler.wait(id);
  const { status, result, attempt, attempts } = await bench.record(id);
  assertEquals([status, result, attempt], ["completed", { mended: true }, 2]);
  assertEquals(
    attempts.map(({ error }: { error: unknown }) => error),
    ["NonRetryableError: broken", null],
  );
  const { id: canceled } = await bench.submit("mend", { delay: 3600 });
  await bench.post(`${JOBS}/${canceled}/$cancel`);
  await recordOf(await bench.post(`${JOBS}/${canceled}/$retry`), 202);
  assertEquals((await bench.scheduler.wait(canceled)).status, "completed");
});

test("POST $retry answers 409 for what waits, runs or is completed", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  const { id: waiting } = await bench.submit("follow", { delay: 3600 });
  const { id: running } = await bench.submit("follow");
  const run = await puppet.run();
  await problemOf(await bench.post(`${JOBS}/${waiting}/$retry`), 409);
  await problemOf(await bench.post(`${JOBS}/${running}/$retry`), 409);
  run.end({});
  await bench.scheduler.wait(running);
  const { detail } = await problemOf(await bench.post(`${JOBS}/${running}/$retry`), 409);
  assertEquals(detail, `Cannot retry job ${running}: it is completed`);
});

test("GET $logs answers the lines in order, after one and so many", async () => {
  await using bench = new JobBench();
  bench.registry.register("talk", {
    inject: [TaskContext],
    run: (_params, { log }) => {
      for (const line of ["one", "two\nlines", "three"]) log(line);
    },
  });
  const { id } = await bench.submit("talk");
  await bench.scheduler.wait(id);
  const lines = await recordOf(await bench.fetch(`${JOBS}/${id}/$logs`), 200);
  assertEquals(
    lines.map(({ line, attempt }: Record<string, unknown>) => [line, attempt]),
    [
      ["one", 1],
      ["two\nlines", 1],
      ["three", 1],
    ],
  );
  assertEquals(Object.keys(lines[0]), ["number", "attempt", "logged_at", "line"]);
  assertEquals(new Date(lines[0].logged_at).toISOString(), lines[0].logged_at);
  const [first, second] = lines;
  const query = `?after=${first.number}&size=1`;
  assertEquals(await recordOf(await bench.fetch(`${JOBS}/${id}/%24logs${query}`), 200), [second]);
});

test("GET $logs refuses another query with 422 and the issues", async () => {
  await using bench = new JobBench(RESTING);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  for (const [query, path] of [
    ["after=-1", ["after"]],
    ["after=x", ["after"]],
    ["after=1&after=2", ["after"]],
    ["size=0", ["size"]],
    ["size=10001", ["size"]],
    ["size=1e3", ["size"]],
    ["page=1", ["page"]],
    ["__proto__=1", ["__proto__"]],
  ] as const) {
    const { type, issues } = await problemOf(
      await bench.fetch(`${JOBS}/${id}/$logs?${query}`),
      422,
    );
    assertEquals([type, issues[0].path], ["urn:taskmount:error:invalid-request", path], query);
  }
  assertEquals(
    await recordOf(await bench.fetch(`${JOBS}/${id}/$logs?size=10000&after=0`), 200),
    [],
  );
});

test("a POST or DELETE of another site is refused with 403, and changes nothing", async () => {
  await using bench = new JobBench(RESTING);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  for (const [method, rest] of [
    ["DELETE", ""],
    ["POST", "/$cancel"],
    ["POST", "/$retry"],
  ] as const) {
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "http://localhost" },
      { origin: "https://evil.example" },
    ]) {
      const response = await bench.fetch(`${JOBS}/${id}${rest}`, { method, headers });
      assertEquals((await problemOf(response, 403)).type, "urn:taskmount:error:cross-site-request");
    }
  }
  assertEquals((await bench.record(id)).status, "pending");
});

test("JobRouter stands where the scheduler's links to jobs lead, or at its own prefix", async () => {
  await using bench = new JobBench({ ...RESTING, prefix: "/queue" });
  registerGreet(bench);
  const response = await bench.submitTo("greet");
  const location = response.headers.get("location") ?? "";
  const record = await recordOf(response, 202);
  assertEquals(location, `/queue/${record.id}`);
  assertEquals(await recordOf(await bench.fetch(location), 200), record);
  const { scheduler } = bench;
  const elsewhere = JobRouter.create({ scheduler, prefix: "/elsewhere" });
  assertEquals(
    await recordOf(
      await elsewhere.fetch(new Request(`http://localhost/elsewhere/${record.id}`)),
      200,
    ),
    record,
  );
});

test("JobRouter.create() refuses a heartbeat that no timer can have, and a prefix that is no path", async () => {
  await using bench = new JobBench(RESTING);
  const { scheduler } = bench;
  for (const heartbeat of [0, -1, Number.NaN, 2_147_484]) {
    assertThrows(() => JobRouter.create({ scheduler, heartbeat }), RangeError, "as heartbeat");
  }
  assertThrows(() => JobRouter.create({ scheduler, prefix: "jobs" }), TypeError);
});

async function aborted({ signal }: TaskContext): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
