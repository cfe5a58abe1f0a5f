import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { builder, EXECUTE, host, post, Served } from "./served.ts";

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

/** The answer, without what is left of its body. */
async function take(answering: Promise<Response>): Promise<{ status: number; headers: Headers }> {
  const { status, headers, body } = await answering;
  await body?.cancel();
  return { status, headers };
}
