import { afterAll, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type AuthOptions,
  type Service,
  ServiceBuilder,
  ServiceConfigurationError,
  TaskContext,
  TaskRegistry,
} from "../../lib/mod.ts";
import { TestService } from "../../lib/testing/mod.ts";
import { AUDIENCE, ISSUER, Issuer } from "../auth/issuer.ts";
import { jsonOf } from "../tasks/test_router.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmount-auth-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CI = { name: "ci", key: "key-of-ci", scopes: ["tasks:execute", "tasks:submit", "jobs:read"] };

/** With a task that says who asks for it, and one that fails. */
function builder(auth: AuthOptions): ServiceBuilder {
  const registry = new TaskRegistry();
  registry.register("who", {
    inject: [TaskContext],
    run: (_params, { principal }) => ({ principal }),
  });
  return new ServiceBuilder({ displayName: "Auth", signals: false })
    .withTasks({ registry })
    .withJobs()
    .withHealth()
    .withAuth(auth);
}

function as(key: string): RequestInit {
  return { headers: { "x-api-key": key } };
}

async function status(service: Service | TestService, path: string, key?: string): Promise<number> {
  const init = key === undefined ? {} : as(key);
  const response = await service.fetch(new Request(`http://localhost${path}`, init));
  await response.body?.cancel();
  return response.status;
}

test("$execute tells the task who asks, with the scopes", async () => {
  await using service = await TestService.start(builder({ keys: [CI] }));
  const path = "/api/v1/tasks/who/$execute";
  const response = await service.fetch(path, { method: "POST", ...as(CI.key) });
  const { result } = await jsonOf(response);
  assertEquals(result, { principal: { name: "ci", scopes: CI.scopes } });
});

test("without withAuth() there is nobody to tell", async () => {
  const registry = new TaskRegistry();
  registry.register("who", {
    inject: [TaskContext],
    run: (_params, { principal }) => ({ principal }),
  });
  const bare = new ServiceBuilder({ displayName: "Bare" }).withTasks({ registry });
  await using service = await TestService.start(bare);
  const path = "/api/v1/tasks/who/$execute";
  const response = await service.fetch(path, { method: "POST", ...as(CI.key) });
  assertEquals((await jsonOf(response)).result, { principal: null });
});

test("$submit writes down who asks, and tells the task when it runs", async () => {
  await using service = await TestService.start(builder({ keys: [CI] }));
  const path = "/api/v1/tasks/who/$submit";
  const response = await service.fetch(path, { method: "POST", ...as(CI.key) });
  const { id, created_by } = await jsonOf(response);
  assertEquals([response.status, created_by], [202, "ci"]);
  const { result, createdBy } = await service.wait(id);
  assertEquals(createdBy, "ci");
  assertEquals(result, { principal: { name: "ci", scopes: [] } });
  const listed = await jsonOf(await service.fetch("/api/v1/jobs", as(CI.key)));
  assertEquals(listed[0].created_by, "ci");
});

test("a schedule that is run by hand writes down who asks, and one that ticks nobody", async () => {
  await using service = await TestService.start(builder({ keys: ["one"] }));
  await service.scheduler.cron("hourly", "0 * * * *", "who");
  const path = "/api/v1/schedules/hourly/$run";
  const byHand = await jsonOf(await service.fetch(path, { method: "POST", ...as("one") }));
  assertEquals(byHand.created_by, "key-1");
  await service.advance(3_600);
  const created = (await service.scheduler.list()).map(({ createdBy }) => createdBy);
  assertEquals(created, [null, "key-1"]);
});

test("health tells the status alone, and all to who may read the system", async () => {
  const reader = { name: "monitor", key: "key-of-monitor", scopes: ["system:read"] };
  await using service = await TestService.start(builder({ keys: [CI, reader] }));
  for (const path of ["/health", "/health/ready"]) {
    for (const init of [{}, as("wrong"), as(CI.key)]) {
      assertEquals(await (await service.fetch(path, init)).text(), '{"status":"healthy"}');
    }
    const told = await jsonOf(await service.fetch(path, as(reader.key)));
    assertEquals(told.checks.database, { state: "healthy", message: null });
  }
  assertEquals(await status(service, "/health/$stream"), 401);
  assertEquals(await status(service, "/health/$stream", CI.key), 403);
});

test("health keeps a failure's reasons to itself, and is 503 all the same", async () => {
  const failing = builder({ keys: ["one"] }).withHealth({
    checks: {
      mail: () => {
        throw new Error("no route to 10.0.0.7");
      },
    },
  });
  await using service = await TestService.start(failing);
  const bare = await service.fetch("/health");
  assertEquals([bare.status, await bare.text()], [503, '{"status":"unhealthy"}']);
  const told = await service.fetch("/health", as("one"));
  assert((await told.text()).includes("10.0.0.7"));
});

test("health answers without a key before the keys are known, and others are 503", async () => {
  let isOpen = false;
  const keys = () => {
    if (!isOpen) throw new Error("the vault is closed");
    return ["one"];
  };
  await using service = builder({ keys }).build();
  const log = spyOn(console, "error").mockImplementation(() => {});
  try {
    await assertRejects(() => service.start(), Error, "the vault is closed");
    assertEquals(await status(service, "/health/live"), 200);
    assertEquals(await status(service, "/health/live", "one"), 200);
    assertEquals(await status(service, "/health/ready"), 503);
    assertEquals(await status(service, "/api/v1/info", "one"), 503);
    assertEquals(await status(service, "/api/v1/info"), 503);
  } finally {
    log.mockRestore();
  }
  isOpen = true;
  assertEquals(await status(service, "/api/v1/info", "one"), 200);
  assertEquals(await status(service, "/api/v1/info"), 401);
});

test("keys change with their file, and a broken file changes nothing", async () => {
  const file = join(folder, "keys");
  writeFileSync(file, "ci:first-secret:system:read");
  await using service = await TestService.start(builder({ keys: { file }, refresh: 0 }));
  const tried = async () => [
    await status(service, "/api/v1/info", "first-secret"),
    await status(service, "/api/v1/info", "second-secret"),
  ];
  assertEquals(await tried(), [200, 401]);
  writeFileSync(file, "ci:first-secret:system:read\nops:second-secret:jobs:read");
  assertEquals(await tried(), [200, 403]);
  const lines: string[] = [];
  const log = spyOn(console, "error").mockImplementation((line: string) => {
    lines.push(line);
  });
  try {
    writeFileSync(file, "ops:second-secret:everything,");
    assertEquals(await tried(), [200, 403]);
    writeFileSync(file, "ops:second-secret:system:read");
    assertEquals(await tried(), [401, 200]);
  } finally {
    log.mockRestore();
  }
  assertEquals(lines.length, 1);
  assert(lines[0]?.includes("the keys can't be read again; those of before stay valid"));
  assert(!lines[0]?.includes("secret"));
});

test("a token of another service is let in with its scopes", async () => {
  await using issuer = await Issuer.start();
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: issuer.url };
  await using service = await TestService.start(builder({ jwt }));
  const ask = async (token: string, path: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return await service.fetch(path, { method: "POST", headers });
  };
  const path = "/api/v1/tasks/who/$execute";
  const token = await issuer.sign({ scope: "tasks:execute:who openid" });
  assertEquals((await jsonOf(await ask(token, path))).result, {
    principal: { name: "ada", scopes: ["tasks:execute:who", "openid"] },
  });
  assertEquals((await ask(token, "/api/v1/tasks/who/$submit")).status, 403);
  assertEquals((await ask(await issuer.sign({ expires: -60 }), path)).status, 401);
  assertEquals((await ask("no.such.token", path)).status, 401);
  issuer.answer = () => new Response("no", { status: 500 });
  await using unreached = await TestService.start(builder({ jwt }));
  const log = spyOn(console, "error").mockImplementation(() => {});
  const headers = { authorization: `Bearer ${token}` };
  const unavailable = await unreached.fetch(path, { method: "POST", headers });
  log.mockRestore();
  assertEquals([unavailable.status, unavailable.headers.get("retry-after")], [503, "5"]);
});

test("build() names what is wrong with keys, and never a key", () => {
  for (const [auth, reason] of [
    [{}, "withAuth() needs keys or jwt"],
    [{ keys: [] }, "Cannot use the keys of the list: there are none"],
    [{ keys: ["the secret"] }, "of key 1, the key is not of the visible ASCII characters"],
    [{ keys: ["the-secret", "the-secret"] }, "of key 2, the key is that of key 1"],
    [{ keys: { env: "TASKMOUNT_NO_SUCH_KEYS" } }, "TASKMOUNT_NO_SUCH_KEYS: it is not set"],
    [{ keys: { file: join(folder, "none") } }, "it can't be read: ENOENT"],
    [{ keys: ["one"], publicPaths: ["docs"] }, 'Cannot open "docs" to everybody'],
    [{ jwt: { issuer: "a", audience: "b", jwks: "c" } }, 'Cannot fetch the keys of JWTs from "c"'],
  ] as const) {
    const error = assertThrows(
      () => builder(auth as AuthOptions).build(),
      ServiceConfigurationError,
      reason,
    );
    assert(!error.message.includes("the-secret") && !error.message.includes("the secret"));
  }
});

test("the log of a handler that failed has no query, in which a key may have been sent", async () => {
  const failing = builder({ keys: ["one"] }).include({
    prefix: "/failing",
    fetch: () => {
      throw new Error("a mistake");
    },
  });
  await using service = await TestService.start(failing);
  const lines: string[] = [];
  const log = spyOn(console, "error").mockImplementation((line: string) => {
    lines.push(line);
  });
  assertEquals(await status(service, "/failing/x?api_key=the-secret", "one"), 500);
  log.mockRestore();
  assertEquals(lines.length, 1);
  assert(lines[0]?.includes("url=/failing/x") && !lines[0].includes("the-secret"));
});

test("a refusal is a problem document, and says nothing of the key", async () => {
  await using service = await TestService.start(builder({ keys: [CI] }));
  const none = await service.fetch("/api/v1/info?api_key=the-secret");
  assertEquals(none.headers.get("content-type"), "application/problem+json");
  assertEquals(none.headers.get("www-authenticate"), 'Bearer realm="taskmount"');
  assertEquals(await none.json(), {
    type: "urn:taskmount:error:unauthenticated",
    title: "Unauthorized",
    status: 401,
    detail:
      "This takes a key, in the header X-API-Key or as Authorization: Bearer, never in the query",
    instance: "/api/v1/info",
  });
  const missing = await service.fetch("/api/v1/info", as(CI.key));
  assertEquals(await missing.json(), {
    type: "urn:taskmount:error:insufficient-scope",
    title: "Forbidden",
    status: 403,
    detail: '"ci" may not do this: it takes the scope system:read',
    instance: "/api/v1/info",
  });
  assert(!(await (await service.fetch("/x", as("the-secret"))).text()).includes("the-secret"));
});
