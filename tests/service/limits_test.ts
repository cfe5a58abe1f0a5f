import { afterEach, setSystemTime, test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import {
  type LimitsOptions,
  type Service,
  ServiceBuilder,
  ServiceConfigurationError,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { TestService } from "../../lib/testing/mod.ts";
import { jsonOf } from "../tasks/test_router.ts";

afterEach(() => {
  setSystemTime();
});

const EXECUTE = "/api/v1/tasks/greet/$execute";

function builder(limits?: LimitsOptions): ServiceBuilder {
  const registry = new TaskRegistry();
  registry.register("greet", { run: () => ({ message: "Hello!" }) });
  const made = new ServiceBuilder({ displayName: "Limits", signals: false })
    .withTasks({ registry })
    .withHealth();
  return limits === undefined ? made : made.withLimits(limits);
}

/** A service behind a port. */
class Served implements AsyncDisposable {
  readonly service: Service;
  readonly server: Bun.Server<undefined>;

  constructor(built: ServiceBuilder, hostname = "127.0.0.1") {
    this.service = built.build();
    this.server = Bun.serve({ ...this.service, hostname, port: 0 });
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.server.port}${path}`, init);
  }

  /** The status, and of a problem its type. */
  async status(path: string, init?: RequestInit): Promise<string> {
    const response = await this.fetch(path, init);
    const type = /error:([a-z-]+)/.exec(await response.text())?.[1];
    return type === undefined ? String(response.status) : `${response.status} ${type}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service.stop();
    await this.server.stop(true);
  }
}

function post(headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers };
}

function host(name: string): RequestInit {
  return { headers: { host: name } };
}

function forwarded(value: string): RequestInit {
  return { headers: { "x-forwarded-for": value } };
}

// Host

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

// Time and number of executions

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

// Bodies

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
      assert(answer.includes("urn:taskmount:error:body-timeout"), answer);
    }
  }
});

// Rates

test("by address, requests beyond the rate are 429 and say when to come again; health goes on", async () => {
  await using served = new Served(builder({ rate: { requests: 2, seconds: 60 } }));
  const seen: (string | number | null)[][] = [];
  for (let count = 0; count < 3; count++) {
    const { status, headers } = await served.fetch("/api/v1/info");
    seen.push([status, headers.get("ratelimit"), headers.get("retry-after")]);
    assertEquals(headers.get("ratelimit-policy"), '"address";q=2;w=60');
  }
  assertEquals(seen, [
    [200, '"address";r=1;t=60', null],
    [200, '"address";r=0;t=60', null],
    [429, '"address";r=0;t=60', "60"],
  ]);
  for (const path of ["/nowhere", "/health/$stream", EXECUTE]) {
    assertEquals(await served.status(path), "429 too-many-requests", path);
  }
  for (const path of ["/health", "/health/live", "/health/ready"]) {
    const response = await served.fetch(path);
    assertEquals([response.status, response.headers.get("ratelimit")], [200, null], path);
  }
  setSystemTime(Date.now() + 61_000);
  assertEquals(await served.status("/api/v1/info"), "200");
});

test("no header that a client writes gets it past the rate", async () => {
  const rate = { requests: 5, seconds: 60 };
  await using bare = new Served(builder({ rate }));
  await using proxied = new Served(builder({ rate, trustedProxy: 1 }));
  let passed = 0;
  for (let count = 0; count < 100; count++) {
    const forged = `198.51.100.${count}`;
    const headers = {
      "x-forwarded-for": forged,
      forwarded: `for=${forged}`,
      "x-real-ip": forged,
      "x-api-key": forged,
    };
    if ((await bare.status("/api/v1/info", { headers })) === "200") passed += 1;
    // The proxy adds where the client really is.
    headers["x-forwarded-for"] = `${forged}, 203.0.113.7`;
    if ((await proxied.status("/api/v1/info", { headers })) === "200") passed += 1;
  }
  assertEquals(passed, 10);
});

test("a thousand addresses behind a proxy are counted each for itself", async () => {
  const limits = { rate: { requests: 1, seconds: 60 }, trustedProxy: ["127.0.0.0/8"] };
  await using served = new Served(builder(limits));
  const address = (index: number) => forwarded(`10.1.${index >> 8}.${index & 255}`);
  for (let index = 0; index < 1_000; index++) {
    assertEquals(await served.status("/api/v1/info", address(index)), "200");
  }
  for (let index = 0; index < 1_000; index += 37) {
    assertEquals(await served.status("/api/v1/info", address(index)), "429 too-many-requests");
  }
  // A thousand addresses of one network are one.
  let passed = 0;
  for (let index = 0; index < 1_000; index++) {
    const sent = forwarded(`2001:db8:1:2::${index.toString(16)}`);
    if ((await served.status("/api/v1/info", sent)) === "200") passed += 1;
  }
  assertEquals(passed, 1);
});

test("by principal, each key has its own rate, and who has none that of the address", async () => {
  const limits = { rate: { requests: 2, seconds: 60 }, trustedProxy: 1 };
  const guarded = builder(limits)
    .include({ prefix: "/open", fetch: () => new Response("open") })
    .withAuth({ keys: ["one", "two"], publicPaths: ["/open"] });
  await using served = new Served(guarded);
  const as = (key: string, path = "/api/v1/info", from = "10.0.0.1") =>
    served.status(path, { headers: { "x-api-key": key, "x-forwarded-for": from } });
  const anonymous = (path: string, from: string) => served.status(path, forwarded(from));
  assertEquals([await as("one"), await as("one"), await as("two")], ["200", "200", "200"]);
  // From elsewhere too.
  const refused = "429 too-many-requests";
  assertEquals(
    [await as("one", "/nowhere", "10.0.0.2"), await as("one", "/open")],
    [refused, refused],
  );
  assertEquals(await as("two"), "200");
  for (const path of ["/api/v1/info", "/open"]) {
    const from = path === "/open" ? "10.0.0.8" : "10.0.0.9";
    const expected = path === "/open" ? "200" : "401 unauthenticated";
    assertEquals(await anonymous(path, from), expected);
    assertEquals(await anonymous(path, from), expected);
    assertEquals(await anonymous(path, from), refused, path);
  }
  assertEquals(await as("one", "/health"), "200");
});

test("keys can't be guessed at speed: after some that are none the address is refused", async () => {
  const limits = { rate: { requests: 1_000, seconds: 60, failures: 3 }, trustedProxy: 1 };
  for (const by of ["principal", "address"] as const) {
    const rate = { ...limits.rate, by };
    const guarded = builder({ ...limits, rate }).withAuth({ keys: ["right"] });
    await using served = new Served(guarded);
    const guess = (key: string, path = "/api/v1/info", from = "10.0.0.1") =>
      served.fetch(path, { headers: { "x-api-key": key, "x-forwarded-for": from } });
    // Without a key nobody guesses.
    for (let count = 0; count < 5; count++) {
      assertEquals(
        await served.status("/api/v1/info", forwarded("10.0.0.1")),
        "401 unauthenticated",
      );
    }
    assertEquals((await guess("wrong-1")).status, 401);
    // Nor by what health would tell to who has a key.
    for (const key of ["wrong-2", "wrong-3"]) {
      assertEquals(await (await guess(key, "/health")).text(), '{"status":"healthy"}');
    }
    for (const key of ["wrong-4", "right"]) {
      const response = await guess(key);
      assertEquals([response.status, response.headers.get("retry-after")], [429, "60"]);
      assertEquals(await (await guess(key, "/health")).text(), '{"status":"healthy"}');
    }
    assertEquals((await guess("right", "/api/v1/info", "10.0.0.2")).status, 200);
    setSystemTime(Date.now() + 61_000);
    assertEquals((await guess("right")).status, 200);
    assert((await (await guess("right", "/health")).text()).includes("checks"));
    setSystemTime();
  }
});

test("where nobody says where requests come from, each is refused and the log says what to do", async () => {
  const rate = { requests: 1, seconds: 60 };
  for (const built of [builder({ rate }), builder({ rate }).withAuth({ keys: ["one"] })]) {
    await using service = built.build();
    const logged: unknown[] = [];
    service.executor.logger.error = (_message, fields) => logged.push(fields?.["error"]);
    const send = (path: string, headers = {}) =>
      service.fetch(new Request(`http://localhost${path}`, { headers }));
    assertEquals((await send("/api/v1/info", { "x-api-key": "one" })).status, 500);
    const [error] = logged;
    assert(error instanceof Error && error.name === "UnknownAddressError");
    assert(
      error.message.includes("trustedProxy") && error.message.includes("server"),
      error.message,
    );
    assertEquals((await send("/health")).status, 200);
    assertEquals((await send("/health", { "x-api-key": "one" })).status, 200);
  }
});

// Other sites

const APP = "https://app.example.org";

test("a preflight is answered before the guard, the same for every path", async () => {
  const limits = { cors: { origins: [APP] }, rate: { requests: 1, seconds: 60 } };
  await using served = new Served(builder(limits).withAuth({ keys: ["one"] }));
  const preflight = async (path: string, origin: string) => {
    const response = await served.fetch(path, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
    const { headers } = response;
    headers.delete("date");
    return JSON.stringify([response.status, await response.text(), [...headers].sort()]);
  };
  const [first = "", ...others] = await Promise.all(
    [EXECUTE, "/api/v1/info", "/nowhere", "/", "/health"].map((path) => preflight(path, APP)),
  );
  for (const other of others) assertEquals(other, first);
  for (const part of [
    '[204,""',
    '["access-control-allow-origin","https://app.example.org"]',
    '["access-control-allow-methods","GET, HEAD, POST, PUT, DELETE"]',
    '["access-control-max-age","600"]',
    '["vary","Origin"]',
  ]) {
    assert(first.includes(part), `${part} is not in ${first}`);
  }
  const foreign = await preflight(EXECUTE, "https://evil.example");
  assert(!foreign.includes("access-control"), foreign);
  assert(foreign.includes('["vary","Origin"]'), foreign);
  // What is no preflight is for the guard.
  assertEquals(await served.status(EXECUTE, { method: "OPTIONS" }), "401 unauthenticated");
});

test("allowed origins may send and read, others neither", async () => {
  const limits = {
    cors: { origins: [APP], credentials: true },
    allowedOrigins: ["https://b.example"],
  };
  await using served = new Served(builder(limits));
  const send = async (origin: string) => {
    const response = await served.fetch(EXECUTE, post({ origin, "sec-fetch-site": "cross-site" }));
    const { headers } = response;
    return [
      response.status,
      headers.get("access-control-allow-origin"),
      headers.get("access-control-allow-credentials"),
      headers.get("cross-origin-resource-policy"),
      headers.get("vary"),
    ];
  };
  assertEquals(await send(APP), [200, APP, "true", "cross-origin", "Origin"]);
  assertEquals(await send("https://b.example"), [200, null, null, "same-origin", "Origin"]);
  assertEquals(await send("https://evil.example"), [403, null, null, "same-origin", "Origin"]);
});

test("refusals can be read by the pages that may ask", async () => {
  const limits = { cors: { origins: [APP] } };
  await using served = new Served(builder(limits).withAuth({ keys: ["one"] }));
  const response = await served.fetch("/api/v1/info", { headers: { origin: APP } });
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("access-control-allow-origin"), APP);
});

test('cors with "*" lets every page send and read, without credentials', async () => {
  await using served = new Served(builder({ cors: { origins: "*" } }));
  for (const origin of ["https://anywhere.example", "null"]) {
    const response = await served.fetch(EXECUTE, post({ origin, "sec-fetch-site": "cross-site" }));
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    assertEquals(response.headers.get("access-control-allow-credentials"), null);
  }
});

test("without cors nobody's page is let in, with or without withLimits()", async () => {
  for (const limits of [undefined, {}]) {
    await using served = new Served(builder(limits));
    const headers = { origin: APP, "access-control-request-method": "POST" };
    const response = await served.fetch(EXECUTE, { method: "OPTIONS", headers });
    assertEquals(response.headers.get("access-control-allow-origin"), null);
    assertEquals(await served.status(EXECUTE, post({ origin: APP })), "403 cross-site-request");
  }
});

// Security headers

const SECURITY = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
};

test("every answer carries the security headers, refusals and streams too", async () => {
  const page = {
    prefix: "/page",
    fetch: () =>
      new Response("<p>Hello", {
        headers: {
          "content-type": "text/html",
          "content-security-policy": "default-src 'self'",
          server: "shop/1.0",
        },
      }),
  };
  const limits = { rate: { requests: 6, seconds: 60 } };
  await using served = new Served(builder(limits).include(page));
  const { "content-security-policy": policy, ...fixed } = SECURITY;
  const cases: [path: string, init: RequestInit, status: number, caching: string | null][] = [
    ["/api/v1/tasks", {}, 200, "no-store"],
    [EXECUTE, post(), 200, "no-store"],
    ["/nowhere", {}, 404, "no-store"],
    ["/api/v1/info", { method: "DELETE" }, 405, "no-store"],
    ["/health/$stream", {}, 200, "no-store"],
    ["/page", {}, 200, null],
    ["/api/v1/info", {}, 429, "no-store"],
    ["/health", { method: "HEAD" }, 200, "no-store"],
    ["/health", host("evil.example"), 403, "no-store"],
  ];
  for (const [path, init, status, caching] of cases) {
    const { headers, ...response } = await take(served.fetch(path, init));
    assertEquals(response.status, status, path);
    for (const [name, value] of Object.entries(fixed)) assertEquals(headers.get(name), value, path);
    const isPage = path === "/page";
    assertEquals(headers.get("content-security-policy"), isPage ? "default-src 'self'" : policy);
    assertEquals(headers.get("cache-control"), caching, path);
    assertEquals(headers.get("server"), null, path);
  }
  await served.service.stop();
  const stopped = await served.fetch("/health/live");
  assertEquals(stopped.headers.get("x-frame-options"), "DENY");
});

test("securityHeaders: false leaves them out, and without withLimits() there are none", async () => {
  for (const limits of [undefined, { securityHeaders: false }]) {
    await using served = new Served(builder(limits));
    const { headers } = await served.fetch("/api/v1/info");
    for (const name of [...Object.keys(SECURITY), "cache-control"]) {
      assertEquals(headers.get(name), null, name);
    }
  }
});

test("an answer that a handler gives again and again carries no other request's headers", async () => {
  const always = new Response(null, { status: 204 });
  const limits = { cors: { origins: [APP, "https://b.example"] } };
  await using served = new Served(builder(limits).include({ prefix: "/a", fetch: () => always }));
  for (const origin of [APP, "https://b.example", "https://evil.example"]) {
    const { headers } = await served.fetch("/a", { headers: { origin } });
    const expected = origin.includes("evil") ? null : origin;
    assertEquals(headers.get("access-control-allow-origin"), expected);
    assertEquals(headers.get("vary"), "Origin");
  }
});

// Building

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

/** The answer, without what is left of its body. */
async function take(answering: Promise<Response>): Promise<{ status: number; headers: Headers }> {
  const { status, headers, body } = await answering;
  await body?.cancel();
  return { status, headers };
}
