import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import {
  ServiceBuilder,
  ServiceConfigurationError,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { TestService } from "../../lib/testing/mod.ts";
import { jsonOf } from "../tasks/test_router.ts";
import { builder, EXECUTE, host, post, Served } from "./served.ts";

test("a service on loopback answers to no other site's name, without withLimits() too", async () => {
  await using served = new Served(builder());
  for (const path of ["/api/v1/info", "/health", "/nowhere"]) {
    assertEquals(await served.status(path, host("evil.example")), "403 host-not-allowed");
  }
  assertEquals(
    await served.status(EXECUTE, post({ host: `evil.example:${served.server.port}` })),
    "403 host-not-allowed",
  );
  for (const name of ["localhost:80", "tool.localhost", "127.0.0.1", "[::1]:1"]) {
    assertEquals(await served.status("/api/v1/info", host(name)), "200", name);
  }
});

test("allowedHosts are answered on loopback too", async () => {
  await using served = new Served(builder({ allowedHosts: ["app.example.org"] }));
  assertEquals(await served.status("/api/v1/info", host("app.example.org")), "200");
  assertEquals(await served.status("/api/v1/info", host("evil.example")), "403 host-not-allowed");
});

test("a service that listens on every interface, or is called without a server, checks no Host", async () => {
  await using served = new Served(builder(), "0.0.0.0");
  assertEquals(await served.status("/api/v1/info", host("app.example.org")), "200");
  const request = new Request("http://app.example.org/api/v1/info");
  assertEquals((await served.service.fetch(request)).status, 200);
});

test("without a key another site's name learns no more than with one", async () => {
  await using served = new Served(builder().withAuth({ keys: ["one"] }));
  for (const headers of [{}, { "x-api-key": "one" }, { "x-api-key": "wrong" }]) {
    const sent = { headers: { ...headers, host: "evil.example" } };
    assertEquals(await served.status("/api/v1/info", sent), "403 host-not-allowed");
    assertEquals(await served.status("/nowhere", sent), "403 host-not-allowed");
  }
});

test("timeout ends an execution as the task's own does, which goes before it, and ends no job", async () => {
  const registry = new TaskRegistry();
  const wait = (_params: object, { signal, jobId }: TaskContext) =>
    jobId === null
      ? new Promise<void>((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        })
      : undefined;
  registry.register("wait", { inject: [TaskContext], run: wait });
  registry.register("deaf", { run: () => new Promise<void>(() => {}) });
  registry.register("patient", {
    timeout: 60,
    run: async () => {
      await Bun.sleep(100);
      return { done: true };
    },
  });
  registry.register("slow_job", { run: () => Bun.sleep(100) });
  const made = new ServiceBuilder({ displayName: "Time", signals: false })
    .withTasks({ registry })
    .withJobs()
    .withLimits({ timeout: 0.05 });
  await using service = await TestService.start(made);
  for (const task of ["wait", "deaf"]) {
    const { error } = await jsonOf(
      await service.fetch(`/api/v1/tasks/${task}/$execute`, { json: {} }),
    );
    assertEquals(error.type, "TimeoutError");
    assert(error.message.includes("0.05 seconds"), error.message);
  }
  const patient = await service.fetch("/api/v1/tasks/patient/$execute", { json: {} });
  assertEquals((await jsonOf(patient)).result, { done: true });
  const submitted = await service.fetch("/api/v1/tasks/slow_job/$submit", { json: {} });
  assertEquals((await service.wait((await jsonOf(submitted)).id)).status, "completed");
});

test("concurrency refuses executions beyond it, and nothing else", async () => {
  const registry = new TaskRegistry();
  let begun = Promise.withResolvers<void>();
  let release = Promise.withResolvers<void>();
  registry.register("hold", {
    params: v.object({ fail: v.optional(v.boolean(), false) }),
    run: async ({ fail }) => {
      begun.resolve();
      await release.promise;
      if (fail) throw new Error("no");
    },
  });
  registry.register("quick", { run: () => ({ done: true }) });
  const made = new ServiceBuilder({ displayName: "Few", signals: false })
    .withTasks({ registry })
    .withJobs()
    .withHealth()
    .withLimits({ concurrency: 1 });
  await using service = await TestService.start(made);
  const quick = () => service.fetch("/api/v1/tasks/quick/$execute", { json: {} });
  for (const fail of [false, true]) {
    begun = Promise.withResolvers();
    release = Promise.withResolvers();
    const held = service.fetch("/api/v1/tasks/hold/$execute", { json: { params: { fail } } });
    await begun.promise;
    const refused = await quick();
    assertEquals([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    assertEquals((await jsonOf(refused)).type, "urn:taskmount:error:too-busy");
    for (const path of ["/health", "/api/v1/tasks", "/api/v1/jobs"]) {
      assertEquals((await service.fetch(path)).status, 200, path);
    }
    const submitted = await service.fetch("/api/v1/tasks/quick/$submit", { json: {} });
    assertEquals(submitted.status, 202);
    release.resolve();
    assertEquals((await held).status, 200);
    assertEquals((await quick()).status, 200);
  }
});

test("of a thousand executions at once none beyond concurrency runs, and each place comes back", async () => {
  const registry = new TaskRegistry();
  let running = 0;
  let most = 0;
  registry.register("count", {
    run: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    },
  });
  const made = new ServiceBuilder({ displayName: "Many", signals: false })
    .withTasks({ registry })
    .withLimits({ concurrency: 5 });
  await using service = await TestService.start(made);
  const execute = () => service.fetch("/api/v1/tasks/count/$execute", { json: {} });
  const statuses = (await Promise.all(Array.from({ length: 1_000 }, execute))).map(
    ({ status }) => status,
  );
  assertEquals(most, 5);
  assertEquals(new Set(statuses), new Set([200, 503]));
  for (let count = 0; count < 10; count++) assertEquals((await execute()).status, 200);
});

test("maxBody holds for what is executed, submitted, and changed in bulk", async () => {
  await using service = await TestService.start(builder({ maxBody: 50 }).withJobs());
  const text = "x".repeat(50);
  for (const path of [EXECUTE, "/api/v1/tasks/greet/$submit"]) {
    const response = await service.fetch(path, { json: { params: { text } } });
    assertEquals(response.status, 413, path);
    assertEquals((await service.fetch(path, { json: { params: {} } })).status < 300, true, path);
  }
  const retry = await service.fetch("/api/v1/jobs/$retry", { json: { task: text } });
  assertEquals(retry.status, 413);
});

test("a body that comes byte by byte is let go of in time, with its connection", async () => {
  await using served = new Served(builder({ bodyTimeout: 0.3 }).withJobs());
  await served.service.start();
  for (const path of [EXECUTE, "/api/v1/tasks/greet/$submit", "/api/v1/jobs/$retry"]) {
    for (const framing of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
      const { promise, resolve } = Promise.withResolvers<void>();
      let answer = "";
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: served.server.port ?? 0,
        socket: {
          data: (_socket, data) => {
            answer += data.toString();
          },
          close: () => resolve(),
          error: () => resolve(),
        },
      });
      const byte = framing.startsWith("Content") ? " " : "1\r\n \r\n";
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`,
      );
      const dripping = setInterval(() => socket.write(byte), 20);
      await promise;
      clearInterval(dripping);
      assert(answer.startsWith("HTTP/1.1 408 "), `${path} ${framing}: ${answer}`);
      assert(answer.includes("urn:taskmount:error:request-timeout"), answer);
    }
  }
});

test("build() names every mistake of the limits with all others", () => {
  const rate = { requests: 0, seconds: 60, by: "principal" } as const;
  const limits = { maxBody: 0, rate, cors: { origins: "*", credentials: true } } as const;
  const wrong = new ServiceBuilder({ displayName: "Wrong", id: "a b" })
    .withLimits(limits)
    .withJobs({ maxConcurrent: -1 } as object);
  const { reasons } = assertThrows(() => wrong.build(), ServiceConfigurationError);
  for (const part of ["a b", "maxBody", "rate.requests", "add withAuth()", "credentials"]) {
    assert(
      reasons.some((reason) => reason.includes(part)),
      `${part} is not in ${reasons.join("\n")}`,
    );
  }
});
