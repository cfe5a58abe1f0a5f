import { test } from "bun:test";
import { assert, assertEquals, assertFalse } from "@std/assert";
import * as v from "valibot";
import type { RequestServer } from "../../lib/http/mod.ts";
import { problemOf, registerGreet, TestRouter } from "./test_router.ts";

const INSTANCE = "/api/v1/tasks/greet/$execute";

/** A bench on which `greet` is registered and must not be run. */
function createBench(options?: ConstructorParameters<typeof TestRouter>[0]): TestRouter {
  const bench = new TestRouter(options);
  bench.registry.register("greet", {
    params: v.any(),
    run: () => {
      throw new Error("greet was run");
    },
  });
  return bench;
}

test("malformed JSON is 400", async () => {
  await using bench = createBench();
  const bodies = ["{", "{]", "nope", '{"params":}', "{'params':{}}", "{} {}", '"\u0001"', "\u00a0"];
  for (const body of bodies) {
    const problem = await problemOf(await bench.post("greet", body), 400);
    assert(problem.detail.startsWith("The body is no JSON: "), problem.detail);
    assertEquals(
      { ...problem, detail: "" },
      {
        type: "urn:taskmount:error:malformed-json",
        title: "Bad Request",
        status: 400,
        detail: "",
        instance: INSTANCE,
      },
    );
  }
});

test("a body that is not the right shape is 422, with the issues", async () => {
  await using bench = createBench();
  const cases: [string, unknown[]][] = [
    ["[]", [{ path: [], message: "Expected an object" }]],
    ['[{"params":{}}]', [{ path: [], message: "Expected an object" }]],
    ["1", [{ path: [], message: "Expected an object" }]],
    ['"text"', [{ path: [], message: "Expected an object" }]],
    ["false", [{ path: [], message: "Expected an object" }]],
    ['{"params":[]}', [{ path: ["params"], message: "Expected an object" }]],
    ['{"params":"x"}', [{ path: ["params"], message: "Expected an object" }]],
    ['{"params":0}', [{ path: ["params"], message: "Expected an object" }]],
    ['{"params":false}', [{ path: ["params"], message: "Expected an object" }]],
    [
      '{"param":{}}',
      [{ path: ["param"], message: 'Invalid key: Expected never but received "param"' }],
    ],
  ];
  for (const [body, issues] of cases) {
    assertEquals(await problemOf(await bench.post("greet", body), 422), {
      type: "urn:taskmount:error:invalid-request",
      title: "Unprocessable Entity",
      status: 422,
      detail: 'The body must be {"params": {...}}, {} or empty',
      instance: INSTANCE,
      issues,
    });
  }
});

test("names that every object inherits are no known keys of the body", async () => {
  await using bench = createBench();
  for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const problem = await problemOf(await bench.post("greet", `{"${key}":{"params":{}}}`), 422);
    assertEquals(problem.issues[0].path, [key]);
  }
});

test("a key as long as the request is cut in the problem", async () => {
  await using bench = createBench();
  const response = await bench.post("greet", `{"${"x".repeat(1_000_000)}":1}`);
  const text = await response.text();
  assertEquals(response.status, 422);
  assert(text.length < 2_000, `${text.length}`);
});

test("of keys that are sent twice the last counts, as in JSON.parse()", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  assertEquals(
    await bench.execute("greet", '{"params":{"name":"A"},"params":{"name":"B","name":"C"}}'),
    '{"task_name":"greet","params":{"name":"C"},"result":{"message":"Hello, C!"},"error":null}',
  );
});

test("JSON that is 100,000 levels deep is 422, and nothing overflows", async () => {
  await using bench = createBench();
  for (const [open, close] of [
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"a":', "}]"],
  ] as const) {
    const body = `{"params":{"deep":${open.repeat(100_000)}1${close.repeat(100_000)}}}`;
    assertEquals(await problemOf(await bench.post("greet", body), 422), {
      type: "urn:taskmount:error:invalid-request",
      title: "Unprocessable Entity",
      status: 422,
      detail: "The body is nested more than 500 levels deep",
      instance: INSTANCE,
    });
  }
});

test("JSON that is 498 levels deep in its params is taken, echoed and returned", async () => {
  await using bench = new TestRouter();
  bench.registry.register("echo", { params: v.looseObject({}), run: (params) => params });
  // Brackets in text nest nothing.
  const params = `{"deep":${"[".repeat(498)}"[[[ {{{ \\" [[["${"]".repeat(498)}}`;
  const text = await bench.execute("echo", `{"params":${params}}`);
  assertEquals(text, `{"task_name":"echo","params":${params},"result":${params},"error":null}`);
});

test("lone surrogates come back as they were sent", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  assertEquals(
    await bench.execute("greet", '{"params":{"name":"\\ud800 \\udc00"}}'),
    '{"task_name":"greet","params":{"name":"\\ud800 \\udc00"},"result":{"message":"Hello, \\ud800 \\udc00!"},"error":null}',
  );
});

test("text outside the basic plane comes back as it was sent", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  assertEquals(
    await bench.execute("greet", '{"params":{"name":"\u{1F680} ä \\u0000 \u2028"}}'),
    '{"task_name":"greet","params":{"name":"\u{1F680} ä \\u0000 \u2028"},"result":{"message":"Hello, \u{1F680} ä \\u0000 \u2028!"},"error":null}',
  );
});

test("a body over the limit is 413", async () => {
  await using bench = createBench({ maxBody: 100 });
  const response = await bench.post("greet", `{"params":{"text":"${"x".repeat(100)}"}}`);
  assertEquals(await problemOf(response, 413), {
    type: "urn:taskmount:error:content-too-large",
    title: "Content Too Large",
    status: 413,
    detail: "The body is larger than 100 bytes",
    instance: INSTANCE,
  });
});

test("by default 10 MiB are taken, and one byte more is 413", async () => {
  await using bench = new TestRouter();
  bench.registry.register("measure", {
    params: v.object({ text: v.string() }),
    run: ({ text }) => ({ length: text.length }),
  });
  const limit = 10 * 1024 * 1024;
  const frame = '{"params":{"text":""}}'.length;
  const fits = `{"params":{"text":"${"x".repeat(limit - frame)}"}}`;
  const answer = await bench.execute("measure", fits);
  assert(answer.endsWith(`"result":{"length":${limit - frame}},"error":null}`));
  assertEquals((await bench.post("measure", `${fits} `)).status, 413);
});

test("a Content-Length is believed where a server has framed the body, and nowhere else", async () => {
  await using bench = new TestRouter({ maxBody: 100 });
  registerGreet(bench);
  const json = `{"params":{"name":"${"x".repeat(100)}"}}`;
  const request = () =>
    new Request(`http://localhost${INSTANCE}`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-length": "50" },
      body: json,
    });
  const server: RequestServer = {
    requestIP: () => null,
    timeout: () => {},
    stop: async () => {},
  };
  assertEquals((await bench.router.fetch(request(), server)).status, 200);
  assertEquals((await bench.router.fetch(request())).status, 413);
});

test("another content type is 415, and nothing is run", async () => {
  await using bench = createBench();
  const response = await bench.post("greet", "{}", { "content-type": "text/plain" });
  assertEquals(response.headers.get("accept"), "application/json");
  assertEquals(await problemOf(response, 415), {
    type: "urn:taskmount:error:unsupported-media-type",
    title: "Unsupported Media Type",
    status: 415,
    detail: 'Send the body as application/json in UTF-8, not as "text/plain"',
    instance: INSTANCE,
  });
});

test("a page of another site may run nothing, not even by a POST without a body", async () => {
  await using bench = createBench();
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "https://evil.example" },
    { origin: "null" },
  ]) {
    const problem = await problemOf(await bench.post("greet", undefined, headers), 403);
    assertEquals(problem.type, "urn:taskmount:error:cross-site-request");
    assertEquals(problem.instance, INSTANCE);
  }
});

test("a page of an allowed origin may", async () => {
  await using bench = new TestRouter({ allowedOrigins: ["https://app.example.org"] });
  registerGreet(bench);
  const headers = { "sec-fetch-site": "cross-site", origin: "https://app.example.org" };
  assertEquals((await bench.post("greet", undefined, headers)).status, 200);
  const other = { ...headers, origin: "https://app.example.com" };
  assertEquals((await bench.post("greet", undefined, other)).status, 403);
});

test("tasks of odd names and params are run like any other, and nothing is polluted", async () => {
  await using bench = new TestRouter();
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "then"];
  for (const name of names) {
    assertEquals((await bench.post(name)).status, 404);
    assertEquals((await bench.fetch(`/api/v1/tasks/${name}`)).status, 404);
    bench.registry.register(name, {
      params: v.object({
        constructor: v.optional(v.string(), "c"),
        toString: v.optional(v.string(), "t"),
        valueOf: v.optional(v.object({ a: v.number() })),
      }),
      run: (params) => ({ ...params }),
    });
  }
  for (const name of names) {
    assertEquals(
      await bench.execute(name, "{}"),
      `{"task_name":"${name}","params":{},"result":{"constructor":"c","toString":"t"},"error":null}`,
    );
    assertEquals(
      await bench.execute(
        name,
        '{"params":{"toString":"x","valueOf":{"a":1},"__proto__":{"b":2}}}',
      ),
      `{"task_name":"${name}","params":{"toString":"x","valueOf":{"a":1},"__proto__":{"b":2}},"result":{"constructor":"c","toString":"x","valueOf":{"a":1}},"error":null}`,
    );
  }
  assertEquals((await bench.fetch("/api/v1/tasks")).status, 200);
  assertFalse("b" in {});
  assertEquals(Object.keys(Object.prototype), []);
});
