import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { TaskRouter } from "../../lib/tasks/mod.ts";
import { jsonOf, problemOf, registerGreet, TestRouter } from "./test_router.ts";

test("an unknown task is 404, named", async () => {
  await using bench = new TestRouter();
  for (const [path, method] of [
    ["/api/v1/tasks/missing", "GET"],
    ["/api/v1/tasks/missing/$execute", "POST"],
    ["/api/v1/tasks/missing/%24execute", "POST"],
  ] as const) {
    assertEquals(await problemOf(await bench.fetch(path, { method }), 404), {
      type: "urn:taskmount:error:task-not-found",
      title: "Not Found",
      status: 404,
      detail: 'No task is registered as "missing"',
      instance: path,
    });
  }
});

test("an unknown route is 404, and so is $submit where there are no jobs", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  const routes: [string, string][] = [
    ["POST", "/api/v1/tasks/greet/$submit"],
    ["POST", "/api/v1/tasks/greet/execute"],
    ["POST", "/api/v1/tasks/greet/$execute/"],
    ["POST", "/api/v1/tasks/greet/$execute/more"],
    ["GET", "/api/v1/tasks/"],
    ["GET", "/api/v1/tasks//"],
    ["GET", "/api/v1"],
    ["GET", "/"],
    ["GET", "/API/v1/tasks"],
    ["GET", "/api/v1/tasks/greet/%E0%A4%A"],
    ["OPTIONS", "/nowhere"],
  ];
  for (const [method, path] of routes) {
    assertEquals(await problemOf(await bench.fetch(path, { method }), 404), {
      type: "urn:taskmount:error:not-found",
      title: "Not Found",
      status: 404,
      detail: `There is nothing at ${path}`,
      instance: path,
    });
  }
});

test("the prefix can be another one, the root too", async () => {
  for (const [prefix, list, task] of [
    ["/tools", "/tools", "/tools/greet"],
    ["/a/b/c", "/a/b/c", "/a/b/c/greet"],
    ["/", "/", "/greet"],
  ] as const) {
    await using bench = new TestRouter({ prefix });
    registerGreet(bench);
    assertEquals(bench.router.prefix, prefix);
    assertEquals((await jsonOf(await bench.fetch(list))).length, 1);
    assertEquals((await jsonOf(await bench.fetch(task))).name, "greet");
    const response = await bench.fetch(`${task}/$execute`, { method: "POST" });
    assertEquals((await jsonOf(response)).result, { message: "Hello, World!" });
    assertEquals((await bench.fetch("/api/v1/tasks")).status, 404);
  }
});

test("a router says under which headings its routes stand", async () => {
  await using byDefault = new TestRouter();
  await using own = new TestRouter({ tags: ["Tools", "Internal"] });
  assertEquals(byDefault.router.tags, ["Tasks"]);
  assertEquals(own.router.tags, ["Tools", "Internal"]);
});

test("create() refuses a prefix or a basePath that is no path", async () => {
  await using bench = new TestRouter();
  const { executor } = bench;
  for (const path of ["tasks", "/tasks/", "//", "/a b", "/a?b", "https://example.org"]) {
    assertThrows(() => TaskRouter.create({ executor, prefix: path }), TypeError, `"${path}"`);
    assertThrows(() => TaskRouter.create({ executor, basePath: path }), TypeError, `"${path}"`);
  }
  assertThrows(() => TaskRouter.create({ executor, prefix: "" }), TypeError);
});

test("basePath is taken off the paths of requests, and stays in what problems say", async () => {
  await using bench = new TestRouter({ basePath: "/mounted" });
  registerGreet(bench);
  for (const path of ["/mounted/api/v1/tasks/greet", "/api/v1/tasks/greet"]) {
    assertEquals((await bench.fetch(path)).status, 200, path);
  }
  const problem = await problemOf(await bench.fetch("/mounted/api/v1/tasks/missing"), 404);
  assertEquals(problem.instance, "/mounted/api/v1/tasks/missing");
  assertEquals((await bench.fetch("/mountedapi/v1/tasks")).status, 404);
});

test("HEAD is answered like GET, without a body", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  for (const path of ["/api/v1/tasks", "/api/v1/tasks/greet"]) {
    const get = await bench.fetch(path);
    const head = await bench.fetch(path, { method: "HEAD" });
    assertEquals(head.status, 200);
    assertEquals(head.body, null);
    assertEquals(head.headers.get("content-type"), get.headers.get("content-type"));
    assertEquals(head.headers.get("content-length"), String((await get.arrayBuffer()).byteLength));
  }
  const missing = await bench.fetch("/api/v1/tasks/missing", { method: "HEAD" });
  assertEquals([missing.status, missing.body], [404, null]);
});

test("a request without a usable host is answered like any other", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  for (const [path, method] of [
    ["/api/v1/tasks?tag=demo", "GET"],
    ["/api/v1/tasks/greet", "GET"],
    ["/api/v1/tasks/greet/$execute", "POST"],
  ] as const) {
    const request = new Request("http://localhost/", { method });
    // As Bun gives it for a Host header such as "a b".
    Object.defineProperty(request, "url", { value: path });
    assertEquals((await bench.router.fetch(request)).status, 200, path);
  }
});

test("OPTIONS names the methods, and every other method is 405 with them", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  for (const [path, allow, others] of [
    ["/api/v1/tasks", "GET, HEAD, OPTIONS", ["POST", "PUT", "DELETE", "PATCH"]],
    ["/api/v1/tasks/greet", "GET, HEAD, OPTIONS", ["POST", "PUT", "DELETE", "PATCH"]],
    ["/api/v1/tasks/greet/$execute", "OPTIONS, POST", ["GET", "PUT", "DELETE", "PATCH"]],
  ] as const) {
    const options = await bench.fetch(path, { method: "OPTIONS" });
    assertEquals([options.status, options.body], [204, null]);
    assertEquals(options.headers.get("allow"), allow);
    for (const method of others) {
      const response = await bench.fetch(path, { method });
      assertEquals(response.headers.get("allow"), allow);
      assertEquals(await problemOf(response, 405), {
        type: "urn:taskmount:error:method-not-allowed",
        title: "Method Not Allowed",
        status: 405,
        detail: `${method} is not allowed at ${path}; allowed are ${allow}`,
        instance: path,
      });
    }
  }
  const head = await bench.fetch("/api/v1/tasks/greet/$execute", { method: "HEAD" });
  assertEquals([head.status, head.body, head.headers.get("allow")], [405, null, "OPTIONS, POST"]);
});

test("a task registered later is there at once, and a cleared one gone", async () => {
  await using bench = new TestRouter();
  assertEquals((await bench.post("greet")).status, 404);
  registerGreet(bench);
  assertEquals((await bench.post("greet")).status, 200);
  bench.registry.clear();
  assertEquals((await bench.post("greet")).status, 404);
});

test("routing looks up as much for 10,000 tasks as for one", async () => {
  const lookups: number[] = [];
  for (const tasks of [1, 10_000]) {
    await using bench = new TestRouter();
    for (let task = 1; task < tasks; task++) bench.registry.register(`t${task}`, { run: () => {} });
    registerGreet(bench);
    lookups.push(await countLookups(() => bench.execute("greet")));
  }
  assert(lookups[0] !== undefined && lookups[0] > 0);
  assertEquals(lookups[0], lookups[1]);
});

/** How often any Map or array was searched or walked during `use`. */
async function countLookups(use: () => Promise<unknown>): Promise<number> {
  let lookups = 0;
  const restores: (() => void)[] = [];
  const methods: [object, (string | symbol)[]][] = [
    [Map.prototype, ["get", "has", "keys", "values", "entries", "forEach", Symbol.iterator]],
    [Array.prototype, ["filter", "find", "map", "sort", "some", "every", "includes", "indexOf"]],
  ];
  for (const [prototype, keys] of methods) {
    for (const key of keys) {
      const original = Reflect.get(prototype, key);
      const counting = function (this: unknown, ...args: unknown[]) {
        lookups += 1;
        return Reflect.apply(original, this, args);
      };
      Object.defineProperty(prototype, key, {
        value: counting,
        configurable: true,
        writable: true,
      });
      restores.push(() =>
        Object.defineProperty(prototype, key, {
          value: original,
          configurable: true,
          writable: true,
        }),
      );
    }
  }
  try {
    await use();
  } finally {
    for (const restore of restores) restore();
  }
  return lookups;
}
