import { describe, test } from "bun:test";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import { Scheduler, SchedulerStoppedError } from "../../lib/jobs/mod.ts";
import { ServiceBuilder, ServiceConfigurationError } from "../../lib/service/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { TaskContext, TaskRegistry, token } from "../../lib/tasks/mod.ts";
import { TestService } from "../../lib/testing/mod.ts";

const NEW_YEAR = new Date("2030-01-01T00:00:00.000Z");
const TASKS = "/api/v1/tasks";
const Greeting = token<string>("Greeting");

/** As in production, with a file that no test may touch. */
function createBuilder({ file = "untouched.db" } = {}) {
  const registry = new TaskRegistry();
  registry.register("greet", {
    params: v.object({ name: v.string() }),
    inject: [Greeting],
    run: ({ name }, greeting) => ({ message: `${greeting}, ${name}!` }),
  });
  registry.register("parent", {
    inject: [Scheduler],
    run: async (_params, scheduler) => {
      const id = await scheduler.submit("greet", { name: "child" }, { delay: 3_600 });
      return { result: (await scheduler.wait(id)).result };
    },
  });
  const builder = new ServiceBuilder({ displayName: "Greetings" })
    .withDatabase(Database.sqlite(join(tmpdir(), file)))
    .withTasks({ registry, provide: [[Greeting, { create: () => "Hello" }]] })
    .withHealth();
  return { registry, builder, withJobs: builder.withJobs({ maxConcurrency: 1 }) };
}

async function jsonOf(response: Response): Promise<unknown> {
  return await response.json();
}

describe("fetch()", () => {
  test("sends JSON by POST to a path", async () => {
    await using service = await TestService.start(createBuilder().builder);
    const response = await service.fetch(`${TASKS}/greet/$execute`, {
      json: { params: { name: "Ada" } },
    });
    assertStrictEquals(response.status, 200);
    assertEquals(await jsonOf(response), {
      task_name: "greet",
      params: { name: "Ada" },
      result: { message: "Hello, Ada!" },
      error: null,
    });
  });

  test("gets a path, a URL and a whole request", async () => {
    await using service = await TestService.start(createBuilder().builder);
    const url = "http://example.org/health";
    for (const input of ["/health", new URL(url), new Request(url)]) {
      assertStrictEquals((await service.fetch(input)).status, 200);
    }
    const request = new Request("http://localhost/health", { method: "DELETE" });
    assertStrictEquals((await service.fetch(request)).status, 405);
  });

  test("takes what a request takes, beside JSON too", async () => {
    const included = {
      prefix: "/echo",
      fetch: async (request: Request) =>
        Response.json([
          request.method,
          request.headers.get("content-type"),
          request.headers.get("x-a"),
          await request.text(),
        ]),
    };
    const builder = createBuilder().builder.include(included);
    await using service = await TestService.start(builder);
    const echo = async (...args: Parameters<TestService["fetch"]>) =>
      await jsonOf(await service.fetch(...args));
    const headers = { "x-a": "b" };
    assertEquals(await echo("/echo", { json: null, method: "PUT", headers }), [
      "PUT",
      "application/json",
      "b",
      "null",
    ]);
    const own = { "content-type": "application/merge-patch+json" };
    assertEquals(await echo("/echo", { json: {}, headers: own }), [
      "POST",
      "application/merge-patch+json",
      null,
      "{}",
    ]);
    const request = new Request("http://localhost/echo", { headers });
    assertEquals(await echo(request, { json: [1] }), ["POST", "application/json", "b", "[1]"]);
    const put = new Request("http://localhost/echo", { method: "PUT", headers });
    assertEquals(await echo(put, { json: 1 }), ["PUT", "application/json", "b", "1"]);
    const form = new URLSearchParams({ a: "b" });
    assertEquals(await echo("/echo", { method: "POST", body: form, headers }), [
      "POST",
      "application/x-www-form-urlencoded;charset=UTF-8",
      "b",
      "a=b",
    ]);
  });
});

describe("jobs of a service", () => {
  test("are submitted over HTTP and awaited, whatever their delay", async () => {
    const { withJobs } = createBuilder();
    await using service = await TestService.start(withJobs, { now: NEW_YEAR });
    const response = await service.fetch(`${TASKS}/greet/$submit`, {
      json: { params: { name: "Ada" }, delay: 86_400 },
    });
    assertStrictEquals(response.status, 202);
    const { id } = v.parse(v.object({ id: v.string() }), await jsonOf(response));
    const { result, finishedAt } = await service.wait(id);
    assertEquals(
      [result, finishedAt, service.clock.date()],
      [{ message: "Hello, Ada!" }, new Date("2030-01-02"), new Date("2030-01-02")],
    );
    assertEquals(
      v.parse(
        v.object({ status: v.string() }),
        await jsonOf(await service.fetch(`/api/v1/jobs/${id}`)),
      ),
      { status: "completed" },
    );
  });

  test("live in the service's time, with its options", async () => {
    const { withJobs } = createBuilder();
    await using service = await TestService.start(withJobs, { now: NEW_YEAR });
    assertStrictEquals(service.scheduler.maxConcurrency, 1);
    await service.scheduler.cron("hourly", "@hourly", "greet", { name: "tick" });
    await service.scheduler.submit("parent");
    await service.settled();
    assertEquals(service.clock.date(), NEW_YEAR);
    await service.advance(2 * 3_600);
    const jobs = await service.scheduler.list({ status: "completed" });
    assertEquals(
      jobs.map(({ taskName, finishedAt }) => [taskName, finishedAt?.getUTCHours()]).sort(),
      [
        ["greet", 1],
        ["greet", 1],
        ["greet", 2],
        ["parent", 1],
      ],
    );
  });

  test("are refused clearly where the service has none", async () => {
    await using service = await TestService.start(createBuilder().builder);
    const message = 'The service "greetings" has no jobs: build it with withJobs()';
    assertThrows(() => service.scheduler, TypeError, message);
    await assertRejects(() => service.wait("id"), TypeError, message);
    await assertRejects(() => service.advance(1), TypeError, message);
    await assertRejects(() => service.settled(), TypeError, message);
  });
});

test("a TestService leaves the builder's database alone, and has one in memory", async () => {
  const file = `taskmount-${crypto.randomUUID()}.db`;
  await using service = await TestService.start(createBuilder({ file }).withJobs);
  await service.scheduler.submit("greet", { name: "Ada" });
  await service.settled();
  assertStrictEquals(service.database.url, "sqlite::memory:");
  assert(!existsSync(join(tmpdir(), file)));
});

test("a TestService uses a database that is given, and closes it", async () => {
  const database = Database.sqlite(":memory:");
  const service = await TestService.start(createBuilder().withJobs, { database });
  assertStrictEquals(service.database, database);
  assertEquals(await service.executor.execute("greet", { name: "Ada" }), {
    message: "Hello, Ada!",
  });
  await service[Symbol.asyncDispose]();
  await assertRejects(() => database.migrate());
});

test("a TestService leaves signals to the process", async () => {
  const listeners = () => [process.listenerCount("SIGINT"), process.listenerCount("SIGTERM")];
  const before = listeners();
  await using _service = await TestService.start(createBuilder().builder);
  assertEquals(listeners(), before);
});

test("a TestService runs the hooks, each in its time", async () => {
  const calls: string[] = [];
  const { builder } = createBuilder();
  const hooked = builder
    .onStartup(async () => void calls.push("startup"))
    .onShutdown(async (service) => {
      await new Promise((resolve) => setImmediate(resolve));
      await service.database.migrate();
      calls.push("shutdown");
    });
  {
    await using _service = await TestService.start(hooked);
    assertEquals(calls, ["startup"]);
  }
  assertEquals(calls, ["startup", "shutdown"]);
});

test("a TestService that can't start is closed", async () => {
  const database = Database.sqlite(":memory:");
  const failing = createBuilder().builder.onStartup(() => {
    throw new Error("no");
  });
  await assertRejects(() => TestService.start(failing, { database }), Error, "no");
  await assertRejects(() => database.migrate());
  const wrong = new ServiceBuilder({ displayName: "Wrong", id: "no id" });
  await assertRejects(() => TestService.start(wrong), ServiceConfigurationError);
});

test("a TestService ends what runs when it is disposed", async () => {
  const { registry, withJobs } = createBuilder();
  const begun = Promise.withResolvers<void>();
  registry.register("forever", {
    inject: [TaskContext],
    run: (_params, { signal }) => {
      begun.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    },
  });
  const service = await TestService.start(withJobs);
  const waiting = service.wait(await service.scheduler.submit("forever"));
  const refused = assertRejects(() => waiting, SchedulerStoppedError);
  await begun.promise;
  await service[Symbol.asyncDispose]();
  await refused;
});
