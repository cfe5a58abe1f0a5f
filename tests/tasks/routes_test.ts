import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { optional, Session, token } from "../../lib/mod.ts";
import { jsonOf, registerGreet, TestRouter } from "./test_router.ts";

const GREET =
  '{"name":"greet","docstring":"Greets somebody.","signature":"(name: string = \\"World\\")",' +
  '"parameters":[{"name":"name","annotation":"string","default":"\\"World\\"","required":false}],' +
  '"tags":["demo","simple"],"inject":[],' +
  '"input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",' +
  '"properties":{"name":{"type":"string","default":"World"}},"required":[]}}';

test("GET {prefix}/{name} answers the task's info, to the byte", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  const response = await bench.fetch("/api/v1/tasks/greet");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type")?.split(";")[0], "application/json");
  assertEquals(await response.text(), GREET);
});

test("GET {prefix}/{name} names the injected tokens", async () => {
  await using bench = new TestRouter();
  const Mailer = token<string>("Mailer");
  bench.registry.register("mail", { inject: [Session, optional(Mailer)], run: () => {} });
  const { inject, parameters, signature, docstring } = await jsonOf(
    await bench.fetch("/api/v1/tasks/mail"),
  );
  assertEquals(inject, ["Session", "Mailer"]);
  assertEquals([parameters, signature, docstring], [[], "()", null]);
});

test("GET {prefix} answers every task, sorted by name", async () => {
  await using bench = new TestRouter();
  assertEquals(await (await bench.fetch("/api/v1/tasks")).text(), "[]");
  bench.registry.register("z", { run: () => {} });
  registerGreet(bench);
  bench.registry.register("a", { run: () => {} });
  const text = await (await bench.fetch("/api/v1/tasks")).text();
  assertEquals(
    JSON.parse(text).map(({ name }: { name: string }) => name),
    ["a", "greet", "z"],
  );
  assertEquals(text.includes(`},${GREET},{`), true);
});

test("GET {prefix}?tag=a&tag=b keeps the tasks that have all tags", async () => {
  await using bench = new TestRouter();
  bench.registry.register("both", { tags: ["a", "b"], run: () => {} });
  bench.registry.register("one", { tags: ["a"], run: () => {} });
  bench.registry.register("none", { run: () => {} });
  bench.registry.register("odd", { tags: ["ä & b"], run: () => {} });
  const cases: [string, string[]][] = [
    ["", ["both", "none", "odd", "one"]],
    ["?", ["both", "none", "odd", "one"]],
    ["?tag=a", ["both", "one"]],
    ["?tag=b&tag=a", ["both"]],
    ["?tag=a&tag=c", []],
    ["?tag=%C3%A4+%26%20b", ["odd"]],
    ["?tag=%E0%A4%A", []],
  ];
  for (const [query, expected] of cases) {
    const response = await bench.fetch(`/api/v1/tasks${query}`);
    assertEquals(response.status, 200);
    const names = (await jsonOf(response)).map(({ name }: { name: string }) => name);
    assertEquals(names, expected, query);
  }
});

test("POST $execute answers task_name, params, result and error, to the byte", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  assertEquals(
    await bench.execute("greet", '{"params":{"name":"Alice"}}'),
    '{"task_name":"greet","params":{"name":"Alice"},"result":{"message":"Hello, Alice!"},"error":null}',
  );
});

test("POST $execute takes {}, null params, null and no body", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  const answer =
    '{"task_name":"greet","params":{},"result":{"message":"Hello, World!"},"error":null}';
  for (const body of ["{}", '{"params":{}}', '{"params":null}', "null", undefined, "", " {} \n"]) {
    assertEquals(await bench.execute("greet", body), answer, body);
  }
});

test("POST $execute answers null for both where the task returned nothing", async () => {
  await using bench = new TestRouter();
  bench.registry.register("idle", { run: () => {} });
  bench.registry.register("null", { run: async () => null });
  assertEquals(
    await bench.execute("idle"),
    '{"task_name":"idle","params":{},"result":null,"error":null}',
  );
  assertEquals(
    await bench.execute("null"),
    '{"task_name":"null","params":{},"result":null,"error":null}',
  );
});

test("the $ may arrive percent-encoded, and so may the rest of the path", async () => {
  await using bench = new TestRouter();
  registerGreet(bench);
  for (const path of [
    "/api/v1/tasks/greet/%24execute",
    "/api/v1/tasks/%67reet/$execute",
    "/%61pi/v1/tasks/greet/%24%65xecute",
  ]) {
    const response = await bench.fetch(path, { method: "POST" });
    assertEquals((await jsonOf(response)).result, { message: "Hello, World!" }, path);
  }
});

test("params are echoed as they were sent, whatever the schema or the task makes of them", async () => {
  await using bench = new TestRouter();
  bench.registry.register("mutate", {
    params: v.any(),
    run: (params) => {
      params.items.push("added");
      params.name = "changed";
      delete params.gone;
      return { ok: true };
    },
  });
  const sent = '{"items":[1,{"a":[]}],"gone":null,"name":" x ","b":true,"1":0,"unknown":{}}';
  const echoed = '{"1":0,"items":[1,{"a":[]}],"gone":null,"name":" x ","b":true,"unknown":{}}';
  assertEquals(
    await bench.execute("mutate", `{"params":${sent}}`),
    `{"task_name":"mutate","params":${echoed},"result":{"ok":true},"error":null}`,
  );
  bench.registry.register("trim", {
    params: v.object({ name: v.pipe(v.string(), v.trim()) }),
    run: ({ name }) => ({ name }),
  });
  assertEquals(
    await bench.execute("trim", '{"params":{"name":" x ","extra":1}}'),
    '{"task_name":"trim","params":{"name":" x ","extra":1},"result":{"name":"x"},"error":null}',
  );
});

test("params are echoed too where the task fails or they are not valid", async () => {
  await using bench = new TestRouter({ traceback: false });
  bench.registry.register("fail", {
    params: v.object({ count: v.number() }),
    run: () => {
      throw new Error("no");
    },
  });
  assertEquals(
    await bench.execute("fail", '{"params":{"count":1}}'),
    '{"task_name":"fail","params":{"count":1},"result":null,"error":{"type":"Error","message":"no","traceback":null}}',
  );
  const { params, result } = JSON.parse(
    await bench.execute("fail", '{"params":{"count":"1","other":[]}}'),
  );
  assertEquals([params, result], [{ count: "1", other: [] }, null]);
});

test("a task without params drops what is sent, and still echoes it", async () => {
  await using bench = new TestRouter();
  bench.registry.register("none", { run: (params) => ({ got: params }) });
  assertEquals(
    await bench.execute("none", '{"params":{"a":1}}'),
    '{"task_name":"none","params":{"a":1},"result":{"got":{}},"error":null}',
  );
});
