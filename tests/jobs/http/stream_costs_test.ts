import { test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { EventReader } from "./event_reader.ts";
import { JobBench, Puppet, registerGreet } from "./job_bench.ts";
import { StreamCosts } from "./stream_costs.ts";

async function open(bench: JobBench, id: string, init?: RequestInit): Promise<EventReader> {
  return new EventReader(await bench.fetch(`/api/v1/jobs/${id}/$stream`, init));
}

test("$stream asks the database nothing while nothing happens", async () => {
  await using bench = new JobBench({ maxConcurrency: 0, heartbeat: 0.01 });
  using costs = new StreamCosts(bench.database);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const stream = await open(bench, id);
  await stream.event();
  const next = stream.next();
  const { reads } = costs;
  for (let beat = 0; beat < 10; beat++) await stream.commented();
  assertEquals([costs.reads - reads, costs.looks], [0, 0]);
  await bench.scheduler.cancel(id);
  await next;
});

test("a change of a job is read once for all its streams, and for no other's", async () => {
  await using bench = new JobBench();
  using costs = new StreamCosts(bench.database);
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow");
  const { context, end } = await puppet.run();
  const { id: other } = await bench.submit("follow");
  await puppet.run();
  const streams: EventReader[] = [];
  for (const each of [id, id, id, other]) streams.push(await open(bench, each));
  for (const stream of streams) await stream.event();
  const [first, second, third] = streams;
  const following = [first, second, third].map((stream) => stream?.next());
  const { reads } = costs;
  context.progress(0.5);
  const told = await Promise.all(following);
  assertEquals(
    told.map((event) => event?.data.progress),
    [0.5, 0.5, 0.5],
  );
  assertEquals(costs.reads - reads, 1);
  end({});
  assertEquals(
    (await Promise.all(streams.slice(0, 3).map((each) => each.rest()))).flat().length,
    3,
  );
  assertEquals(costs.reads - reads, 2);
});

test("a client that doesn't read holds few events, and sees the last one when it does", async () => {
  await using bench = new JobBench();
  using costs = new StreamCosts(bench.database);
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow", { retries: 30, backoff: { initial: 0 } });
  const run = await puppet.run();
  const slow = await open(bench, id);
  await slow.event();
  const { reads } = costs;
  run.fail(new Error("0"));
  for (let failed = 1; failed < 30; failed++) (await puppet.run()).fail(new Error(`${failed}`));
  (await puppet.run()).end({ last: true });
  await bench.scheduler.wait(id);
  const readMeanwhile = costs.reads - reads;
  const events = await slow.rest();
  assertLess(events.length, 8);
  // Besides those that wait() has made.
  assertLess(readMeanwhile, 12);
  const last = events.at(-1);
  assertEquals([last?.data.status, last?.data.attempt, last?.id], ["completed", 31, "63"]);
});

test("a client that goes leaves nothing behind, whatever its stream was doing", async () => {
  await using bench = new JobBench();
  using costs = new StreamCosts(bench.database);
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow", { retries: 9, backoff: { initial: 0 } });
  let run = await puppet.run();
  const { intervals, listeners } = costs;
  const goings: Record<string, () => Promise<void>> = {
    "waiting for a change": async () => {
      const stream = await open(bench, id);
      await stream.event();
      await stream.cancel();
    },
    "with a read that waits": async () => {
      const stream = await open(bench, id);
      await stream.event();
      const next = stream.next();
      await stream.cancel();
      assertEquals(await next, undefined);
    },
    "with events that nobody has taken": async () => {
      const slow = await open(bench, id);
      const quick = await open(bench, id);
      await quick.event();
      for (let count = 0; count < 2; count++) {
        run.fail(new Error("no"));
        run = await puppet.run();
        while ((await quick.event()).data.status !== "running");
      }
      await quick.cancel();
      await slow.cancel();
    },
    "without a single read": async () => {
      const response = await bench.fetch(`/api/v1/jobs/${id}/$stream`);
      await response.body?.cancel();
    },
    "after a HEAD": async () => {
      await bench.fetch(`/api/v1/jobs/${id}/$stream`, { method: "HEAD" });
    },
  };
  for (const [how, go] of Object.entries(goings)) {
    const stayed = await open(bench, id);
    await stayed.event();
    await go();
    const quiet = costs.quiet();
    await stayed.cancel();
    await quiet;
    assertEquals([costs.intervals, costs.listeners], [intervals, listeners], how);
    const { reads } = costs;
    run.context.progress(0.5);
    run.fail(new Error("no"));
    run = await puppet.run();
    assertEquals(costs.reads - reads, 0, how);
  }
});

test("a stream that ends leaves nothing behind", async () => {
  await using bench = new JobBench();
  using costs = new StreamCosts(bench.database);
  const puppet = new Puppet(bench);
  const { id } = await bench.submit("follow");
  const run = await puppet.run();
  const { intervals, listeners } = costs;
  const stream = await open(bench, id);
  await stream.event();
  const quiet = costs.quiet();
  run.end({});
  await stream.rest();
  await quiet;
  assertEquals([costs.intervals, costs.listeners], [intervals, listeners]);
});

test("a thousand streams open, each told of its own job alone, and leave nothing when they go", async () => {
  const count = 1_000;
  await using bench = new JobBench({ maxConcurrency: 0 });
  using costs = new StreamCosts(bench.database);
  registerGreet(bench);
  await bench.scheduler.start();
  const { intervals, listeners } = costs;
  const ids = await bench.scheduler.submitMany(
    Array.from({ length: count }, () => ({ task: "greet" })),
  );
  await using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: bench.handler });
  // Sockets, since fetch() opens 256 at most.
  const opened = Promise.withResolvers<void>();
  const received = Array.from({ length: count }, () => "");
  const isOpen = (text: string) => text.includes('"status":"pending"');
  const ended = Promise.withResolvers<string>();
  let open = 0;
  const sockets = await Promise.all(
    ids.map((id, index) =>
      Bun.connect({
        hostname: "127.0.0.1",
        port: server.port ?? 0,
        socket: {
          open: (socket) => {
            socket.write(`GET /api/v1/jobs/${id}/$stream HTTP/1.1\r\nHost: localhost\r\n\r\n`);
          },
          data: (_socket, data) => {
            const before = received[index] ?? "";
            const text = before + data.toString();
            received[index] = text;
            if (!isOpen(before) && isOpen(text) && ++open === count) opened.resolve();
            if (text.includes('"status":"canceled"')) ended.resolve(text);
          },
        },
      }),
    ),
  );
  await opened.promise;
  assertEquals(costs.listeners - listeners, 1);
  assertEquals(costs.intervals - intervals, 1);
  const { reads } = costs;
  await bench.scheduler.cancel(ids[500] ?? "");
  assert((await ended.promise).includes(`"id":"${ids[500]}"`));
  assertEquals([costs.reads - reads, costs.looks], [1, 0]);
  assertEquals(received.filter((text) => text.includes('"status":"canceled"')).length, 1);
  const quiet = costs.quiet();
  for (const socket of sockets) socket.terminate();
  await quiet;
  assertEquals([costs.listeners, costs.intervals], [listeners, intervals]);
}, 30_000);
