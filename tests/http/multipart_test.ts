import { test } from "bun:test";
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type FormFile, HttpProblem, readForm } from "../../lib/http/mod.ts";

const BOUNDARY = "XyZ";
const TEXT = [
  `--${BOUNDARY}`,
  'Content-Disposition: form-data; name="before"',
  "",
  "one",
  `--${BOUNDARY}`,
  'Content-Disposition: form-data; name="file"; filename="../a.csv"',
  "Content-Type: text/csv",
  "",
  "x,y\r\n--Xy\r\n",
  `--${BOUNDARY}`,
  'Content-Disposition: form-data; name="after"',
  "",
  "two",
  `--${BOUNDARY}--`,
  "",
].join("\r\n");

/** A request whose body comes in pieces of so many bytes. */
function formRequest(text: string, { piece = 10_000, boundary = BOUNDARY } = {}): Request {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
  return new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
    body,
  });
}

/** Reads a form whole; what its file holds is read with it. */
async function readWhole(request: Request, maxFields = 1_000) {
  const files: { filename: string | null; contentType: string; text: string }[] = [];
  const fields = await readForm(request, {
    maxFields,
    takeFile: async ({ filename, contentType, stream }) => {
      files.push({ filename, contentType, text: await new Response(stream).text() });
    },
  });
  return { fields: Object.fromEntries(fields), files };
}

async function problemOf(reading: Promise<unknown>): Promise<[number, string]> {
  const problem = await assertRejects(() => reading, HttpProblem);
  return [problem.status, problem.message];
}

test("readForm() gives the fields before and behind a file, whatever the pieces are", async () => {
  for (const piece of [1, 2, 7, 64, 10_000]) {
    assertEquals(await readWhole(formRequest(TEXT, { piece })), {
      fields: { before: ["one"], after: ["two"] },
      files: [{ filename: "a.csv", contentType: "text/csv", text: "x,y\r\n--Xy\r\n" }],
    });
  }
});

test("readForm() reads what FormData writes", async () => {
  const form = new FormData();
  form.append("tag", "a");
  form.append("tag", "ä\r\n€");
  form.append("file", new File(["\0\r\n--"], "naïve €.bin", { type: "application/x-thing" }));
  const request = new Request("http://localhost/", { method: "POST", body: form });
  assertEquals(await readWhole(request), {
    fields: { tag: ["a", "ä\r\n€"] },
    files: [{ filename: "naïve €.bin", contentType: "application/x-thing", text: "\0\r\n--" }],
  });
});

test("readForm() refuses a form that ends before its end, wherever that is", async () => {
  for (let length = 0; length < TEXT.length - 2; length++) {
    const reading = readWhole(formRequest(TEXT.slice(0, length), { piece: 50 }));
    const [status, message] = await problemOf(reading);
    assertEquals([status, message.includes("no multipart/form-data")], [400, true], message);
  }
});

test("readForm() refuses what has no boundary, a second file, and too many or too large fields", async () => {
  const headers = { "content-type": "multipart/form-data" };
  const bare = new Request("http://localhost/", { method: "POST", headers, body: TEXT });
  assertEquals((await problemOf(readWhole(bare)))[0], 400);
  const two = new FormData();
  two.append("a", new File(["1"], "a"));
  two.append("b", new File(["2"], "b"));
  const post = (body: FormData) => new Request("http://localhost/", { method: "POST", body });
  assertEquals(await problemOf(readWhole(post(two))), [
    422,
    "The form has a second file, where one is expected",
  ]);
  const many = new FormData();
  for (let field = 0; field <= 200; field++) many.append("tag", "a");
  assertEquals(await problemOf(readWhole(post(many))), [422, "The form has more than 200 fields"]);
  for (const values of [["x".repeat(1_001)], ["x".repeat(600), "y".repeat(600)]]) {
    const large = new FormData();
    for (const value of values) large.append("tag", value);
    assertEquals((await problemOf(readWhole(post(large))))[0], 413);
  }
});

test("readForm() asks for no more of the body than its file is read", async () => {
  let sent = 0;
  const head = new TextEncoder().encode(TEXT.slice(0, TEXT.indexOf("x,y")));
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        controller.enqueue(sent === 0 ? head : new Uint8Array(64 * 1024));
        sent += 1;
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
    body,
  });
  const taken = Promise.withResolvers<FormFile>();
  const leave = Promise.withResolvers<void>();
  const reading = readForm(request, {
    maxFields: 1_000,
    takeFile: (file) => {
      taken.resolve(file);
      return leave.promise;
    },
  });
  const reader = (await taken.promise).stream.getReader();
  for (let read = 0; read < 20; read++) {
    const { value } = await reader.read();
    assert(value !== undefined && value.byteLength > 0);
    assert(sent < read + 6, `${sent} pieces were asked for, and ${read} are read`);
  }
  leave.reject(new HttpProblem(413, "content-too-large", { detail: "enough" }));
  assertEquals(await problemOf(reading), [413, "enough"]);
});

test("readForm() fails where the client breaks off, and what reads the file does too", async () => {
  const text = TEXT.slice(0, TEXT.indexOf("--Xy\r\n"));
  let isSent = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (isSent) return controller.error(new DOMException("gone", "AbortError"));
      isSent = true;
      controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const request = new Request("http://localhost/", {
    method: "POST",
    headers: { "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
    body,
  });
  let error: unknown;
  const reading = readForm(request, {
    maxFields: 1_000,
    takeFile: async ({ stream }) => {
      error = await new Response(stream).text().catch((error: unknown) => error);
    },
  });
  assertEquals(await problemOf(reading), [400, "The body broke off before its end"]);
  assertInstanceOf(error, HttpProblem);
});
