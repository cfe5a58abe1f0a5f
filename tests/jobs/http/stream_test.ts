import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { JobRouter } from "../../../lib/jobs/mod.ts";
import { EventReader } from "./event_reader.ts";
import { JobBench, Puppet, registerGreet } from "./job_bench.ts";

async function open(
  bench: JobBench,
  id: string,
  headers: Record<string, string> = {},
): Promise<EventReader> {
  const response = await bench.fetch(`/api/v1/jobs/${id}/$stream`, { headers });
  assertEquals(response.status, 200);
  return new EventReader(response, headers["last-event-id"]);
}

test("$stream sends the whole record at each change, with its revision as id, and ends with the job", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  const puppet = new Puppet(bench);
  const submitted = await bench.submit("follow", { tags: ["a"] });
  const { id } = submitted;
  const response = await bench.fetch(`/api/v1/jobs/${id}/$stream`);
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(response.headers.get("x-accel-buffering"), "no");
  const stream = new EventReader(response);
  assertEquals(await stream.event(), { id: "1", type: "message", data: submitted });
  bench.scheduler.maxConcurrency = 1;
  const { context, end } = await puppet.run();
  const running = await stream.event();
  assertEquals([running.id, running.data.status, running.data.attempt], ["2", "running", 1]);
  assertEquals(running.data, await bench.record(id));
  context.progress(0.25, "a quarter");
  const told = await stream.event();
  assertEquals([told.id, told.data.progress, told.data.progress_message], ["3", 0.25, "a quarter"]);
  end({ done: true });
  const [last, ...none] = await stream.rest();
  assertEquals(
    [last?.id, last?.data.status, last?.data.result],
    ["4", "completed", { done: true }],
  );
  assertEquals(last?.data, await bench.record(id));
  assertEquals([none, stream.comments, stream.retry], [[], 0, undefined]);
});

test("$stream tells the end of a job that has ended, and ends", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  await bench.scheduler.wait(id);
  const record = await bench.record(id);
  for (const headers of [{}, { "last-event-id": "1" }, { "last-event-id": "2" }]) {
    const stream = await open(bench, id, headers);
    assertEquals(await stream.rest(), [{ id: "3", type: "message", data: record }]);
  }
});

test("$stream ends with failed and canceled jobs too, and goes on over a retry", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  const retried = await bench.submit("follow", { retries: 1, backoff: { initial: 0 } });
  const following = (await open(bench, retried.id)).rest();
  (await puppet.run()).fail(new Error("first"));
  (await puppet.run()).fail(new Error("second"));
  const last = (await following).at(-1);
  assertEquals([last?.data.status, last?.data.error], ["failed", "Error: second"]);
  const canceled = await bench.submit("follow");
  await puppet.run();
  const stream = await open(bench, canceled.id);
  await stream.event();
  await bench.post(`/api/v1/jobs/${canceled.id}/$cancel`);
  const [{ data } = { data: undefined }, ...none] = await stream.rest();
  assertEquals([data.status, none], ["canceled", []]);
});

test("$stream sends the status deleted when the job is deleted, and ends", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const stream = await open(bench, id);
  await stream.event();
  await bench.fetch(`/api/v1/jobs/${id}`, { method: "DELETE" });
  assertEquals(await stream.rest(), [{ id: "2", type: "message", data: { status: "deleted" } }]);
});

test("$stream with the Last-Event-ID of the end answers 204 without a body", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  await bench.scheduler.wait(id);
  for (const last of ["3", "4", "999999999999999"]) {
    const headers = { "last-event-id": last };
    const response = await bench.fetch(`/api/v1/jobs/${id}/$stream`, { headers });
    assertEquals([response.status, response.body], [204, null], last);
  }
});

test("$stream with the Last-Event-ID of what is now says so at once, and repeats nothing", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow");
  const { context, end } = await puppet.run();
  const stream = await open(bench, id, { "last-event-id": "2" });
  const commented = stream.commented();
  const next = stream.event();
  await commented;
  context.progress(0.5);
  assertEquals((await next).id, "3");
  end({});
  assertEquals(
    (await stream.rest()).map(({ id }) => id),
    ["4"],
  );
});

test("$stream takes a Last-Event-ID that is none of its own for none", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  for (const last of ["", "x", "-1", "1.0", "0x1", "1e3", "9".repeat(400), "7", "{}"]) {
    const stream = await open(bench, id, { "last-event-id": last });
    assertEquals((await stream.event()).id, "1", last);
    await stream.cancel();
  }
});

test("$stream sends comments while nothing happens", async () => {
  await using bench = new JobBench({ maxConcurrency: 0, heartbeat: 0.01 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const stream = await open(bench, id);
  await stream.event();
  const next = stream.next();
  for (let beat = 0; beat < 3; beat++) await stream.commented();
  await bench.scheduler.cancel(id);
  assertEquals((await next)?.data.status, "canceled");
});

test("$stream sends the comments five seconds apart unless it is told otherwise", async () => {
  const intervals: unknown[] = [];
  const original = globalThis.setInterval;
  globalThis.setInterval = Object.assign((...args: Parameters<typeof setInterval>) => {
    intervals.push(args[1]);
    return original(...args);
  }, original);
  try {
    await using bench = new JobBench({ maxConcurrency: 0 });
    registerGreet(bench);
    const { id } = await bench.submit("greet");
    const before = intervals.length;
    const streams = [await open(bench, id), await open(bench, id)];
    for (const stream of streams) await stream.event();
    assertEquals(
      intervals.slice(before).filter((milliseconds) => milliseconds === 5_000).length,
      1,
    );
    for (const stream of streams) await stream.cancel();
  } finally {
    globalThis.setInterval = original;
  }
});

test("stop() ends a stream, and makes its client connect again", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow");
  await puppet.run();
  const stream = await open(bench, id);
  await stream.event();
  const rest = stream.rest();
  await bench.scheduler.stop({ grace: 0 });
  // The run was aborted and handed back before the stream ended.
  assertEquals(
    (await rest).map(({ data }) => data.status),
    ["pending"],
  );
  assertEquals(stream.retry, 1_000);
  const late = await open(bench, id);
  assertEquals([await late.rest(), late.retry], [[], 1_000]);
});

test("$stream shows no traceback where it is switched off", async () => {
  await using bench = new JobBench({ traceback: false });
  bench.registry.register("fail", { run: () => Promise.reject(new Error("no")) });
  const { id } = await bench.submit("fail");
  await bench.scheduler.wait(id);
  const { data } = await (await open(bench, id)).event();
  assertEquals([data.error, data.error_traceback], ["Error: no", null]);
});

test("$stream asks Bun's server to keep its connection, and works without", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const { fetch } = JobRouter.create({ scheduler: bench.scheduler });
  const timeouts: number[] = [];
  const server = {
    requestIP: () => null,
    timeout: (_request: Request, seconds: number) => void timeouts.push(seconds),
    stop: async () => {},
  };
  const request = () => new Request(`http://localhost/api/v1/jobs/${id}/$stream`);
  for (const response of [await fetch(request(), server), await fetch(request())]) {
    const stream = new EventReader(response);
    assertEquals((await stream.event()).id, "1");
    await stream.cancel();
  }
  assertEquals(timeouts, [0]);
});

test("$stream carries texts of every kind, line breaks too", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const description = " a\r\nb\nc\rd\u2028e: f 😀";
  const { id } = await bench.submit("greet", { description });
  const stream = await open(bench, id);
  assert((await stream.event()).data.description === description);
  await stream.cancel();
});
