import { test } from "bun:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import * as v from "valibot";
import { isUlid } from "../../../lib/storage/mod.ts";
import { jsonOf, problemOf } from "../../tasks/test_router.ts";
import { JobBench, recordOf, registerGreet } from "./job_bench.ts";

const NOON = Date.UTC(2025, 0, 1, 12);
/** Of a scheduler that stands still, so that whole records can be compared. */
const STILL = { clock: { now: () => NOON, after: () => () => {} }, maxConcurrency: 0 };

test("POST $submit answers 202 with the whole record, and its Location", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const response = await bench.submitTo("greet", { params: { name: "Alice" } });
  assertEquals(response.headers.get("content-type")?.split(";")[0], "application/json");
  const record = await recordOf(response, 202);
  assert(isUlid(record.id));
  assertEquals(response.headers.get("location"), `/api/v1/jobs/${record.id}`);
  assertEquals(
    JSON.stringify(record),
    `{"id":"${record.id}","status":"pending","description":null,"task_name":"greet","tags":[],` +
      '"attempt":0,"retries":0,"priority":0,"progress":null,"progress_message":null,' +
      '"submitted_at":"2025-01-01T12:00:00.000Z","run_at":"2025-01-01T12:00:00.000Z",' +
      '"started_at":null,"finished_at":null,"error":null,"error_traceback":null,' +
      '"artifact_id":null,"parent_id":null,"created_by":null,' +
      '"params":{"name":"Alice"},"result":null,"attempts":[]}',
  );
  assertEquals(await bench.record(record.id), record);
});

test("POST $submit takes every option, in snake_case", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const record = await bench.submit("greet", {
    params: { name: "Alice" },
    description: "say hello",
    tags: ["b", "a", "b"],
    delay: 90.5,
    priority: -7,
    retries: 3,
    backoff: { initial: 0.5, factor: 3, max: 10 },
    timeout: 12.5,
    idempotency_key: "once",
    concurrency_key: "alice",
  });
  const { description, tags, run_at, priority, retries } = record;
  assertEquals([description, tags, priority, retries], ["say hello", ["b", "a"], -7, 3]);
  assertEquals(run_at, "2025-01-01T12:01:30.500Z");
  const at = await bench.submit("greet", { run_at: "2025-12-31T23:00:00.5+02:00" });
  assertEquals(at.run_at, "2025-12-31T21:00:00.500Z");
  const stored = await bench.database
    .own<{ jobs: { backoff: string; timeout: number; concurrency_key: string; id: string } }>()
    .selectFrom("jobs")
    .select(["backoff", "timeout", "concurrency_key"])
    .where("id", "=", record.id)
    .executeTakeFirst();
  assertEquals(
    { ...stored },
    { backoff: '{"initial":0.5,"factor":3,"max":10}', timeout: 12.5, concurrency_key: "alice" },
  );
});

test("POST $submit takes {}, null params, null and no body", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  for (const body of ["{}", '{"params":{}}', '{"params":null}', "null", " {} \n", "", undefined]) {
    const { params, status } = await bench.submit("greet", body);
    assertEquals([params, status], [{}, "pending"], body);
  }
});

test("POST $submit runs the task, and renames nothing of the params and the result", async () => {
  await using bench = new JobBench();
  bench.registry.register("echo", {
    params: v.looseObject({}),
    run: (params) => ({ got: params, someKey: { innerKey: 1 } }),
  });
  const params = { camelCase: { innerKey: [{ deepKey: null }] }, snake_case: 1, "": true };
  const { id } = await bench.submit("echo", { params });
  await bench.scheduler.wait(id);
  const record = await bench.record(id);
  assertEquals(record.status, "completed");
  assertEquals(record.params, params);
  assertEquals(record.result, { got: params, someKey: { innerKey: 1 } });
  const { attempt, started_at, finished_at, error } = record;
  assertEquals([attempt, error], [1, null]);
  assertEquals(record.attempts, [{ attempt: 1, started_at, finished_at, error: null }]);
  assertMatch(started_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("POST %24submit is the same, and the id may come percent-encoded", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const record = await recordOf(await bench.post("/api/v1/tasks/%67reet/%24submit"), 202);
  const encoded = `%${record.id.charCodeAt(0).toString(16)}${record.id.slice(1)}`;
  assertEquals(await recordOf(await bench.fetch(`/api/v1/jobs/${encoded}`), 200), record);
});

test("an idempotency key gives the same job with 200, from the body as from the header", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const header = { "idempotency-key": "once" };
  const params = { name: "Alice" };
  const record = await bench.submit("greet", { params }, header);
  for (const [body, headers] of [
    [{ params }, header],
    [{ params, idempotency_key: "once" }, {}],
    [{ params, idempotency_key: "once" }, header],
    [{ params, retries: 5, idempotency_key: "once" }, {}],
  ] as const) {
    const response = await bench.submitTo("greet", body, headers);
    assertEquals(response.headers.get("location"), `/api/v1/jobs/${record.id}`);
    assertEquals(await recordOf(response, 200), record);
  }
  assertEquals((await bench.scheduler.list()).length, 1);
});

test("an idempotency key with other params is refused with 409, and of another task is another", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  bench.registry.register("other", { run: () => {} });
  const header = { "idempotency-key": "once" };
  const { id } = await bench.submit("greet", { params: { name: "Alice" } }, header);
  const problem = await problemOf(await bench.submitTo("greet", {}, header), 409);
  assertEquals(problem, {
    type: "urn:taskmount:error:idempotency-conflict",
    title: "Conflict",
    status: 409,
    detail: `The idempotency key "once" belongs to job ${id}, which has other params`,
    instance: "/api/v1/tasks/greet/$submit",
  });
  assert((await bench.submit("other", {}, header)).id !== id);
});

test("an idempotency key that differs between header and body is refused with 422", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const response = await bench.submitTo(
    "greet",
    { idempotency_key: "a" },
    { "idempotency-key": "b" },
  );
  const { issues } = await problemOf(response, 422);
  assertEquals(issues, [
    {
      path: ["idempotency_key"],
      message: "Expected the same key as in the header Idempotency-Key",
    },
  ]);
  assertEquals(await bench.scheduler.list(), []);
});

test("POST $submit refuses every option out of bounds with 422 and the issue's path", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const long = "x".repeat(10_001);
  const cases: [object, (string | number)[]][] = [
    [{ retries: -1 }, ["retries"]],
    [{ retries: 101 }, ["retries"]],
    [{ retries: 1.5 }, ["retries"]],
    [{ retries: "1" }, ["retries"]],
    [{ retries: null }, ["retries"]],
    [{ priority: -1_001 }, ["priority"]],
    [{ priority: 1_001 }, ["priority"]],
    [{ priority: 0.5 }, ["priority"]],
    [{ delay: -1 }, ["delay"]],
    [{ delay: 366 * 24 * 60 * 60 + 1 }, ["delay"]],
    [{ delay: "1" }, ["delay"]],
    [{ timeout: 0 }, ["timeout"]],
    [{ timeout: -1 }, ["timeout"]],
    [{ timeout: 2_147_484 }, ["timeout"]],
    [{ backoff: 1 }, ["backoff"]],
    [{ backoff: { initial: -1 } }, ["backoff", "initial"]],
    [{ backoff: { initial: 86_401 } }, ["backoff", "initial"]],
    [{ backoff: { factor: 0.5 } }, ["backoff", "factor"]],
    [{ backoff: { factor: 101 } }, ["backoff", "factor"]],
    [{ backoff: { max: 604_801 } }, ["backoff", "max"]],
    [{ backoff: { other: 1 } }, ["backoff", "other"]],
    [{ description: 1 }, ["description"]],
    [{ description: long }, ["description"]],
    [{ tags: "a" }, ["tags"]],
    [{ tags: [""] }, ["tags", 0]],
    [{ tags: ["a", "x".repeat(101)] }, ["tags", 1]],
    [{ tags: Array.from({ length: 51 }, (_, index) => `${index}`) }, ["tags"]],
    [{ idempotency_key: "" }, ["idempotency_key"]],
    [{ idempotency_key: "x".repeat(256) }, ["idempotency_key"]],
    [{ concurrency_key: "" }, ["concurrency_key"]],
    [{ concurrency_key: 1 }, ["concurrency_key"]],
    [{ run_at: 1 }, ["run_at"]],
    [{ run_at: "tomorrow" }, ["run_at"]],
    [{ run_at: "1" }, ["run_at"]],
    [{ run_at: "2025-01-01T12:00:00" }, ["run_at"]],
    [{ run_at: "2025-02-30T12:00:00Z" }, ["run_at"]],
    [{ run_at: "2025-13-01T12:00:00Z" }, ["run_at"]],
    [{ run_at: "2026-01-02T12:00:00.001Z" }, ["run_at"]],
    [{ run_at: "+275760-09-13T00:00:00Z" }, ["run_at"]],
    [{ delay: 1, run_at: "2025-01-02T12:00:00Z" }, []],
    [{ params: [] }, ["params"]],
    [{ params: "text" }, ["params"]],
    [{ runAt: "2025-01-02T12:00:00Z" }, ["runAt"]],
    [{ idempotencyKey: "once" }, ["idempotencyKey"]],
    [{ session: {} }, ["session"]],
    [{ constructor: 1 }, ["constructor"]],
  ];
  for (const [body, path] of cases) {
    const problem = await problemOf(await bench.submitTo("greet", body), 422);
    const what = JSON.stringify(body).slice(0, 100);
    assertEquals(problem.type, "urn:taskmount:error:invalid-request", what);
    assertEquals(problem.issues[0].path, path, what);
  }
  for (const body of ["[]", '"text"', "1", "true"]) {
    const { issues } = await problemOf(await bench.submitTo("greet", body), 422);
    assertEquals(issues, [{ path: [], message: "Expected an object" }]);
  }
  for (const key of ["", "x".repeat(256)]) {
    const headers = { "idempotency-key": key };
    const { issues } = await problemOf(await bench.submitTo("greet", {}, headers), 422);
    assertEquals(issues[0].path, ["idempotency_key"]);
  }
  assertEquals(await bench.scheduler.list(), []);
});

test("POST $submit takes every option at its bounds", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  for (const body of [
    { retries: 0, priority: -1_000, delay: 0, timeout: 0.001 },
    { retries: 100, priority: 1_000, delay: 366 * 24 * 60 * 60, timeout: 2_147_483 },
    { backoff: {} },
    { backoff: { initial: 0, factor: 1, max: 0 } },
    { backoff: { initial: 86_400, factor: 100, max: 604_800 } },
    { tags: Array.from({ length: 50 }, (_, index) => `${index}`.padEnd(100)) },
    { idempotency_key: "x".repeat(255), concurrency_key: "x".repeat(255) },
    { description: "x".repeat(10_000) },
    { run_at: "2026-01-02T12:00:00Z" },
    { run_at: "2025-06-01" },
  ]) {
    await bench.submit("greet", body);
  }
});

test("POST $submit runs at once what is to run at a time in the past", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  const { id, run_at } = await bench.submit("greet", { run_at: "2001-01-01T00:00:00Z" });
  assertEquals(run_at, "2001-01-01T00:00:00.000Z");
  assertEquals((await bench.scheduler.wait(id)).status, "completed");
});

test("POST $submit refuses params that don't validate with 422 and the issues, and queues nothing", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const problem = await problemOf(await bench.submitTo("greet", { params: { name: 1 } }), 422);
  assertEquals(problem, {
    type: "urn:taskmount:error:invalid-params",
    title: "Unprocessable Entity",
    status: 422,
    detail:
      'The params of "greet" are not valid: name: Invalid type: Expected string but received 1',
    instance: "/api/v1/tasks/greet/$submit",
    issues: [{ path: ["name"], message: "Invalid type: Expected string but received 1" }],
  });
  assertEquals(await bench.scheduler.list(), []);
});

test("POST $submit refuses params of more than maxParams bytes with 413, and points to artifacts", async () => {
  await using bench = new JobBench({ ...STILL, maxParams: 100 });
  registerGreet(bench);
  const name = "é".repeat(45);
  await bench.submit("greet", { params: { name: name.slice(1) } });
  const { type, detail } = await problemOf(
    await bench.submitTo("greet", { params: { name } }),
    413,
  );
  assertEquals(type, "urn:taskmount:error:content-too-large");
  assertMatch(detail, /101 bytes of JSON and may be 100: save the data as an artifact/);
});

test("POST $submit answers 503 with Retry-After where as many jobs wait as maxPending allows", async () => {
  await using bench = new JobBench(STILL);
  bench.registry.register("few", { job: { maxPending: 1 }, run: () => {} });
  await bench.submit("few");
  const response = await bench.submitTo("few");
  assertEquals(response.headers.get("retry-after"), "1");
  const { type } = await problemOf(response, 503);
  assertEquals(type, "urn:taskmount:error:queue-full");
});

test("POST $submit refuses malformed JSON with 400, other types with 415, unknown tasks with 404", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const malformed = await problemOf(await bench.submitTo("greet", "{"), 400);
  assertEquals(malformed.type, "urn:taskmount:error:malformed-json");
  const text = { "content-type": "text/plain" };
  const typed = await problemOf(await bench.submitTo("greet", "{}", text), 415);
  assertEquals(typed.type, "urn:taskmount:error:unsupported-media-type");
  const unknown = await problemOf(await bench.submitTo("nobody"), 404);
  assertEquals(unknown.type, "urn:taskmount:error:task-not-found");
});

test("POST $submit refuses other methods with 405, and requests of other sites with 403", async () => {
  await using bench = new JobBench(STILL);
  registerGreet(bench);
  const path = "/api/v1/tasks/greet/$submit";
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    const response = await bench.fetch(path, { method });
    assertEquals([response.status, response.headers.get("allow")], [405, "OPTIONS, POST"]);
  }
  const options = await bench.fetch(path, { method: "OPTIONS" });
  assertEquals([options.status, options.headers.get("allow")], [204, "OPTIONS, POST"]);
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
  ]) {
    const response = await bench.submitTo("greet", undefined, headers);
    assertEquals((await problemOf(response, 403)).type, "urn:taskmount:error:cross-site-request");
  }
  assertEquals(await bench.scheduler.list(), []);
});

test("POST $submit takes hostile params as they are", async () => {
  await using bench = new JobBench(STILL);
  bench.registry.register("any", { params: v.looseObject({}), run: () => {} });
  for (const params of [
    '{"__proto__":{"polluted":true},"constructor":{"prototype":1}}',
    '{"id":"x","status":"completed","toString":1,"\\ud800":"\\u0000"}',
  ]) {
    const response = await bench.submitTo("any", `{"params":${params}}`);
    const text = await response.text();
    assertEquals(response.status, 202, text);
    assert(text.includes(`"params":${params},`), text);
  }
  assertEquals(Reflect.get({}, "polluted"), undefined);
  const polluting = await bench.submitTo("any", '{"__proto__":{"retries":5}}');
  assertEquals((await problemOf(polluting, 422)).issues[0].path, ["__proto__"]);
});

test("POST $submit refuses what is too deep or too large, and stays up", async () => {
  await using bench = new JobBench(STILL);
  bench.registry.register("any", { params: v.looseObject({}), run: () => {} });
  const deep = `{"params":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
  assertEquals((await problemOf(await bench.submitTo("any", deep), 422)).status, 422);
  const large = `{"params":{"a":"${"x".repeat(11 * 1024 * 1024)}"}}`;
  assertEquals((await problemOf(await bench.submitTo("any", large), 413)).status, 413);
  const many = `{${Array.from({ length: 50_000 }, (_, n) => `"k${n}":1`)}}`;
  const { issues } = await problemOf(await bench.submitTo("any", many), 422);
  assert(issues.length <= 100);
  const texts = { description: "a\u0000b\ud800", tags: ["\u0000", "\udfff"] };
  const record = await bench.submit("any", texts);
  assertEquals(await jsonOf(await bench.fetch(`/api/v1/jobs/${record.id}`)), record);
});

test("there is no $submit where there are no jobs", async () => {
  const { TestRouter } = await import("../../tasks/test_router.ts");
  await using bench = new TestRouter();
  registerGreet(bench);
  for (const path of ["/api/v1/tasks/greet/$submit", "/api/v1/tasks/greet/%24submit"]) {
    const { type } = await problemOf(await bench.fetch(path, { method: "POST" }), 404);
    assertEquals(type, "urn:taskmount:error:not-found");
  }
});
