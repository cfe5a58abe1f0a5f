import { test } from "bun:test";
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { HttpProblem, type RequestServer, Router, type RouterOptions } from "../../lib/http/mod.ts";

function send(router: Router, path: string, init?: RequestInit): Promise<Response> {
  return router.fetch(new Request(`http://localhost${path}`, init));
}

function createRouter(options?: RouterOptions): Router {
  return new Router(options).add("GET", "/hello/{name}", ({ parameters }) =>
    Response.json({ hello: parameters["name"] }),
  );
}

test("fetch() needs no this", async () => {
  const { fetch } = createRouter();
  const response = await fetch(new Request("http://localhost/hello/you"));
  assertEquals(await response.json(), { hello: "you" });
});

test("a handler is given the request, the parameters and the server", async () => {
  const router = new Router();
  const request = new Request("http://localhost/a/b", { method: "POST" });
  const server: RequestServer = {
    requestIP: () => ({ address: "127.0.0.1" }),
    timeout: () => {},
    stop: async () => {},
  };
  router.add("POST", "/a/{what}", (given) => {
    assertStrictEquals(given.request, request);
    assertStrictEquals(given.server, server);
    assertEquals(given.parameters, { what: "b" });
    return new Response("ok");
  });
  assertEquals(await (await router.fetch(request, server)).text(), "ok");
});

test("HEAD measures a document and lets go of a stream", async () => {
  const router = createRouter();
  let canceled = false;
  router.add("GET", "/stream", () => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => {
        canceled = true;
      },
    });
    return new Response(body, { status: 201, headers: { "content-type": "application/x-ndjson" } });
  });
  const document = await send(router, "/hello/ä", { method: "HEAD" });
  assertEquals([document.status, document.body], [200, null]);
  assertEquals(document.headers.get("content-length"), "14");
  const stream = await send(router, "/stream", { method: "HEAD" });
  assertEquals([stream.status, stream.body, canceled], [201, null, true]);
  assertEquals(stream.headers.get("content-type"), "application/x-ndjson");
  assertEquals(stream.headers.get("content-length"), null);
});

test("HEAD has no body where there is a problem either, nor below a mounted handler", async () => {
  const router = createRouter();
  router.mount("/mounted", (request) =>
    request.method === "HEAD"
      ? new Response(null, {
          headers: { "content-type": "application/json", "content-length": "12" },
        })
      : new Response("more"),
  );
  router.mount("/careless", () => new Response("with a body"));
  const missing = await send(router, "/missing", { method: "HEAD" });
  assertEquals([missing.status, missing.body], [404, null]);
  assertEquals(missing.headers.get("content-type"), "application/problem+json");
  const mounted = await send(router, "/mounted/x", { method: "HEAD" });
  assertEquals([mounted.body, mounted.headers.get("content-length")], [null, "12"]);
  assertEquals((await send(router, "/careless", { method: "HEAD" })).body, null);
});

test("OPTIONS and 405 name what is allowed at the path, and nothing else", async () => {
  const router = createRouter();
  router.add("PUT", "/hello/{name}", () => new Response());
  router.add("DELETE", "/only", () => new Response());
  for (const [path, allow] of [
    ["/hello/x", "GET, HEAD, OPTIONS, PUT"],
    ["/only", "DELETE, OPTIONS"],
  ] as const) {
    for (const [method, status] of [
      ["OPTIONS", 204],
      ["POST", 405],
      ["PATCH", 405],
    ] as const) {
      const response = await send(router, path, { method });
      assertEquals([response.status, response.headers.get("allow")], [status, allow]);
    }
  }
});

test("a thrown HttpProblem is a problem document, and not told to onError", async () => {
  let told = 0;
  const router = createRouter({ onError: () => ++told });
  router.add("GET", "/full", async () => {
    throw new HttpProblem(503, "full", { detail: "No room", headers: { "x-room": "0" } });
  });
  const response = await send(router, "/full?of=rooms");
  assertEquals(response.headers.get("x-room"), "0");
  assertEquals(await response.json(), {
    type: "urn:taskmount:error:full",
    title: "Service Unavailable",
    status: 503,
    detail: "No room",
    instance: "/full",
  });
  assertEquals(told, 0);
});

test("toProblem() says what is a problem, and onError what has caused one of the service's own", async () => {
  const told: unknown[] = [];
  const full = new RangeError("no room");
  const router = createRouter({
    onError: (error) => told.push(error),
    toProblem: (error) =>
      error === full ? new HttpProblem(503, "full", { detail: "No room", cause: full }) : undefined,
  });
  router.add("GET", "/full", () => Promise.reject(full));
  router.mount("/mounted", () => Promise.reject(full));
  router.add("GET", "/wrong", () => {
    throw new HttpProblem(422, "wrong", { detail: "Wrong", cause: new Error("the client's") });
  });
  router.add("GET", "/other", () => Promise.reject(new RangeError("no room")));
  const paths = ["/full", "/mounted/below", "/wrong", "/other"];
  const answers = await Promise.all(paths.map((path) => send(router, path)));
  assertEquals(
    answers.map(({ status }) => status),
    [503, 503, 422, 500],
  );
  assertEquals(told.slice(0, 2), [full, full]);
  assertEquals(told.length, 3);
});

test("anything else that a handler throws is a bare 500, told to onError", async () => {
  const told: unknown[][] = [];
  const router = createRouter({ onError: (...args) => told.push(args) });
  const secret = new Error("the password is 1234");
  router.add("GET", "/sync", () => {
    throw secret;
  });
  router.add("GET", "/async", () => Promise.reject(secret));
  router.add("GET", "/null", () => Promise.reject(null));
  router.mount("/mounted", () => Promise.reject(secret));
  for (const [path, thrown] of [
    ["/sync", secret],
    ["/async", secret],
    ["/null", null],
    ["/mounted/below", secret],
  ] as const) {
    const request = new Request(`http://localhost${path}`);
    const response = await router.fetch(request);
    assertEquals(response.status, 500);
    assertEquals(await response.json(), {
      type: "urn:taskmount:error:internal-error",
      title: "Internal Server Error",
      status: 500,
      detail: "The service failed to answer; its log says why",
      instance: path,
    });
    assertEquals(told.pop(), [thrown, request]);
  }
  assertEquals(told, []);
});

test("cross-site requests are refused before anything else", async () => {
  const router = createRouter({ allowedOrigins: ["https://app.example.org"] });
  let mounted = 0;
  router.mount("/mounted", () => {
    mounted += 1;
    return new Response("mounted");
  });
  const headers = { origin: "https://evil.example" };
  for (const path of ["/hello/x", "/missing", "/mounted"]) {
    assertEquals((await send(router, path, { method: "POST", headers })).status, 403, path);
  }
  assertEquals(mounted, 0);
  const allowed = { origin: "https://app.example.org" };
  const response = await send(router, "/mounted", { method: "POST", headers: allowed });
  assertEquals([response.status, mounted], [200, 1]);
  assertEquals((await send(router, "/hello/x", { headers })).status, 200);
});

test("basePath is taken off paths that carry it, and put before links", async () => {
  const router = createRouter({ basePath: "/tools/v2" });
  router.add("GET", "/", () => new Response("root"));
  assertEquals(router.link("/hello/you"), "/tools/v2/hello/you");
  assertEquals(createRouter().link("/hello/you"), "/hello/you");
  for (const [path, status] of [
    ["/tools/v2/hello/you", 200],
    ["/hello/you", 200],
    ["/tools/v2", 200],
    ["/tools/v2/", 200],
    ["/tools/v2/?q", 200],
    ["/tools/v2hello/you", 404],
    ["/tools/hello/you", 404],
    ["/other/v2/hello/you", 404],
    ["/tools/v2/tools/v2/hello/you", 404],
  ] as const) {
    assertEquals((await send(router, path)).status, status, path);
  }
});

test("a path that begins like basePath by itself is found too", async () => {
  const router = new Router({ basePath: "/api" });
  router.add("GET", "/api/v1/info", () => new Response("info"));
  for (const path of ["/api/api/v1/info", "/api/v1/info"]) {
    assertEquals((await send(router, path)).status, 200, path);
  }
});

test("a Router refuses a basePath that is no path, and an origin that is none", () => {
  for (const basePath of ["tools", "/", "/tools/", "/a//b", "/a?b", "http://a"]) {
    assertThrows(
      () => new Router({ basePath }),
      TypeError,
      `Cannot use "${basePath}" as basePath: it is like "/tools"`,
    );
  }
  for (const origin of ["app.example.org", "https://app.example.org/", "https://a/b", ""]) {
    assertThrows(
      () => new Router({ allowedOrigins: [origin] }),
      TypeError,
      `Cannot allow "${origin}" as an origin: it is like "https://app.example.org"`,
    );
  }
});

test("include() takes over another router's routes with their origins, and not its base path", async () => {
  const inner = createRouter({ basePath: "/inner", allowedOrigins: ["https://friend.example"] });
  inner.add("POST", "/hello/{name}", () => new Response("posted"));
  const outer = new Router().include(inner);
  assertEquals(
    outer.routes.map(({ method, pattern }) => `${method} ${pattern}`),
    ["GET /hello/{name}", "POST /hello/{name}"],
  );
  assertEquals((await send(outer, "/hello/x")).status, 200);
  assertEquals((await send(outer, "/inner/hello/x")).status, 404);
  const headers = { origin: "https://friend.example" };
  assertEquals((await send(outer, "/hello/x", { method: "POST", headers })).status, 200);
  outer.add("POST", "/other", () => new Response("posted"));
  assertEquals((await send(outer, "/other", { method: "POST", headers })).status, 403);
  assertThrows(() => outer.include(inner), TypeError, "Cannot add GET /hello/{name} twice");
});

test("mount() gives a handler what is at or below its prefix and has no route", async () => {
  const router = createRouter();
  const server = { timeout: () => {} } as unknown as RequestServer;
  router.mount("/hello", (request, given) => {
    assertStrictEquals(given, server);
    return new Response(`mounted ${request.method} ${new URL(request.url).pathname}`);
  });
  const request = (path: string, method = "GET") =>
    new Request(`http://localhost${path}`, { method });
  const text = async (sent: Request) => await (await router.fetch(sent, server)).text();
  assertEquals(await text(request("/hello")), "mounted GET /hello");
  assertEquals(await text(request("/hello/a/b", "DELETE")), "mounted DELETE /hello/a/b");
  assertEquals(await text(request("/hello/a")), '{"hello":"a"}');
  assertEquals((await router.fetch(request("/hello/a", "POST"), server)).status, 405);
  assertEquals((await router.fetch(request("/hellox"), server)).status, 404);
});

test("a handler may answer what is no JSON", async () => {
  const router = new Router().add("GET", "/x", () => {
    const headers = { "content-type": "text/csv" };
    return new Response("a,b", { status: 202, headers });
  });
  const response = await send(router, "/x");
  assertEquals(response.headers.get("content-type"), "text/csv");
  assertEquals([response.status, await response.text()], [202, "a,b"]);
});

test("inFlight counts requests until they are answered, whatever they are answered with", async () => {
  const router = createRouter();
  const gates = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
  for (const [index, gate] of gates.entries()) {
    router.add("GET", `/wait/${index}`, () => gate.promise);
  }
  await router.inFlight.settle(60);
  const answers = gates.map((_gate, index) => send(router, `/wait/${index}`));
  let settled = false;
  const settling = router.inFlight.settle(60).then(() => {
    settled = true;
  });
  gates[0]?.resolve(new Response("ok"));
  assertEquals((await answers[0])?.status, 200);
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(settled, false);
  gates[1]?.reject(new Error("no"));
  assertEquals((await answers[1])?.status, 500);
  await settling;
});

test("what a path has is given to every request alike, whatever a handler does to it", async () => {
  const router = new Router();
  router.add("GET", "/hello/{name}", ({ parameters }) => {
    const hello = parameters["name"];
    Reflect.set(parameters, "name", "changed");
    return Response.json({ hello });
  });
  for (let request = 0; request < 3; request++) {
    assertEquals(await (await send(router, "/hello/you")).json(), { hello: "you" });
  }
});
