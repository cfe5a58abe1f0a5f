import { setDefaultTimeout, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  Database,
  ExecutorStoppedError,
  runShell,
  ServiceBuilder,
  ServiceStoppedError,
  Session,
  ShutdownTimeoutError,
  shell,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { isAlive } from "../shell/processes.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const quiet = { displayName: "Quiet", signals: false };

function request(path: string, init?: RequestInit): Request {
  return new Request(`http://localhost${path}`, init);
}

/** A registry with a task that runs until it is let go, or aborted. */
function gated() {
  const registry = new TaskRegistry();
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  registry.register("wait", {
    inject: [TaskContext, Session],
    run: async (_params, { signal }) => {
      started.resolve();
      signal.addEventListener("abort", () => gate.resolve());
      await gate.promise;
      return { aborted: signal.aborted };
    },
  });
  return { registry, started: started.promise, letGo: gate.resolve };
}

test("fetch is an own property, and needs no this", async () => {
  await using service = new ServiceBuilder(quiet).withHealth().build();
  assertEquals(Object.keys(service), ["fetch"]);
  const { fetch } = { ...service };
  assertEquals((await fetch(request("/health"))).status, 200);
});

test("Bun.serve() takes a service whole and spread", async () => {
  await using service = new ServiceBuilder(quiet).withHealth().build();
  for (const options of [{ ...service, port: 0 }, Object.assign(service, { port: 0 })]) {
    await using server = Bun.serve(options);
    assertEquals((await fetch(new URL("/health", server.url))).status, 200);
  }
});

test("start() runs the start-up hooks once, in order, after the migrations", async () => {
  const calls: string[] = [];
  const builder = new ServiceBuilder(quiet)
    .onStartup(async ({ database }) => {
      const tables = await database
        .kysely<{ sqlite_master: { name: string } }>()
        .selectFrom("sqlite_master")
        .select("name")
        .where("name", "=", "taskmount_migration")
        .execute();
      calls.push(`first, ${tables.length} table`);
    })
    .onStartup(() => {
      calls.push("second");
    });
  await using service = builder.build();
  await Promise.all([service.start(), service.start(), service.fetch(request("/"))]);
  await service.start();
  assertEquals(calls, ["first, 1 table", "second"]);
});

test("the first request starts the service where nobody has", async () => {
  let starts = 0;
  await using service = new ServiceBuilder(quiet)
    .withHealth()
    .onStartup(() => {
      starts += 1;
    })
    .build();
  const answers = await Promise.all([1, 2, 3].map(() => service.fetch(request("/health"))));
  assertEquals(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  assertEquals(starts, 1);
});

test("a start that fails answers 503 and is tried again by the next request", async () => {
  let starts = 0;
  await using service = new ServiceBuilder(quiet)
    .withHealth()
    .onStartup(() => {
      starts += 1;
      if (starts === 1) throw new Error("not yet");
    })
    .build();
  const failed = await service.fetch(request("/api/v1/info"));
  assertEquals([failed.status, failed.headers.get("retry-after")], [503, "1"]);
  assertEquals((await service.fetch(request("/api/v1/info"))).status, 200);
});

test("start() rejects with what its hook throws", async () => {
  await using service = new ServiceBuilder(quiet)
    .onStartup(() => {
      throw new RangeError("no");
    })
    .build();
  await assertRejects(() => service.start(), RangeError, "no");
});

test("stop() lets running work finish, and refuses new requests meanwhile", async () => {
  const { registry, started, letGo } = gated();
  const service = new ServiceBuilder(quiet).withTasks({ registry }).withHealth().build();
  const running = service.fetch(request("/api/v1/tasks/wait/$execute", { method: "POST" }));
  await started;
  const stopped = service.stop();
  const refused = await service.fetch(request("/api/v1/info"));
  assertEquals(refused.status, 503);
  assertEquals(refused.headers.get("retry-after"), "1");
  assertEquals(refused.headers.get("content-type"), "application/problem+json");
  letGo();
  const answer = await running;
  await stopped;
  assertEquals(
    await answer.text(),
    '{"task_name":"wait","params":{},"result":{"aborted":false},"error":null}',
  );
});

test("stop({ grace }) aborts what is still running after its grace", async () => {
  const { registry, started } = gated();
  const service = new ServiceBuilder(quiet).withTasks({ registry }).build();
  const running = service.fetch(request("/api/v1/tasks/wait/$execute", { method: "POST" }));
  await started;
  await service.stop({ grace: 0.01, abortGrace: 0.01 });
  assertEquals((await running).status, 503);
});

test("stop() runs the shutdown hooks in reverse order while the database is open, then closes it", async () => {
  const calls: string[] = [];
  const database = Database.sqlite(":memory:");
  const service = new ServiceBuilder(quiet)
    .withDatabase(database)
    .onShutdown(() => {
      calls.push("first");
    })
    .onShutdown(async (service) => {
      await service.database.transaction(async () => {});
      calls.push("second");
    })
    .build();
  await service.start();
  await Promise.all([service.stop(), service.stop()]);
  assertEquals(calls, ["second", "first"]);
  await assertRejects(() => database.transaction(() => {}), Error, "closed");
});

test("stop() closes everything although a hook throws, then rejects with that", async () => {
  const database = Database.sqlite(":memory:");
  const service = new ServiceBuilder(quiet)
    .withDatabase(database)
    .onShutdown(() => {
      throw new RangeError("stuck");
    })
    .build();
  await service.start();
  await assertRejects(() => service.stop(), RangeError, "stuck");
  await assertRejects(() => database.transaction(() => {}), Error, "closed");
});

test("a service that never started runs no shutdown hook", async () => {
  let calls = 0;
  const service = new ServiceBuilder(quiet)
    .onShutdown(() => {
      calls += 1;
    })
    .build();
  await service.stop();
  assertEquals(calls, 0);
});

test("a stopped service can't start or execute again", async () => {
  const registry = new TaskRegistry();
  registry.register("idle", { run: () => {} });
  const service = new ServiceBuilder(quiet).withTasks({ registry }).build();
  await service.start();
  await service.stop();
  await assertRejects(() => service.start(), ServiceStoppedError);
  await assertRejects(() => service.executor.execute("idle"), ExecutorStoppedError);
});

test("await using stops a service", async () => {
  let stopped = false;
  {
    await using service = new ServiceBuilder(quiet)
      .onShutdown(() => {
        stopped = true;
      })
      .build();
    await service.start();
  }
  assertStrictEquals(stopped, true);
});

test("services of one evaluation never touch each other, also under one id", async () => {
  await using first = new ServiceBuilder({ ...quiet, id: "same" }).withHealth().build();
  await using second = new ServiceBuilder({ ...quiet, id: "same" }).withHealth().build();
  await first.start();
  await second.start();
  assertEquals((await first.fetch(request("/health"))).status, 200);
});

test("stop() gives an aborted task the time to end the command that it runs", async () => {
  const registry = new TaskRegistry();
  const pid = Promise.withResolvers<number>();
  registry.register("sleep", {
    inject: [TaskContext],
    run: async (_params, { signal }) => {
      const file = join(tmpdir(), `taskmount-${crypto.randomUUID()}`);
      const running = runShell(shell`mkfifo ${file}; sleep 1000 & echo $! > ${file}; wait`, {
        signal,
      });
      // Opening it waits for the command to open it too.
      while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
      pid.resolve(Number(await Bun.file(file).text()));
      rmSync(file);
      return await running;
    },
  });
  const service = new ServiceBuilder(quiet).withTasks({ registry }).build();
  const answer = service.fetch(request("/api/v1/tasks/sleep/$execute", { method: "POST" }));
  const sleeper = await pid.promise;
  await service.stop({ grace: 0 });
  assertEquals((await answer).status, 503);
  assertEquals(isAlive(sleeper), false);
});

test("stop() waits no longer than its grace for a start-up hook that hangs", async () => {
  const calls: string[] = [];
  const service = new ServiceBuilder(quiet)
    .onStartup(() => new Promise<void>(() => {}))
    .onShutdown(() => {
      calls.push("closed");
    })
    .build();
  void service.start();
  await service.stop({ grace: 0.01 });
  assertEquals(calls, ["closed"]);
});

test("stop() waits no longer than its grace for a shutdown hook that hangs, and says so", async () => {
  const database = Database.sqlite(":memory:");
  const service = new ServiceBuilder(quiet)
    .withDatabase(database)
    .onShutdown(() => new Promise<void>(() => {}))
    .build();
  await service.start();
  await assertRejects(() => service.stop({ grace: 0.01 }), ShutdownTimeoutError);
  await assertRejects(() => database.transaction(() => {}), Error, "closed");
});

test("what the hooks of a failed start have opened is closed by stop()", async () => {
  const calls: string[] = [];
  const service = new ServiceBuilder(quiet)
    .onStartup(() => {
      calls.push("open");
    })
    .onStartup(() => {
      throw new Error("no");
    })
    .onShutdown(() => {
      calls.push("close");
    })
    .build();
  await assertRejects(() => service.start(), Error, "no");
  await service.stop();
  assertEquals(calls, ["open", "close"]);
});

test("$execute lifts the server's idle time-out once it has the body", async () => {
  const registry = new TaskRegistry();
  const seen: unknown[] = [];
  registry.register("idle", {
    run: () => {
      seen.push("run");
    },
  });
  await using service = new ServiceBuilder(quiet).withTasks({ registry }).build();
  const sent = request("/api/v1/tasks/idle/$execute", { method: "POST" });
  await service.fetch(sent, {
    requestIP: () => null,
    timeout: (timed, seconds) => {
      seen.push(timed === sent, seconds);
    },
    stop: async () => {},
  });
  assertEquals(seen, [true, 0, "run"]);
});
