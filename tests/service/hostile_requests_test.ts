import { afterAll, beforeAll, test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals, assertLess } from "@std/assert";

interface State {
  openSessions: number;
  unhandled: number;
  rss: number;
  /** Of artifacts, stored or uploaded. */
  chunks: number;
}

const TARGET = join(import.meta.dir, "fixtures/hostile_target.ts");
const JSON_TYPE = { "content-type": "application/json" };
const DEEP = 100_000;
const CLIENTS = 1_000;
const MEBIBYTE = 1024 * 1024;

let child: Bun.Subprocess<"ignore", "inherit", "ignore">;
let answered = Promise.withResolvers<Record<string, number>>();
let port: number;

beforeAll(async () => {
  child = Bun.spawn([process.execPath, TARGET], {
    // The allocator hands back at once what is free, so that what is resident is what is held.
    env: { ...process.env, MIMALLOC_PURGE_DELAY: "0" },
    ipc: (message) => answered.resolve(message),
    stdin: "ignore",
    stdout: "inherit",
    stderr: "ignore",
  });
  const told = await answered.promise;
  assert(told["port"] !== undefined);
  port = told["port"];
});

afterAll(() => {
  child.kill();
});

function toMebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1);
}

async function state(): Promise<State> {
  answered = Promise.withResolvers();
  child.send("state");
  const { openSessions = -1, unhandled = -1, rss = -1, chunks = -1 } = await answered.promise;
  return { openSessions, unhandled, rss, chunks };
}

/** Waits until every run and upload that a client left has ended, and the collector has had its turns. */
async function settled(): Promise<State> {
  let now = await state();
  while (now.openSessions > 0 || now.chunks > 0) now = await state();
  let { rss } = now;
  for (let turn = 0; turn < 10; turn++) rss = Math.min(rss, (await state()).rss);
  return { ...now, rss };
}

function send(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, init);
}

function execute(
  task: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = JSON_TYPE,
) {
  return send(`/api/v1/tasks/${task}/$execute`, { method: "POST", body, headers });
}

async function expectStatus(expected: number | number[], answer: Promise<Response>, what: string) {
  const response = await answer;
  const text = await response.text();
  assert(
    [expected].flat().includes(response.status),
    `${what}: ${response.status} ${text.slice(0, 300)}`,
  );
  return text;
}

/** Sends bytes as they are, and resolves with all that comes back until the server or the deadline closes. */
async function raw(
  parts: (string | Uint8Array)[],
  { answerWithin = 5_000, pause = 0 }: { answerWithin?: number; pause?: number } = {},
): Promise<string> {
  const chunks: string[] = [];
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_socket, data) => {
        chunks.push(data.toString());
        // One answer is enough.
        if (chunks.join("").includes("\r\n\r\n")) closed.resolve();
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  for (const part of parts) {
    socket.write(part);
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  const timer = setTimeout(closed.resolve, answerWithin);
  await closed.promise;
  clearTimeout(timer);
  socket.terminate();
  return chunks.join("");
}

function expectNoServerError(answer: string, what: string): void {
  // 505, HTTP Version Not Supported, is Bun's own.
  assert(!/^HTTP\/1\.1 50[0-4]/.test(answer), `${what}: ${answer.slice(0, 300)}`);
}

/** Connects, sends a part of a request, and goes away. */
async function leaveHalfWay(text: string, waitForServer: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: () => {}, close: () => resolve(), error: () => resolve(), drain: () => {} },
  });
  socket.write(text);
  socket.flush();
  if (waitForServer) await send("/api/v1/info").then((response) => response.text());
  socket.terminate();
  await promise;
}

async function deepJson(): Promise<void> {
  const arrays = `{"params":{"items":${"[".repeat(DEEP)}${"]".repeat(DEEP)}}}`;
  const objects = `{"params":${'{"children":['.repeat(DEEP)}${"]}".repeat(DEEP)}}`;
  for (const task of ["echo", "typed", "recursive"]) {
    await expectStatus([400, 422], execute(task, arrays), `deep arrays to ${task}`);
    await expectStatus([400, 422], execute(task, objects), `deep objects to ${task}`);
  }
  await expectStatus([400, 422], execute("echo", "[".repeat(DEEP)), "unclosed arrays");
}

async function largeBodies(): Promise<void> {
  const chunk = new Uint8Array(MEBIBYTE).fill(0x20);
  let left = 100;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left === 0) controller.close();
      else controller.enqueue(chunk);
      left -= 1;
    },
  });
  const chunked = send("/api/v1/tasks/echo/$execute", {
    method: "POST",
    body: stream,
    headers: JSON_TYPE,
  });
  // The answer comes before the body is sent, and whoever is still sending may see the connection close.
  await expectStatus(413, chunked, "100 MB in chunks").catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ECONNRESET")) throw error;
  });
  const head = `POST /api/v1/tasks/echo/$execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${100 * MEBIBYTE}\r\n\r\n`;
  const answer = await raw([head, ...Array(100).fill(chunk)]);
  assert(/^HTTP\/1\.1 413/.test(answer), `100 MB with a length: ${answer.slice(0, 100)}`);
}

async function slowBody(): Promise<void> {
  const head =
    "POST /api/v1/tasks/echo/$execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n";
  const answer = await raw([head, "{", "}", " "], { pause: 1_000 });
  assert(/^HTTP\/1\.1 200/.test(answer), `a body of one byte a second: ${answer}`);
}

async function names(): Promise<void> {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]) {
    await expectStatus(404, send(`/api/v1/tasks/${name}`), name);
    await expectStatus(404, execute(name, "{}"), name);
    const params = `{"params":{"${name}":"x"}}`;
    const echoed = JSON.parse(await expectStatus(200, execute("echo", params), params));
    assertEquals(JSON.stringify(echoed.params), `{"${name}":"x"}`);
    await expectStatus(422, execute("echo", `{"${name}":{}}`), `${name} in the body`);
  }
  const typed = await expectStatus(
    200,
    execute("typed", '{"params":{"constructor":"c","__proto__":"p"}}'),
    "typed",
  );
  assertEquals(JSON.parse(typed).error, null, typed);
  const injection = '{"params":{"database":{"url":"evil"},"Database":1,"session":{},"inject":[]}}';
  const kept = await expectStatus(200, execute("typed", injection), "injection");
  assertEquals(JSON.parse(kept).result, { keys: [], isDatabase: true });
  const plain = await expectStatus(
    200,
    execute("typed", "{}"),
    "inherited names as optional params",
  );
  assertEquals(JSON.parse(plain).error, null, plain);
}

async function encodings(): Promise<void> {
  const bytes = (...values: number[]) => new Uint8Array(values);
  for (const [what, body] of Object.entries({
    "a stray byte": bytes(0xff),
    "a cut character": bytes(0x22, 0xf0, 0x9f, 0x98),
    "an overlong slash": bytes(0x22, 0xc0, 0xaf, 0x22),
    "a surrogate in UTF-8": bytes(0x22, 0xed, 0xa0, 0x80, 0x22),
    "UTF-16": bytes(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00),
  })) {
    await expectStatus(400, execute("echo", body), what);
  }
  const lone = '{"params":{"text":"\\ud800","\\udfff":1}}';
  const answer = await expectStatus(200, execute("echo", lone), "lone surrogates");
  assertEquals(JSON.parse(answer).params, JSON.parse(lone).params);
  const twice = await expectStatus(
    200,
    execute("echo", '{"params":{"a":1,"a":2}}'),
    "duplicate keys",
  );
  assertEquals(JSON.parse(twice).params, { a: 2 });
}

async function contentTypes(): Promise<void> {
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonx",
    "json",
    ";",
    "*/*",
    "application/json, text/plain",
    "multipart/form-data",
  ]) {
    await expectStatus(415, execute("echo", "{}", { "content-type": type }), type);
  }
  const missing = send("/api/v1/tasks/echo/$execute", {
    method: "POST",
    body: new Uint8Array([0x7b, 0x7d]),
  });
  await expectStatus(415, missing, "no content type");
  await expectStatus(
    200,
    execute("echo", "{}", { "content-type": "application/json; charset=UTF-8" }),
    "charset",
  );
  await expectStatus(
    200,
    execute("echo", "{}", { "content-type": "application/vnd.api+json" }),
    "+json",
  );
}

async function framing(): Promise<void> {
  const post =
    "POST /api/v1/tasks/echo/$execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  const cases: Record<string, string[]> = {
    "a length that is too short": [`${post}Content-Length: 1\r\n\r\n{}{}{}`],
    "a length that is no number": [`${post}Content-Length: many\r\n\r\n{}`],
    "a negative length": [`${post}Content-Length: -1\r\n\r\n{}`],
    "two lengths": [`${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`],
    "a length and chunks": [
      `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    ],
    "broken chunks": [`${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`],
    "no version": ["GET /\r\n\r\n"],
    "no host": ["GET /api/v1/info HTTP/1.1\r\n\r\n"],
    "an odd host": ["GET /api/v1/info HTTP/1.1\r\nHost: a b<>\r\n\r\n"],
    "an odd host with an origin": [
      `${post}Host: a b<>\r\nOrigin: http://x\r\nContent-Length: 2\r\n\r\n{}`,
    ],
    "an odd host at a list": ["GET /api/v1/tasks?tag=x HTTP/1.1\r\nHost: a b<>\r\n\r\n"],
    "an odd method": ["BREW /api/v1/info HTTP/1.1\r\nHost: x\r\n\r\n"],
    "a header without a colon": ["GET /api/v1/info HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n"],
    "a huge header": [`GET /api/v1/info HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`],
    "many headers": [`GET /api/v1/info HTTP/1.1\r\nHost: x\r\n${"X: y\r\n".repeat(5_000)}\r\n`],
    "a huge path": [`GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    "control characters": ["GET /a\u0001\u0002b HTTP/1.1\r\nHost: x\r\n\r\n"],
    "bytes that are no HTTP": ["\u0016\u0003\u0001\u0000\u0000"],
  };
  await Promise.all(
    Object.entries(cases).map(async ([what, parts]) => {
      expectNoServerError(await raw(parts, { answerWithin: 300 }), what);
    }),
  );
  // The length promises more than comes, and then the client is gone.
  await leaveHalfWay(`${post}Content-Length: 1000\r\n\r\n{`, true);
}

async function paths(): Promise<void> {
  for (const path of [
    "//",
    "//api/v1/tasks",
    "/api//v1/tasks",
    "/api/v1/tasks/",
    "/api/v1/tasks//echo",
    "/api/v1/tasks/%00",
    "/api/v1/tasks/ec%68o%00",
    "/api/v1/tasks/..%2f..%2fhealth",
    "/api/v1/tasks%2fecho",
    "/api/v1/tasks/%",
    "/api/v1/tasks/%zz",
    "/api/v1/tasks/%ff%fe",
    "/api/v1/tasks/%2e%2e/%2e%2e",
    "/API/V1/TASKS",
    "/api/v1/tasks/echo;x=1",
  ]) {
    const answer = await raw([`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`]);
    assert(/^HTTP\/1\.1 (404|400)/.test(answer), `${path}: ${answer.slice(0, 100)}`);
  }
  await expectStatus(200, send("/api/v1/tasks/ec%68o"), "an encoded letter");
  await expectStatus(422, send("/api/v1/tasks?tag=&tag=__proto__&%ff=%zz"), "an odd query");
  await expectStatus(200, send("/api/v1/x/../tasks/./echo"), "dots, which a URL resolves");
}

async function oddResults(): Promise<void> {
  for (const kind of ["bigint", "cycle", "deep", "gone", "throws"]) {
    const text = await expectStatus(
      200,
      execute("odd_result", `{"params":{"kind":"${kind}"}}`),
      kind,
    );
    assertEquals(JSON.parse(text).error.type, "SerializationError", kind);
  }
  for (const kind of ["string", "null", "bigint", "symbol", "proxy", "name", "undefined"]) {
    const text = await expectStatus(
      200,
      execute("odd_error", `{"params":{"kind":"${kind}"}}`),
      kind,
    );
    assertEquals(typeof JSON.parse(text).error.type, "string", kind);
  }
  const wrong = `{"params":{"items":[${'"x",'.repeat(100_000)}"x"]}}`;
  const text = await expectStatus(200, execute("typed", wrong), "100,000 wrong items");
  assertLess(JSON.parse(text).error.issues.length, 1_000);
}

async function disconnects(): Promise<void> {
  const post =
    "POST /api/v1/tasks/wait/$execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
  const halves = [
    "POST /api/v1/tasks/wait/$exe",
    `${post}Content-Le`,
    `${post}Content-Length: 20\r\n\r\n{"params"`,
    `${post}Content-Length: 2\r\n\r\n{}`,
    `${post}Transfer-Encoding: chunked\r\n\r\n2\r\n{`,
    "POST /api/v1/artifacts HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 9\r\n\r\nab",
    "POST /api/v1/artifacts HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 99\r\n\r\n--x\r\n",
  ];
  const AT_ONCE = 50;
  for (let client = 0; client < CLIENTS; client += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        leaveHalfWay(halves[index % halves.length] ?? "", index % 2 === 0),
      ),
    );
  }
}

/** What could be wrong with artifacts; it leaves none. */
async function artifacts(): Promise<void> {
  const upload = (body: RequestInit["body"], headers: Record<string, string>, query = "") =>
    send(`/api/v1/artifacts${query}`, { method: "POST", body: body ?? null, headers });
  const form = { "content-type": "multipart/form-data; boundary=x" };
  const part = (headers: string, body = "y") => `--x\r\n${headers}\r\n\r\n${body}\r\n`;
  const file = 'Content-Disposition: form-data; name="file"; filename="a"';
  const field = (name: string) => `Content-Disposition: form-data; name="${name}"`;
  for (const [what, body, status] of [
    ["no parts", "--x--\r\n", [400, 422]],
    ["no end", part(file), 400],
    ["nothing", "", 400],
    ["no boundary anywhere", "y".repeat(100_000), 400],
    ["endless headers", `--x\r\n${"a: b\r\n".repeat(100_000)}\r\n\r\ny\r\n--x--`, [400, 413, 422]],
    ["one endless header", `${part(`a: ${"b".repeat(1_000_000)}`)}--x--`, [400, 413, 422]],
    ["a field without a name", `${part("Content-Disposition: form-data")}--x--`, [400, 422]],
    ["many fields", `${part(field("tag")).repeat(10_000)}--x--`, 422],
    ["odd names", `${part(field("__proto__"))}${part(file)}--x--`, 422],
    ["a name twice", `${part(field("id")).repeat(2)}${part(file)}--x--`, 422],
    ["two files", `${part(file).repeat(2)}--x--`, 422],
    ["a large field", `${part(field("metadata"), "1".repeat(11 * MEBIBYTE))}--x--`, 413],
    ["deep metadata", `${part(field("metadata"), "[".repeat(DEEP))}${part(file)}--x--`, 422],
    ["a large file", `${part(file, "1".repeat(5 * MEBIBYTE))}--x--`, 413],
  ] as const) {
    await expectStatus([status].flat(), upload(body, form), what);
  }
  const text = { "content-type": "text/plain" };
  for (const [query, status] of [
    ["?metadata=%7B", 422],
    [`?metadata=${"[".repeat(5_000)}`, 422],
    ["?id=%00", 422],
    ["?parent_id=../../x", 422],
    ["?tag=__proto__&tag=constructor&id=", 422],
    [`?filename=${"x".repeat(10_000)}`, 422],
    ["?filename=a%0d%0aSet-Cookie:%20b", 422],
    ["?__proto__=1", 422],
  ] as const) {
    await expectStatus(status, upload("x", text, query), query);
  }
  for (const type of [
    "x",
    "text/html\tx",
    "a/b;c",
    `a/${"b".repeat(1_000)}`,
    "multipart/form-data",
  ]) {
    await expectStatus([400, 422], upload("x", { "content-type": type }), type.slice(0, 50));
  }
  await expectStatus(413, upload("1".repeat(5 * MEBIBYTE), text), "a large body");
  const { id } = JSON.parse(
    await expectStatus(
      201,
      upload("0123456789", { "content-type": "text/html" }, "?filename=a%22b%2Fc.html"),
      "a page",
    ),
  );
  const path = `/api/v1/artifacts/${id}`;
  for (const range of [
    `bytes=${"9".repeat(10_000)}-`,
    `bytes=-${"9".repeat(10_000)}`,
    `bytes=${"0-1,".repeat(2_000)}0-1`,
    "bytes=NaN-Infinity",
    "bytes=-1--1",
  ]) {
    await expectStatus(
      [200, 206, 416],
      send(`${path}/$download`, { headers: { range } }),
      range.slice(0, 30),
    );
  }
  await expectStatus(
    200,
    send(`${path}/$download`, { headers: { "if-none-match": '"'.repeat(10_000) } }),
    "an odd tag",
  );
  await expectStatus(422, send("/api/v1/artifacts?size=1e9&page=0x10&before=%00"), "an odd list");
  await expectStatus([200, 404], send(`${path}/$tree`), "a tree");
  await expectStatus(204, send(path, { method: "DELETE" }), "deleted");
}

async function pass(): Promise<State> {
  // The slow one goes on beside all others, which must not wait for it.
  const slow = slowBody();
  await deepJson();
  await largeBodies();
  await names();
  await encodings();
  await contentTypes();
  await framing();
  await paths();
  await oddResults();
  await artifacts();
  await disconnects();
  await slow;
  return await settled();
}

test("hostile requests never give a 500, end the process, or leave a session or memory behind", async () => {
  const first = await pass();
  let second = await pass();
  // The allocator alone moves it by a tenth. A leak grows with every pass, noise does not.
  for (let more = 0; more < 3 && second.rss >= first.rss * 1.1; more++) second = await pass();
  console.log(`resident: ${toMebibytes(first.rss)} MiB, then ${toMebibytes(second.rss)} MiB`);
  assertEquals([first.openSessions, second.openSessions], [0, 0]);
  assertEquals([first.unhandled, second.unhandled], [0, 0]);
  assertLess(second.rss, first.rss * 1.1);
  await expectStatus(200, send("/health"), "the service lives");
}, 60_000);
