import { test } from "bun:test";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  Database,
  type Health,
  type HealthCheck,
  type HealthOptions,
  type Service,
  ServiceBuilder,
  ServiceConfigurationError,
  TaskRegistry,
} from "../../lib/mod.ts";

async function health(
  checks: Record<string, HealthCheck>,
  database = Database.sqlite(":memory:"),
): Promise<{ status: number; text: string }> {
  await using service = new ServiceBuilder({ displayName: "Health" })
    .withDatabase(database)
    .withHealth({ checks })
    .build();
  await service.start({ signals: false });
  const response = await service.fetch(new Request("http://localhost/health"));
  return { status: response.status, text: await response.text() };
}

test("GET /health looks at the database by itself", async () => {
  assertEquals(await health({}), {
    status: 200,
    text: '{"status":"healthy","checks":{"database":{"state":"healthy","message":null}}}',
  });
});

test("GET /health answers with the worst state, and every check's message", async () => {
  const { status, text } = await health({
    disk: async () => ({ state: "degraded", message: "90 % full" }),
    queue: () => ({ state: "healthy" }),
  });
  assertEquals(status, 200);
  assertEquals(JSON.parse(text), {
    status: "degraded",
    checks: {
      database: { state: "healthy", message: null },
      disk: { state: "degraded", message: "90 % full" },
      queue: { state: "healthy", message: null },
    },
  });
});

test("GET /health is 503 where a check is unhealthy or throws", async () => {
  const { status, text } = await health({
    mail: () => {
      throw new Error("no route to host");
    },
  });
  assertEquals(status, 503);
  assertEquals(JSON.parse(text).checks.mail, { state: "unhealthy", message: "no route to host" });
});

test("GET /health is 503 where the database fails", async () => {
  const database = Database.sqlite(":memory:");
  await using service = new ServiceBuilder({ displayName: "Health" })
    .withDatabase(database)
    .withHealth()
    .build();
  await service.start({ signals: false });
  await database.close();
  const response = await service.fetch(new Request("http://localhost/health"));
  assertEquals(response.status, 503);
  assertStringIncludes(await response.text(), '"database":{"state":"unhealthy"');
});

test("GET /health takes an odd answer of a check for unhealthy", async () => {
  const odd = { state: "splendid" } as unknown as Health;
  const { status, text } = await health({
    odd: () => odd,
    thrown: () => {
      throw Object.create(null);
    },
  });
  assertEquals(status, 503);
  const { checks } = JSON.parse(text);
  assertEquals(checks.odd, { state: "unhealthy", message: 'there is no state "splendid"' });
  assertEquals(checks.thrown, { state: "unhealthy", message: "the check failed" });
});

function build(health: HealthOptions = {}): ServiceBuilder {
  return new ServiceBuilder({ displayName: "Health", signals: false }).withHealth(health);
}

async function get(service: Service, path: string): Promise<{ status: number; body: unknown }> {
  const response = await service.fetch(new Request(`http://localhost${path}`));
  return { status: response.status, body: await response.json() };
}

/** The messages of an event stream, as its client sees them. */
async function* messages(service: Service): AsyncGenerator<string> {
  const response = await service.fetch(new Request("http://localhost/health/$stream"));
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk);
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 2);
    }
  }
}

test("a check that takes too long is unhealthy, and is told", async () => {
  const told = Promise.withResolvers<unknown>();
  await using service = build({
    timeout: 0.01,
    checks: {
      slow: ({ signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        return new Promise(() => {});
      },
    },
  }).build();
  const { status, body } = await get(service, "/health");
  assertEquals(status, 503);
  assertEquals(body, {
    status: "unhealthy",
    checks: {
      database: { state: "healthy", message: null },
      slow: { state: "unhealthy", message: "no answer within 0.01 seconds" },
    },
  });
  assertEquals(String(await told.promise), "Error: no answer within 0.01 seconds");
});

test("however many ask at once, a check runs once", async () => {
  let runs = 0;
  const gate = Promise.withResolvers<Health>();
  await using service = build({
    checks: {
      counted: () => {
        runs += 1;
        return gate.promise;
      },
    },
  }).build();
  await service.start();
  const asked = Array.from({ length: 100 }, () => get(service, "/health"));
  gate.resolve({ state: "healthy" });
  assertEquals(new Set((await Promise.all(asked)).map(({ status }) => status)), new Set([200]));
  assertEquals(runs, 1);
  await get(service, "/health");
  assertEquals(runs, 2);
});

test("GET /health/live answers whatever the service depends on, and starts nothing", async () => {
  let starts = 0;
  await using service = build({ checks: { mail: () => ({ state: "unhealthy" }) } })
    .onStartup(() => {
      starts += 1;
      throw new Error("no");
    })
    .build();
  assertEquals(await get(service, "/health/live"), { status: 200, body: { status: "healthy" } });
  assertEquals(starts, 0);
});

test("GET /health and /health/ready say that a service could not start, and recover", async () => {
  let failing = true;
  await using service = build()
    .onStartup(() => {
      if (failing) throw new RangeError("no model");
    })
    .build();
  for (const path of ["/health", "/health/ready"]) {
    assertEquals(await get(service, path), {
      status: 503,
      body: {
        status: "unhealthy",
        checks: {
          service: { state: "unhealthy", message: "it could not start: no model" },
          database: { state: "healthy", message: null },
        },
      },
    });
  }
  failing = false;
  assertEquals((await get(service, "/health/ready")).status, 200);
});

test("while a service stops it is alive, but not ready", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const registry = new TaskRegistry();
  registry.register("wait", {
    run: async () => {
      begun.resolve();
      await gate.promise;
    },
  });
  const service = build().withTasks({ registry }).build();
  const post = new Request("http://localhost/api/v1/tasks/wait/$execute", { method: "POST" });
  const running = service.fetch(post);
  await begun.promise;
  assertEquals((await get(service, "/health/ready")).status, 200);
  const stopped = service.stop();
  const ready = await service.fetch(new Request("http://localhost/health/ready"));
  assertEquals([ready.status, ready.headers.get("retry-after")], [503, "1"]);
  assertStringIncludes(
    await ready.text(),
    '"service":{"state":"unhealthy","message":"it is stopping"}',
  );
  assertEquals((await get(service, "/health/live")).status, 200);
  gate.resolve();
  assertEquals((await running).status, 200);
  await stopped;
  assertEquals((await get(service, "/health/ready")).status, 503);
});

test("GET /health/$stream tells what /health says, and again when that changes", async () => {
  let state: Health["state"] = "healthy";
  await using service = build({
    interval: 0.005,
    checks: { queue: () => ({ state }) },
  }).build();
  const stream = messages(service);
  const next = async () => JSON.parse(((await stream.next()).value ?? "").replace("data:", ""));
  assertEquals((await next()).status, "healthy");
  state = "degraded";
  assertEquals((await next()).checks.queue, { state: "degraded", message: null });
  state = "unhealthy";
  assertEquals((await next()).status, "unhealthy");
  await stream.return(undefined);
});

test("GET /health/$stream ends when the service stops, and says when to come again", async () => {
  const service = build({ interval: 3_600 }).build();
  const stream = messages(service);
  assertStringIncludes((await stream.next()).value ?? "", '"status":"healthy"');
  const stopped = service.stop();
  assertStringIncludes((await stream.next()).value ?? "", "it is stopping");
  assertEquals((await stream.next()).value, "retry:1000");
  assertEquals((await stream.next()).done, true);
  await stopped;
});

test("those who follow share their looks", async () => {
  let runs = 0;
  let state: Health["state"] = "healthy";
  await using service = build({
    interval: 0.05,
    checks: {
      counted: () => {
        runs += 1;
        return { state };
      },
    },
  }).build();
  const streams = Array.from({ length: 20 }, () => messages(service));
  for (const stream of streams) await stream.next();
  const before = runs;
  state = "degraded";
  for (const stream of streams) {
    assertStringIncludes((await stream.next()).value ?? "", '"degraded"');
    await stream.return(undefined);
  }
  // One after the other they would be twenty.
  assert(runs - before < 10, `${runs - before} runs`);
});

test("withHealth() refuses names of its own, and times that can't be waited for", () => {
  for (const name of ["database", "service"]) {
    const builder = build({ checks: { [name]: () => ({ state: "healthy" }) } });
    assertThrows(() => builder.build(), ServiceConfigurationError, `health check "${name}"`);
  }
  for (const seconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    for (const option of ["timeout", "interval"]) {
      const builder = build({ [option]: seconds });
      assertThrows(() => builder.build(), ServiceConfigurationError, `${seconds} as ${option}`);
    }
  }
});
