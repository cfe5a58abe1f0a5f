import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { HttpProblem, readJson } from "../../lib/http/mod.ts";

const JSON_TYPE = { "content-type": "application/json" };
const bounded = { maxBody: 100, framed: false };

function post(body: RequestInit["body"], headers: Record<string, string> = JSON_TYPE): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

/** A body that comes in chunks, and what is still to come when it is let go of. */
function chunked(...chunks: (string | Error)[]): {
  body: ReadableStream<Uint8Array>;
  left: string[];
  canceled: Promise<void>;
} {
  const { promise: canceled, resolve } = Promise.withResolvers<void>();
  const left = chunks.filter((chunk) => typeof chunk === "string");
  const queue = [...chunks];
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = queue.shift();
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else {
          left.shift();
          controller.enqueue(new TextEncoder().encode(chunk));
        }
      },
      cancel: () => resolve(),
    },
    { highWaterMark: 0 },
  );
  return { body, left, canceled };
}

async function refusal(request: Request, options = bounded): Promise<[number, string]> {
  const { status, message } = await assertRejects(() => readJson(request, options), HttpProblem);
  return [status, message];
}

test("readJson() reads JSON, however it is framed", async () => {
  const length = { ...JSON_TYPE, "content-length": "7" };
  for (const framed of [true, false]) {
    for (const headers of [JSON_TYPE, length]) {
      const request = post('{"a":1}', headers);
      assertEquals(await readJson(request, { maxBody: 100, framed }), { a: 1 });
    }
  }
  const { body } = chunked('{"a"', "", ":", "1}");
  assertEquals(await readJson(post(body), bounded), { a: 1 });
});

test("readJson() reads text that is cut anywhere, between bytes of a character too", async () => {
  const bytes = new TextEncoder().encode('{"ä\u{1F680}":1}');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  assertEquals(await readJson(post(body), bounded), { "ä\u{1F680}": 1 });
});

test("readJson() gives undefined where there is no body, whatever the content type", async () => {
  const odd = { "content-type": "text/plain" };
  const requests = [
    post(null, {}),
    post(null, odd),
    post("", {}),
    post("", odd),
    post(null, { ...odd, "content-length": "0" }),
    post(chunked().body, odd),
    post(chunked("", "").body, odd),
    post(chunked("", "").body, JSON_TYPE),
    post(null, { "content-encoding": "gzip" }),
  ];
  for (const request of requests) assertEquals(await readJson(request, bounded), undefined);
});

test("readJson() takes application/json and what ends in +json, in UTF-8", async () => {
  const types = [
    "application/json",
    "APPLICATION/JSON",
    " application/json ",
    "application/json;charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json ; charset = utf8",
    "application/json; charset= utf-8 ; q=1",
    "application/json; version=1",
    "application/problem+json",
    "application/vnd.api+json; charset=utf-8",
  ];
  for (const type of types) {
    assertEquals(await readJson(post("{}", { "content-type": type }), bounded), {}, type);
  }
});

test("readJson() refuses every other content type with 415", async () => {
  const types = [
    "text/plain",
    "text/json",
    "application/jsonp",
    "application/x-json",
    "application/json5",
    "application/+json",
    "application/json, text/plain",
    "multipart/form-data; boundary=application/json",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "application/json; charset=utf-16",
    'application/json; charset="utf-16"',
    "application/json; charset= utf-16",
    "application/json; charset=utf-88",
    "application/json; charset=",
  ];
  for (const type of types) {
    const request = post("{}", { "content-type": type });
    assertEquals(await refusal(request), [
      415,
      `Send the body as application/json in UTF-8, not as "${type}"`,
    ]);
  }
  const { body } = chunked("{}");
  assertEquals(await refusal(post(body, {})), [415, "Send the body as application/json in UTF-8"]);
});

test("readJson() refuses a coded body with 415", async () => {
  for (const coding of ["gzip", "br", "deflate", "gzip, identity"]) {
    const request = post("{}", { ...JSON_TYPE, "content-encoding": coding });
    const error = await assertRejects(() => readJson(request, bounded), HttpProblem);
    assertEquals(
      [error.status, error.message],
      [415, `Send the body without Content-Encoding, not as "${coding}"`],
    );
    assertEquals(error.headers, { "accept-encoding": "identity" });
  }
  const identity = post("{}", { ...JSON_TYPE, "content-encoding": "Identity" });
  assertEquals(await readJson(identity, bounded), {});
});

test("readJson() refuses by Content-Length before it reads", async () => {
  const { body, left } = chunked("{}");
  const request = post(body, { ...JSON_TYPE, "content-length": "101" });
  for (const framed of [true, false]) {
    assertEquals(await refusal(request, { maxBody: 100, framed }), [
      413,
      "The body is larger than 100 bytes",
    ]);
  }
  assertEquals(left, ["{}"]);
});

test("readJson() refuses a body without Content-Length as soon as it is too long", async () => {
  const chunks = ["[", ...Array.from({ length: 50 }, () => "1234567890"), "]"];
  const { body, left, canceled } = chunked(...chunks);
  assertEquals((await refusal(post(body)))[0], 413);
  // Ten of them fit after the bracket but for one byte.
  assertEquals(left.length, 41);
  await canceled;
});

test("readJson() doesn't wait for the rest to be canceled", async () => {
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(64)),
    cancel: () => new Promise<void>(() => {}),
  });
  assertEquals((await refusal(post(body)))[0], 413);
});

test("readJson() counts the bytes where Content-Length may lie", async () => {
  const long = `"${"x".repeat(200)}"`;
  for (const length of ["2", "100", "-1", "1e1", "abc", ""]) {
    const request = post(long, { ...JSON_TYPE, "content-length": length });
    assertEquals((await refusal(request))[0], 413, length);
  }
  const short = post("{}", { ...JSON_TYPE, "content-length": "50" });
  assertEquals(await readJson(short, bounded), {});
});

test("readJson() takes exactly maxBody bytes", async () => {
  const text = `"${"x".repeat(98)}"`;
  assertEquals(await readJson(post(text), bounded), "x".repeat(98));
  const headers = { ...JSON_TYPE, "content-length": "100" };
  assertEquals(await readJson(post(text, headers), bounded), "x".repeat(98));
  assertEquals((await refusal(post(`${text} `)))[0], 413);
  // Bytes count, not characters.
  assertEquals((await refusal(post(`"${"ä".repeat(50)}"`)))[0], 413);
});

test("readJson() refuses a body that breaks off with 400", async () => {
  for (const headers of [JSON_TYPE, { "content-type": "text/plain" }]) {
    const gone = new Error("the client went away");
    const request = post(chunked("", gone).body, headers);
    const error = await assertRejects(() => readJson(request, bounded), HttpProblem);
    assertEquals([error.status, error.code], [400, "incomplete-body"]);
    assertEquals(error.message, "The body broke off before its end");
    assertStrictEquals(error.cause, gone);
  }
  const headers = { ...JSON_TYPE, "content-length": "10" };
  const framed = post(chunked("{", new Error("gone")).body, headers);
  assertEquals((await refusal(framed, { maxBody: 100, framed: true }))[0], 400);
});

test("readJson() tells a body that was read before from what a client did wrong", async () => {
  const request = post("{}");
  await request.text();
  await assertRejects(
    () => readJson(request, bounded),
    TypeError,
    "Cannot read the body of a request a second time",
  );
});

test("readJson() refuses malformed JSON with 400", async () => {
  for (const text of [
    "{",
    "}",
    "nul",
    "01",
    "'a'",
    "[1,]",
    '{"a":1,}',
    "// x",
    "NaN",
    "\ufeff\ufeff1",
  ]) {
    const error = await assertRejects(() => readJson(post(text), bounded), HttpProblem);
    assertEquals([error.status, error.code], [400, "malformed-json"], text);
    assert(error.message.startsWith("The body is no JSON: "));
    assert(error.cause instanceof SyntaxError);
  }
});

test("readJson() refuses what is not UTF-8 with 400", async () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    // Three bytes of four: as long as the replacement character that a lenient decoder gives for them.
    [0x22, 0xf0, 0x9f, 0x98, 0x22],
    [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00],
  ]) {
    const headers = { ...JSON_TYPE, "content-length": String(bytes.length) };
    for (const framed of [true, false]) {
      const error = await refusal(post(Uint8Array.from(bytes), headers), { maxBody: 100, framed });
      assertEquals(error, [400, "The body is no JSON: it is not UTF-8"]);
    }
  }
});

test("readJson() takes a byte order mark", async () => {
  assertEquals(await readJson(post("\ufeff{}"), bounded), {});
  const headers = { ...JSON_TYPE, "content-length": "5" };
  assertEquals(await readJson(post("\ufeff{}", headers), { maxBody: 100, framed: true }), {});
});

test("readJson() refuses more than 500 levels with 422, wherever the brackets open", async () => {
  const options = { maxBody: 10_000_000, framed: false };
  const nested = (levels: number, text = "") => "[".repeat(levels) + text + "]".repeat(levels);
  const deep = [
    nested(501),
    nested(100_000),
    "[".repeat(1_001),
    `{"a":"\\"",${'"b":{'.repeat(500)}${"}".repeat(501)}`,
  ];
  for (const text of deep) {
    const [status, message] = await refusal(post(text), options);
    assertEquals([status, message], [422, "The body is nested more than 500 levels deep"]);
  }
  const brackets = JSON.stringify("[{".repeat(2_000));
  const wide = `[${"[{}],".repeat(2_000)}[]]`;
  for (const text of [
    wide,
    nested(500),
    nested(500, brackets),
    `["\\\\",${nested(499, brackets)}]`,
  ]) {
    await readJson(post(text), options);
  }
});

test("readJson() keeps __proto__ as a key like any other", async () => {
  const value = await readJson(post('{"__proto__":{"a":1}}'), bounded);
  assert(typeof value === "object" && value !== null);
  assertEquals(Object.keys(value), ["__proto__"]);
  assertStrictEquals(Object.getPrototypeOf(value), Object.prototype);
  assert(!("a" in value));
});

test("readJson() gives up on a body that does not come in time, framed or not", async () => {
  for (const framed of [true, false]) {
    const request = new Request("http://localhost", {
      method: "POST",
      headers: { "content-type": "application/json", ...(framed ? { "content-length": "9" } : {}) },
      body: new ReadableStream(),
    });
    const reading = readJson(request, { maxBody: 100, framed, timeout: 0.02 });
    const { status, code, headers } = await assertRejects(() => reading, HttpProblem);
    assertEquals([status, code, headers["connection"]], [408, "request-timeout", "close"]);
  }
});
