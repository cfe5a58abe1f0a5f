import { test } from "bun:test";
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { ArtifactChangedError } from "../../../lib/artifacts/mod.ts";
import { recordOf } from "../../jobs/http/job_bench.ts";
import { problemOf } from "../../tasks/test_router.ts";
import { ARTIFACTS, ArtifactBench } from "./artifact_bench.ts";

const TEXT = "0123456789";

/** Saves ten digits; the id and the tag to ask by. */
async function saveDigits(bench: ArtifactBench) {
  const { id, sha256 } = await bench.save({
    data: new TextEncoder().encode(TEXT),
    contentType: "text/plain",
    filename: "digits.txt",
  });
  return { id, etag: `"${sha256}"` };
}

test("$download answers the bytes with their type, size, tag and name", async () => {
  await using bench = new ArtifactBench();
  const { id, etag } = await saveDigits(bench);
  const response = await bench.download(id);
  assertEquals(await response.text(), TEXT);
  assertEquals(
    [response.status, Object.fromEntries(response.headers)],
    [
      200,
      {
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
        "content-disposition": 'attachment; filename="digits.txt"',
        "content-length": "10",
        "content-security-policy": "sandbox; default-src 'none'",
        "content-type": "text/plain",
        etag,
        "x-content-type-options": "nosniff",
      },
    ],
  );
});

test("$download of JSON data answers its text, with ranges and a tag of its own", async () => {
  await using bench = new ArtifactBench();
  const data = { text: "ä€", n: [1.5, null] };
  const { id } = await bench.save({ data });
  const response = await bench.download(id);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(response.headers.get("content-disposition"), `attachment; filename="${id}.json"`);
  const text = await response.text();
  assertEquals(text, JSON.stringify(data));
  assertEquals(
    response.headers.get("content-length"),
    String(new TextEncoder().encode(text).byteLength),
  );
  const etag = response.headers.get("etag") ?? "";
  assertEquals((await bench.download(id, { "if-none-match": etag })).status, 304);
  const part = await bench.download(id, { range: "bytes=0-7", "if-range": etag });
  assertEquals([part.status, await part.text()], [206, text.slice(0, 8)]);
  await bench.artifacts.update(id, { data: { ...data, n: [] } });
  assertEquals((await bench.download(id, { "if-none-match": etag })).status, 200);
  const nothing = await bench.save();
  assertEquals(await (await bench.download(nothing.id)).text(), "null");
});

test("$download answers 304 to a client that has it", async () => {
  await using bench = new ArtifactBench();
  const { id, etag } = await saveDigits(bench);
  for (const value of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const response = await bench.download(id, { "if-none-match": value, range: "bytes=0-1" });
    assertEquals([response.status, await response.text()], [304, ""], value);
    assertEquals(response.headers.get("etag"), etag);
    assertEquals(response.headers.get("content-length"), null);
  }
  assertEquals((await bench.download(id, { "if-none-match": '"other"' })).status, 200);
  const head = await bench.fetch(`${ARTIFACTS}/${id}/$download`, {
    method: "HEAD",
    headers: { "if-none-match": etag },
  });
  assertEquals(head.status, 304);
});

test("$download answers a range with 206, and one beyond the end with 416", async () => {
  await using bench = new ArtifactBench();
  const { id } = await saveDigits(bench);
  for (const [range, text, place] of [
    ["bytes=0-0", "0", "bytes 0-0/10"],
    ["bytes=3-5", "345", "bytes 3-5/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=-2", "89", "bytes 8-9/10"],
    ["bytes=0-99", TEXT, "bytes 0-9/10"],
  ] as const) {
    const response = await bench.download(id, { range });
    assertEquals([response.status, await response.text()], [206, text], range);
    assertEquals(response.headers.get("content-range"), place);
    assertEquals(response.headers.get("content-length"), String(text.length));
  }
  for (const range of ["bytes=10-", "bytes=-0"]) {
    const response = await bench.download(id, { range });
    assertEquals(response.headers.get("content-range"), "bytes */10");
    const problem = await problemOf(response, 416);
    assertEquals(problem.type, "urn:taskmount:error:range-not-satisfiable");
  }
  for (const range of ["bytes=0-1,4-5", "lines=1-2", "bytes=5-1", "nonsense"]) {
    const response = await bench.download(id, { range });
    assertEquals([response.status, await response.text()], [200, TEXT], range);
  }
});

test("$download takes a range with If-Range for what the client has begun alone", async () => {
  await using bench = new ArtifactBench();
  const { id, etag } = await saveDigits(bench);
  const status = async (ifRange: string) =>
    (await bench.download(id, { range: "bytes=5-", "if-range": ifRange })).status;
  assertEquals(await status(etag), 206);
  assertEquals(await status('"other"'), 200);
  assertEquals(await status(`W/${etag}`), 200);
  assertEquals(await status(new Date().toUTCString()), 200);
  const beyond = await bench.download(id, { range: "bytes=99-", "if-range": '"other"' });
  assertEquals(beyond.status, 200);
});

test("$download gives ranges across chunks exactly", async () => {
  await using bench = new ArtifactBench();
  const bytes = new Uint8Array(3_500_000);
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = (index * 31 + (index >> 9)) % 251;
  const { id } = await bench.save({ data: bytes });
  const MIB = 1024 * 1024;
  for (const [first, last] of [
    [0, 3_499_999],
    [MIB - 1, MIB],
    [MIB, 2 * MIB - 1],
    [1_234_567, 3_456_789],
    [3_499_999, 3_499_999],
  ] as const) {
    const response = await bench.download(id, { range: `bytes=${first}-${last}` });
    assertEquals(response.status, 206);
    const part = await response.bytes();
    assertEquals(Bun.hash(part), Bun.hash(bytes.subarray(first, last + 1)), `${first}-${last}`);
  }
});

test("$download never lets a browser run what was uploaded, whatever its type and name say", async () => {
  await using bench = new ArtifactBench();
  for (const [type, filename] of [
    ["text/html", "page.html"],
    ["image/svg+xml", "image.svg"],
    ["application/xhtml+xml", "a\u202elmth.txt"],
    ["text/javascript", '"; filename="evil.html'],
    ["application/pdf", "../../index.html"],
  ] as const) {
    const body = "<script>alert(document.domain)</script>";
    const query = `?${new URLSearchParams({ filename })}`;
    const { id } = await recordOf(await bench.upload(body, type, query), 201);
    const { headers } = await bench.download(id);
    assertEquals(headers.get("content-type"), type);
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("content-security-policy"), "sandbox; default-src 'none'");
    assertMatch(headers.get("content-disposition") ?? "", /^attachment; filename="[^"/\\]*"(;|$)/);
  }
});

test("$download reads no more than the client takes", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save({ data: new Uint8Array(20 * 1024 * 1024) });
  let read = 0;
  const { artifacts } = bench;
  const stream = artifacts.stream.bind(artifacts);
  artifacts.stream = async (...args) => {
    const source = (await stream(...args)).getReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await source.read();
          if (done) return controller.close();
          read += value.byteLength;
          controller.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
  };
  const response = await bench.download(id);
  const reader = response.body?.getReader();
  await reader?.read();
  assertLess(read, 4 * 1024 * 1024);
  await reader?.cancel();
});

test("a download leaves all else its turn between chunks, however fast it is taken", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save({ data: new Uint8Array(8 * 1024 * 1024) });
  const response = await bench.download(id);
  let turns = 0;
  let isReading = true;
  const turn = () => {
    turns += 1;
    if (isReading) setImmediate(turn);
  };
  setImmediate(turn);
  let chunks = 0;
  assert(response.body !== null);
  for await (const _ of response.body) chunks += 1;
  isReading = false;
  assertGreaterOrEqual(turns, chunks - 1);
});

test("a download whose artifact is deleted fails rather than end too soon", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save({ data: new Uint8Array(5 * 1024 * 1024) });
  const response = await bench.download(id);
  const reader = response.body?.getReader();
  await reader?.read();
  await bench.artifacts.delete(id);
  await assertRejects(async () => {
    while (!(await reader?.read())?.done);
  }, ArtifactChangedError);
});

test("a download whose artifact is replaced as it begins is refused", async () => {
  await using bench = new ArtifactBench();
  const { id } = await saveDigits(bench);
  const { artifacts } = bench;
  const stream = artifacts.stream.bind(artifacts);
  artifacts.stream = async (...args) => {
    await artifacts.update(id, { data: new Blob(["other"]) });
    return await stream(...args);
  };
  const response = await bench.download(id);
  assertEquals(response.headers.get("retry-after"), "1");
  await problemOf(response, 503);
});
