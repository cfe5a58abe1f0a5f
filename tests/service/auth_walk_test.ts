import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { assert, assertEquals } from "@std/assert";
import {
  Database,
  type Handler,
  type Service,
  ServiceBuilder,
  TaskContext,
  TaskExecutor,
  TaskRegistry,
  TaskRouter,
} from "../../lib/mod.ts";
import { oddSpellings } from "./odd_spellings.ts";

// Thousands of requests take their time where the machine is busy.
setDefaultTimeout(60_000);

const ALL = "a-key-of-everything";
/** Answers without a key, and with it. */
const OPEN = Symbol("open");
/** Takes any key. */
const ANY = null;

/** What each route takes. Whoever adds a route says here what it is to be. */
const DECLARED: Readonly<Record<string, string | typeof ANY | typeof OPEN>> = {
  "GET /api/v1/info": "system:read",
  "GET /health": OPEN,
  "GET /health/live": OPEN,
  "GET /health/ready": OPEN,
  "GET /health/$stream": "system:read",
  "GET /api/v1/tasks": "tasks:read",
  "GET /api/v1/tasks/{name}": "tasks:read",
  "POST /api/v1/tasks/{name}/$execute": "tasks:execute:greet",
  "POST /api/v1/tasks/{name}/$submit": "tasks:submit:greet",
  "GET /api/v1/jobs": "jobs:read",
  "POST /api/v1/jobs/$retry": "jobs:write",
  "POST /api/v1/jobs/$delete": "jobs:write",
  "GET /api/v1/jobs/{id}": "jobs:read",
  "DELETE /api/v1/jobs/{id}": "jobs:write",
  "POST /api/v1/jobs/{id}/$cancel": "jobs:write",
  "POST /api/v1/jobs/{id}/$retry": "jobs:write",
  "GET /api/v1/jobs/{id}/$logs": "jobs:read",
  "GET /api/v1/jobs/{id}/$stream": "jobs:read",
  "GET /api/v1/schedules": "jobs:read",
  "GET /api/v1/schedules/{name}": "jobs:read",
  "POST /api/v1/schedules/{name}/$pause": "jobs:write",
  "POST /api/v1/schedules/{name}/$resume": "jobs:write",
  "POST /api/v1/schedules/{name}/$run": "jobs:write",
  "GET /api/v1/artifacts": "artifacts:read",
  "POST /api/v1/artifacts": "artifacts:write",
  "GET /api/v1/artifacts/$schema": "artifacts:read",
  "GET /api/v1/artifacts/$stats": "artifacts:read",
  "GET /api/v1/artifacts/{id}": "artifacts:read",
  "PUT /api/v1/artifacts/{id}": "artifacts:write",
  "DELETE /api/v1/artifacts/{id}": "artifacts:write",
  "GET /api/v1/artifacts/{id}/$expand": "artifacts:read",
  "GET /api/v1/artifacts/{id}/$tree": "artifacts:read",
  "GET /api/v1/artifacts/{id}/$metadata": "artifacts:read",
  "GET /api/v1/artifacts/{id}/$download": "artifacts:read",
  "GET /own/tasks": "tasks:read",
  "GET /own/tasks/{name}": "tasks:read",
  "POST /own/tasks/{name}/$execute": "tasks:execute:greet",
  "GET /own/report": ANY,
  "PUT /own/report/{name}": "reports:write:greet",
  // The handlers that are mounted are no routes.
  "GET /mounted/x": ANY,
  "GET /secret/x": "secrets:read",
};

/** Every scope that there is, and some that are like one. */
const SCOPES = [
  ...["tasks:read", "tasks:execute", "tasks:execute:greet", "tasks:execute:other"],
  ...["tasks:submit", "tasks:submit:greet", "tasks:submit:other"],
  ...["jobs:read", "jobs:write", "artifacts:read", "artifacts:write", "system:read"],
  ...["metrics:read", "reports:write", "reports:write:gree", "secrets:read", "secrets"],
];

/** The headers of who has one scope alone. */
function only(scope: string): Record<string, string> {
  return { "x-api-key": `only-${scope}` };
}

let service: Service;
/** What was reached behind the guard: by a task, a job or a handler of the user's. */
let reached: string[];

beforeAll(async () => {
  const registry = new TaskRegistry();
  registry.register("greet", {
    inject: [TaskContext],
    run: (_params, { jobId }) => {
      // A job that was rightly submitted runs when others are asked for.
      if (jobId === null) reached.push("the task");
      return {};
    },
  });
  const executor = new TaskExecutor({ registry, database: Database.sqlite(":memory:") });
  const own = TaskRouter.create({ executor, prefix: "/own/tasks" });
  const report = () => {
    reached.push("the report");
    return new Response("report");
  };
  own.add("GET", "/own/report", report);
  own.add("PUT", "/own/report/{name}", report, { scope: ({ name }) => `reports:write:${name}` });
  const handler =
    (what: string): Handler =>
    () => {
      reached.push(what);
      return new Response(what);
    };
  service = new ServiceBuilder({ displayName: "Walk", signals: false })
    .withTasks({ registry })
    .withJobs()
    .withArtifacts()
    .withHealth()
    .withAuth({
      keys: [
        { name: "all", key: ALL, scopes: ["*"] },
        ...SCOPES.map((scope) => ({
          name: `only ${scope}`,
          key: `only-${scope}`,
          scopes: [scope],
        })),
      ],
      publicPaths: ["/public/*", "/welcome"],
    })
    .include(own)
    .include({ prefix: "/mounted", fetch: handler("what is mounted") })
    .include({ prefix: "/secret", fetch: handler("the secret"), scope: "secrets:read" })
    .include({ prefix: "/", fetch: careless })
    .build();
  await service.start();
  await service.scheduler.cron("greet", "0 0 1 1 *", "greet");
});

afterAll(async () => {
  await service.stop();
});

/** A handler that makes of a path what it likes: it decodes all of it, twice, and goes up. */
const careless: Handler = ({ url }) => {
  let { pathname } = new URL(url);
  for (let turn = 0; turn < 2; turn++) {
    try {
      pathname = decodeURIComponent(pathname);
    } catch {
      return new Response("not found", { status: 404 });
    }
  }
  pathname = pathname.replaceAll("\\", "/").replaceAll(/;[^/]*/g, "");
  const found = new URL(`http://localhost/${pathname.replace(/^\/+/, "")}`).pathname;
  if (found.startsWith("/public/")) return new Response("for everybody");
  reached.push(`what is at ${found}`);
  return new Response("not for everybody");
};

async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  reached = [];
  const json = method === "POST" || method === "PUT";
  return await service.fetch(
    new Request(new URL(path, "http://localhost").href, {
      method,
      headers: json ? { "content-type": "application/json", ...headers } : headers,
      body: json ? "{}" : null,
    }),
  );
}

/** The status of an answer, and what its document says it is; a stream is let go of. */
async function told(response: Response): Promise<{ status: number; type: string; text: string }> {
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream) await response.body?.cancel();
  const text = isStream ? "" : await response.text();
  const type = /"type":"urn:taskmount:error:([^"]*)"/.exec(text)?.[1] ?? "";
  return { status: response.status, type, text };
}

/** A path that a pattern fits: of a task that is there, and a job or artifact that is not. */
function pathOf(pattern: string): string {
  return pattern.replace("{name}", "greet").replace("{id}", "01JABCDEFGHJKMNPQRSTVWXYZ0");
}

function routes(): (readonly [route: string, method: string, path: string])[] {
  return Object.keys(DECLARED).map((route) => {
    const [method = "", pattern = ""] = route.split(" ");
    return [route, method, pathOf(pattern)] as const;
  });
}

/** Whether who has `held` alone may do what takes `declared`. */
function mayPass(held: string, declared: string | typeof ANY | typeof OPEN): boolean {
  if (typeof declared !== "string" || held === declared) return true;
  // Written out, and not worked out as the guard does.
  const wider: Readonly<Record<string, string>> = {
    "tasks:execute:greet": "tasks:execute",
    "tasks:submit:greet": "tasks:submit",
    "reports:write:greet": "reports:write",
  };
  return wider[declared] === held;
}

async function assertRefused(response: Response, what: string): Promise<void> {
  const { status, type, text } = await told(response);
  assertEquals([status, type], [401, "unauthenticated"], what);
  assert(response.headers.get("www-authenticate")?.startsWith("Bearer "), what);
  assert(response.headers.get("allow") === null, what);
  // Whatever the path, the refusal is the same but for its instance.
  const { instance: _, ...rest } = JSON.parse(text);
  assertEquals(Object.keys(rest), ["type", "title", "status", "detail"], what);
  assertEquals(reached, [], what);
}

test("every route says what it takes, and is declared here as such", () => {
  const mounted = ["GET /mounted/x", "GET /secret/x"];
  const declared = Object.entries(DECLARED).filter(([route]) => !mounted.includes(route));
  const found = service.router.routes.map(({ method, pattern, scope, open }) => {
    const taken = typeof scope === "function" ? scope({ name: "greet" }) : scope;
    return [`${method} ${pattern}`, open ? OPEN : taken] as const;
  });
  assertEquals(
    new Map(found.map(([route, taken]) => [route, String(taken)])),
    new Map(declared.map(([route, taken]) => [route, String(taken)])),
  );
});

test("the service that is walked has everything that there is to be had", () => {
  const parts = Object.getOwnPropertyNames(ServiceBuilder.prototype);
  // Whoever adds one mounts it above too, where it has routes, and declares them.
  assertEquals(parts.filter((name) => name.startsWith("with")).sort(), [
    "withArtifacts",
    "withAuth",
    "withDatabase",
    "withHealth",
    "withJobs",
    "withTasks",
  ]);
});

test("without a key, or with a wrong one, every route is 401, by every method", async () => {
  const sent: Record<string, string>[] = [
    {},
    { "x-api-key": "wrong" },
    { "x-api-key": "" },
    { "x-api-key": `${ALL} x` },
    { "x-api-key": ALL.slice(0, -1) },
    { "x-api-key": ALL.toUpperCase() },
    { authorization: "Bearer wrong" },
    { authorization: "Bearer" },
    { authorization: `Basic ${btoa(`all:${ALL}`)}` },
    { authorization: ALL },
    { cookie: `x-api-key=${ALL}; authorization=Bearer ${ALL}` },
    { "x-http-method-override": "GET", "x-original-url": "/health", "x-rewrite-url": "/health" },
  ];
  for (const [route, own, path] of routes()) {
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"]) {
      const isOpen = DECLARED[route] === OPEN && (method === own || method === "HEAD");
      for (const headers of sent) {
        const what = `${method} ${path} with ${JSON.stringify(headers)}`;
        const response = await send(method, path, headers);
        if (method === "HEAD") {
          assertEquals(response.status, isOpen ? 200 : 401, what);
        } else if (isOpen) {
          assertEquals(await told(response), {
            status: 200,
            type: "",
            text: '{"status":"healthy"}',
          });
        } else {
          await assertRefused(response, what);
        }
      }
    }
  }
});

test("a key in the query, or in the path, is no key", async () => {
  for (const [route, method, path] of routes()) {
    if (DECLARED[route] === OPEN) continue;
    const queries = ["api_key", "apikey", "key", "x-api-key", "access_token", "token"];
    for (const query of queries) {
      await assertRefused(await send(method, `${path}?${query}=${ALL}`), query);
      const response = await send(method, `${path}?${query}=${ALL}`);
      assert(!(await response.text()).includes(ALL));
    }
    await assertRefused(await send(method, `/${ALL}${path}`), path);
  }
});

test("without a key what is nowhere is as what is somewhere", async () => {
  for (const path of ["/", "/nowhere", "/api", "/api/v1/tasks/nobody", "/health/", "/health/x"]) {
    for (const method of ["GET", "POST", "OPTIONS"]) {
      await assertRefused(await send(method, path), `${method} ${path}`);
    }
  }
  assertEquals((await told(await send("GET", "/api/v1/jobs/x", { "x-api-key": ALL }))).status, 400);
});

test("each scope alone opens what it is for, and nothing else", async () => {
  let passed = 0;
  for (const [route, method, path] of routes()) {
    const declared = DECLARED[route] ?? ANY;
    for (const scope of SCOPES) {
      const what = `${route} with ${scope} alone`;
      const response = await send(method, path, only(scope));
      const { status, type } = await told(response);
      if (mayPass(scope, declared)) {
        passed += 1;
        assert(status !== 401 && status !== 403, `${what}: ${status}`);
      } else {
        assertEquals([status, type], [403, "insufficient-scope"], what);
        const challenge = response.headers.get("www-authenticate");
        assert(
          challenge?.endsWith(`error="insufficient_scope", scope="${String(declared)}"`),
          what,
        );
        assertEquals(reached, [], what);
      }
    }
    const { status } = await told(await send(method, path, { authorization: `Bearer ${ALL}` }));
    assert(status !== 401 && status !== 403, `${route} with all scopes: ${status}`);
  }
  assert(passed > SCOPES.length, "nothing passed, so nothing was shown");
});

test("no odd spelling of a path opens it, or anything else, without a key", async () => {
  let refused = 0;
  for (const [route, method, path] of routes()) {
    for (const [attempt, spelling] of oddSpellings(path)) {
      const what = `${method} ${spelling} (${attempt})`;
      const response = await send(method, spelling);
      if (response.status === 200) {
        const { text } = await told(response);
        // These may be reached; more of them than this, not.
        const harmless = DECLARED[route] === OPEN ? '{"status":"healthy"}' : "for everybody";
        assertEquals(text, harmless, what);
        assertEquals(reached, [], what);
      } else {
        refused += 1;
        await assertRefused(response, what);
      }
    }
  }
  assert(refused > 1_000);
});

test("an odd spelling takes the scope of where it leads", async () => {
  let reachedGreet = 0;
  for (const [route, method, path] of routes()) {
    const declared = DECLARED[route] ?? ANY;
    if (typeof declared !== "string") continue;
    for (const [attempt, spelling] of oddSpellings(path)) {
      const what = `${method} ${spelling} (${attempt})`;
      // Anything of the library's that is reached so was reached for want of a scope.
      const other = declared === "metrics:read" ? "system:read" : "metrics:read";
      const { status, text } = await told(await send(method, spelling, only(other)));
      const isCareless = text === "not for everybody" || text === "for everybody";
      assert(
        isCareless || status === 403 || status === 404 || status === 405,
        `${what}: ${status}`,
      );
      if (!isCareless) assertEquals(reached, [], what);
      // With the scope it is what it says, or nothing.
      await told(await send(method, spelling, only(declared)));
      if (reached.includes("the task")) reachedGreet += 1;
    }
  }
  assert(reachedGreet > 0, "no spelling leads anywhere, so nothing was shown");
});

test("a key for one task runs no other, however that is written", async () => {
  for (const path of ["/api/v1/tasks/greet/$execute", "/own/tasks/greet/$execute"]) {
    for (const [attempt, spelling] of oddSpellings(path)) {
      await told(await send("POST", spelling, only("tasks:execute:other")));
      assert(!reached.includes("the task"), `${spelling} (${attempt})`);
    }
  }
});

test("public paths are open, and what is beside them is not", async () => {
  for (const path of ["/public/a", "/public/a/b", "/public/", "/public/a?b", "/public/%61"]) {
    assertEquals((await told(await send("GET", path))).text, "for everybody", path);
  }
  assertEquals((await told(await send("GET", "/welcome"))).text, "not for everybody");
  for (const path of [
    "/public",
    "/publicx",
    "/Public/a",
    "/welcome/",
    "/welcome/x",
    "/x/public/a",
  ]) {
    await assertRefused(await send("GET", path), path);
  }
});

/** Sends a request as it stands, which `fetch` would tidy up, and gives all of the answer. */
async function sendRaw(port: number, head: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ port, host: "127.0.0.1" });
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    answer += text;
  });
  socket.on("error", reject);
  socket.on("close", () => resolve(answer));
  socket.write(`${head}\r\nConnection: close\r\n\r\n`, "latin1");
  return await promise;
}

test("no odd spelling opens anything behind a port, whatever the Host says", async () => {
  await using server = listen();
  const ways = [
    (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost`,
    (path: string) => `GET ${path} HTTP/1.1\r\nHost: a b`,
    (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost/health?`,
    (path: string) => `GET http://other.example${path} HTTP/1.1\r\nHost: localhost`,
    (path: string) => `GET http://localhost/health${path} HTTP/1.1\r\nHost: localhost/health#`,
  ];
  for (const path of ["/api/v1/info", "/api/v1/tasks/greet", "/own/report", "/secret/x"]) {
    for (const [attempt, spelling] of [["as it is", path] as const, ...oddSpellings(path)]) {
      for (const way of ways) {
        reached = [];
        const answer = await sendRaw(server.port, way(spelling));
        const status = Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1]);
        const isPublic = answer.endsWith("for everybody") && !answer.endsWith("not for everybody");
        // 400 and 505 are Bun's own, for what is no HTTP.
        assert(
          isPublic || [400, 401, 505].includes(status),
          `${way(spelling)} (${attempt}): ${answer}`,
        );
        assertEquals(reached, [], way(spelling));
      }
    }
  }
});

function listen(): { readonly port: number } & AsyncDisposable {
  const server = Bun.serve({ ...service, hostname: "127.0.0.1", port: 0 });
  const { port } = server;
  assert(port !== undefined);
  return { port, [Symbol.asyncDispose]: () => server.stop(true) };
}
