import { expectTypeOf, test } from "bun:test";
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { sql } from "kysely";
import * as v from "valibot";
import {
  Database,
  optional,
  Service,
  ServiceBuilder,
  ServiceConfigurationError,
  Session,
  TaskExecutor,
  TaskRegistry,
  TaskRouter,
  token,
} from "../../lib/mod.ts";

interface Clock {
  now(): number;
}
const Clock = token<Clock>("Clock");
class Counter {
  readonly start = 2;
}

function greeting(): TaskRegistry {
  const registry = new TaskRegistry();
  registry.register("greet", {
    params: v.object({ name: v.optional(v.string(), "World") }),
    run: ({ name }) => ({ message: `Hello, ${name}!` }),
  });
  return registry;
}

async function get(service: Service, path: string): Promise<{ status: number; body: unknown }> {
  const response = await service.fetch(new Request(`http://localhost${path}`));
  return { status: response.status, body: await response.json() };
}

test("a builder is immutable: each with… returns a new one", async () => {
  const bare = new ServiceBuilder({ displayName: "Immutable" });
  const healthy = bare.withHealth();
  await using without = bare.build();
  await using withHealth = healthy.build();
  assertEquals((await get(without, "/health")).status, 404);
  assertEquals((await get(withHealth, "/health")).status, 200);
});

test("build() makes a service whose parts are what its routes use", async () => {
  const registry = greeting();
  const database = Database.sqlite(":memory:");
  await using service = new ServiceBuilder({ displayName: "Parts" })
    .withDatabase(database)
    .withTasks({ registry })
    .build();
  assertInstanceOf(service, Service);
  assertInstanceOf(service.executor, TaskExecutor);
  assertEquals(service.database, database);
  assertEquals(service.executor.registry, registry);
  assertEquals(await service.executor.execute("greet"), { message: "Hello, World!" });
});

test("GET /api/v1/info tells who the service is", async () => {
  await using service = new ServiceBuilder({
    id: "demo",
    displayName: "Demo Service",
    version: "2.1.0",
    description: "Shows things.",
  }).build();
  assertEquals(await get(service, "/api/v1/info"), {
    status: 200,
    body: {
      id: "demo",
      display_name: "Demo Service",
      version: "2.1.0",
      description: "Shows things.",
    },
  });
});

test("the id is made of the display name where none is given", () => {
  assertEquals(
    new ServiceBuilder({ displayName: "My Task Service!" }).build().id,
    "my-task-service",
  );
});

test("withTasks() serves the default registry under /api/v1/tasks, or what it is given", async () => {
  await using service = new ServiceBuilder({ displayName: "Prefix" })
    .withTasks({ registry: greeting(), prefix: "/tools" })
    .build();
  const { status, body } = await get(service, "/tools/greet");
  assertEquals(status, 200);
  assertEquals((body as { name: string }).name, "greet");
});

test("withTasks({ traceback: false }) keeps stacks to itself", async () => {
  const registry = new TaskRegistry();
  registry.register("strict", { params: v.object({ n: v.number() }), run: () => {} });
  await using service = new ServiceBuilder({ displayName: "Quiet" })
    .withTasks({ registry, traceback: false })
    .build();
  const response = await service.fetch(
    new Request("http://localhost/api/v1/tasks/strict/$execute", { method: "POST" }),
  );
  const { error } = JSON.parse(await response.text());
  assertEquals([error.type, error.traceback], ["ValidationError", null]);
});

test("withTasks({ provide }) infers its factories and provides what they make", async () => {
  const registry = new TaskRegistry();
  registry.register("count", {
    inject: [Clock, Counter],
    run: (_params, clock, counter) => ({ sum: clock.now() + counter.start }),
  });
  const builder = new ServiceBuilder({ displayName: "Provide" }).withTasks({
    registry,
    provide: [
      [Clock, { create: () => ({ now: () => 40 }) }],
      [
        Counter,
        {
          inject: [Database, Session, optional(Clock)],
          scope: "execution",
          create: (database, session, clock) => {
            expectTypeOf(database).toEqualTypeOf<Database>();
            expectTypeOf(session).toEqualTypeOf<Session>();
            expectTypeOf(clock).toEqualTypeOf<Clock | undefined>();
            return new Counter();
          },
        },
      ],
    ],
  });
  await using service = builder.build();
  assertEquals(await service.executor.execute("count"), { sum: 42 });
  const refused = () => {
    // @ts-expect-error that is no Clock
    builder.withTasks({ provide: [[Clock, { create: () => ({ time: 1 }) }]] });
    // @ts-expect-error there is no such scope
    builder.withTasks({ provide: [[Clock, { scope: "app", create: () => ({ now: () => 1 }) }]] });
  };
  expectTypeOf(refused).toBeFunction();
});

test("include() adds another TaskRouter, and the base path holds for it too", async () => {
  const database = Database.sqlite(":memory:");
  const executor = new TaskExecutor({ registry: greeting(), database });
  await using service = new ServiceBuilder({ displayName: "Included", basePath: "/sub" })
    .withDatabase(database)
    .include(TaskRouter.create({ prefix: "/extra", executor }))
    .build();
  assertEquals((await get(service, "/extra/greet")).status, 200);
  assertEquals((await get(service, "/sub/extra/greet")).status, 200);
});

test("include() gives a fetch handler what is at and below its prefix", async () => {
  const seen: string[] = [];
  await using service = new ServiceBuilder({ displayName: "Handler" })
    .withHealth()
    .include({
      prefix: "/hooks",
      fetch: (request) => {
        seen.push(new URL(request.url).pathname);
        return new Response("taken", { status: 202 });
      },
    })
    .build();
  for (const path of ["/hooks", "/hooks/github/push"]) {
    const response = await service.fetch(new Request(`http://localhost${path}`));
    assertEquals([response.status, await response.text()], [202, "taken"]);
  }
  assertEquals((await get(service, "/hooksy")).status, 404);
  assertEquals(seen, ["/hooks", "/hooks/github/push"]);
});

test("an included handler that throws answers a bare 500 and is logged", async () => {
  await using service = new ServiceBuilder({ displayName: "Throws" })
    .include({
      prefix: "/broken",
      fetch: () => {
        throw new Error("secret");
      },
    })
    .build();
  const { status, body } = await get(service, "/broken");
  assertEquals(status, 500);
  assertEquals(JSON.stringify(body).includes("secret"), false);
});

test("an included handler that can't use the database answers 503", async () => {
  const database = Database.sqlite(":memory:");
  await using service = new ServiceBuilder({ displayName: "Frozen" })
    .withDatabase(database)
    .include({
      prefix: "/cities",
      fetch: async () => {
        await sql`create table cities (name text)`.execute(database.kysely());
        return new Response();
      },
    })
    .build();
  await service.start();
  await sql`pragma query_only = 1`.execute(database.kysely());
  const { status, body } = await get(service, "/cities");
  assertEquals(status, 503);
  assert(JSON.stringify(body).includes('"urn:taskmount:error:database-read-only"'));
});

test("build() names every mistake at once", () => {
  const database = Database.sqlite(":memory:");
  const executor = new TaskExecutor({ registry: new TaskRegistry(), database });
  const router = TaskRouter.create({ prefix: "/api/v1/tasks", executor });
  const error = assertThrows(
    () =>
      new ServiceBuilder({ id: "no spaces", displayName: "Wrong", basePath: "no-slash" })
        .withTasks({
          registry: new TaskRegistry(),
          provide: [
            [Clock, { create: () => ({ now: () => 1 }) }],
            [Clock, { create: () => ({ now: () => 2 }) }],
          ],
        })
        .withHealth({ checks: { database: () => ({ state: "healthy" }) } })
        .include(router)
        .include({ prefix: "/x", fetch: () => new Response() })
        .include({ prefix: "/x", fetch: () => new Response() })
        .include({ prefix: "y", fetch: () => new Response() })
        .build(),
    ServiceConfigurationError,
  );
  assertEquals(error.reasons.length, 7, error.message);
  for (const part of ["no spaces", "Clock", "no-slash", "database", "/api/v1/tasks", "/x", '"y"']) {
    assertEquals(error.message.includes(part), true, `${part} in: ${error.message}`);
  }
});
