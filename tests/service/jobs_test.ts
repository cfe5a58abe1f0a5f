import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import {
  Database,
  Scheduler,
  type Service,
  ServiceBuilder,
  ServiceConfigurationError,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { EventReader } from "../jobs/http/event_reader.ts";
import { recordOf } from "../jobs/http/job_bench.ts";
import { problemOf } from "../tasks/test_router.ts";

const QUIET = { displayName: "Jobs", signals: false, grace: 0 };

function greeting(): TaskRegistry {
  const registry = new TaskRegistry();
  registry.register("greet", {
    params: v.object({ name: v.optional(v.string(), "World") }),
    run: ({ name }) => ({ message: `Hello, ${name}!` }),
  });
  return registry;
}

function send(service: Service, path: string, method = "GET"): Promise<Response> {
  return service.fetch(new Request(`http://localhost${path}`, { method }));
}

test("withJobs() adds $submit and the routes of jobs, and runs what is submitted", async () => {
  await using service = new ServiceBuilder(QUIET)
    .withTasks({ registry: greeting() })
    .withJobs()
    .build();
  const response = await send(service, "/api/v1/tasks/greet/$submit", "POST");
  const location = response.headers.get("location") ?? "";
  const { id } = await recordOf(response, 202);
  assertEquals(location, `/api/v1/jobs/${id}`);
  const stream = new EventReader(await send(service, `${location}/$stream`));
  assertEquals((await stream.rest()).at(-1)?.data.result, { message: "Hello, World!" });
  const [listed] = await recordOf(await send(service, "/api/v1/jobs"), 200);
  assertEquals([listed.id, listed.status], [id, "completed"]);
});

test("withJobs() runs at start what an earlier process has left", async () => {
  await using service = new ServiceBuilder(QUIET)
    .withTasks({ registry: greeting() })
    .withJobs()
    .build();
  // As a process does that only submits.
  const submitting = new Scheduler({ database: service.database, maxConcurrency: 0 });
  const [task] = greeting().listAll();
  assert(task !== undefined);
  const id = await submitting.submit(greeting().get(task), { name: "Alice" });
  await submitting.stop();
  await service.start();
  const { status, result } = await service.scheduler.wait(id);
  assertEquals([status, result], ["completed", { message: "Hello, Alice!" }]);
});

test("without withJobs() there are no routes of jobs, and no scheduler", async () => {
  await using service = new ServiceBuilder(QUIET).withTasks({ registry: greeting() }).build();
  for (const [method, path] of [
    ["POST", "/api/v1/tasks/greet/$submit"],
    ["GET", "/api/v1/jobs"],
  ] as const) {
    assertEquals(
      (await problemOf(await send(service, path, method), 404)).type,
      "urn:taskmount:error:not-found",
    );
  }
  assertThrows(() => service.scheduler, TypeError, "build it with withJobs()");
});

test("withJobs() takes the scheduler's options, its prefix too, and serves under the base path", async () => {
  await using service = new ServiceBuilder({ ...QUIET, basePath: "/tools" })
    .withTasks({ registry: greeting(), prefix: "/run" })
    .withJobs({ maxConcurrency: 3, maxParams: 30, prefix: "/queue" })
    .build();
  assertEquals(service.scheduler.maxConcurrency, 3);
  const response = await send(service, "/tools/run/greet/$submit", "POST");
  const location = response.headers.get("location") ?? "";
  const { id } = await recordOf(response, 202);
  assertEquals(location, `/tools/queue/${id}`);
  await service.scheduler.wait(id);
  assertEquals((await recordOf(await send(service, location), 200)).status, "completed");
  const { id: second } = await recordOf(await send(service, "/run/greet/%24submit", "POST"), 202);
  const page = await send(service, "/tools/queue?size=1");
  assertEquals(page.headers.get("link"), `</tools/queue?size=1&before=${second}>; rel="next"`);
  const large = await service.fetch(
    new Request("http://localhost/tools/run/greet/$submit", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ params: { name: "x".repeat(30) } }),
    }),
  );
  await problemOf(large, 413);
});

test("build() names what is wrong with the options of withJobs()", () => {
  for (const [jobs, reason] of [
    [{ maxConcurrency: -1 }, "as maxConcurrency"],
    [{ lease: 0 }, "as lease"],
    [{ prefix: "jobs" }, '"jobs" as a path'],
  ] as const) {
    const builder = new ServiceBuilder(QUIET).withTasks({ registry: greeting() }).withJobs(jobs);
    assertThrows(() => builder.build(), ServiceConfigurationError, reason);
  }
});

test("tasks are given the service's scheduler, and jobs their place in it", async () => {
  const registry = greeting();
  registry.register("parent", {
    inject: [Scheduler, TaskContext],
    run: async (_params, scheduler, { jobId }) => {
      const child = await scheduler.submit("greet", { name: "child" });
      return { jobId, child, same: scheduler === service.scheduler };
    },
  });
  await using service = new ServiceBuilder(QUIET).withTasks({ registry }).withJobs().build();
  const { id } = await recordOf(await send(service, "/api/v1/tasks/parent/$submit", "POST"), 202);
  await service.scheduler.wait(id);
  const { result } = await recordOf(await send(service, `/api/v1/jobs/${id}`), 200);
  assertEquals([result.jobId, result.same], [id, true]);
  const child = await recordOf(await send(service, `/api/v1/jobs/${result.child}`), 200);
  assertEquals(child.parent_id, id);
});

test("stop() ends open streams with a hint to come again, and doesn't wait for their clients", async () => {
  const registry = new TaskRegistry();
  const begun = Promise.withResolvers<void>();
  registry.register("endless", {
    inject: [TaskContext],
    run: (_params, { signal }) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        begun.resolve();
      }),
  });
  const service = new ServiceBuilder(QUIET)
    .withDatabase(Database.sqlite(":memory:"))
    .withTasks({ registry })
    .withJobs()
    .build();
  await service.start();
  await using server = Bun.serve({ ...service, port: 0, hostname: "127.0.0.1" });
  const url = (path: string) => new URL(path, server.url);
  const submitted = await fetch(url("/api/v1/tasks/endless/$submit"), { method: "POST" });
  const { id } = await recordOf(submitted, 202);
  await begun.promise;
  const stream = new EventReader(await fetch(url(`/api/v1/jobs/${id}/$stream`)));
  assertEquals((await stream.event()).data.status, "running");
  // This one reads nothing.
  const unread = await fetch(url(`/api/v1/jobs/${id}/$stream`));
  const rest = stream.rest();
  await service.stop();
  assertEquals(
    (await rest).map(({ data }) => data.status),
    ["pending"],
  );
  assertEquals(stream.retry, 1_000);
  await unread.body?.cancel();
  const after = await fetch(url(`/api/v1/jobs/${id}`));
  assertEquals(after.headers.get("retry-after"), "1");
  await problemOf(after, 503);
});

test("an EventSource that asks while the service stops comes again, and anybody else is refused", async () => {
  const registry = greeting();
  const begun = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  registry.register("slow", {
    run: async () => {
      begun.resolve();
      await letGo.promise;
    },
  });
  const service = new ServiceBuilder(QUIET).withTasks({ registry }).withJobs().build();
  await service.start();
  const id = await service.scheduler.submit("greet", {}, { delay: 60 });
  const running = send(service, "/api/v1/tasks/slow/$execute", "POST");
  await begun.promise;
  const stopping = service.stop({ grace: 60 });
  const path = `http://localhost/api/v1/jobs/${id}/$stream`;
  const headers = { accept: "text/event-stream" };
  const response = await service.fetch(new Request(path, { headers }));
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const stream = new EventReader(response);
  assertEquals([response.status, await stream.rest(), stream.retry], [200, [], 1_000]);
  await problemOf(await service.fetch(new Request(path)), 503);
  letGo.resolve();
  await running;
  await stopping;
});
