import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { bodyStream, HttpProblem } from "../../lib/http/mod.ts";

function post(body: ReadableStream<Uint8Array> | string | null): Request {
  return new Request("http://localhost/", { method: "POST", body });
}

test("bodyStream() gives the body of a request, and nothing where there is none", async () => {
  assertEquals(await new Response(bodyStream(post("hello"))).text(), "hello");
  assertEquals(await new Response(bodyStream(post(null))).text(), "");
  assertEquals(await new Response(bodyStream(post(""))).text(), "");
});

test("bodyStream() refuses a body that was read before", async () => {
  const request = post("hello");
  await request.text();
  assertThrows(() => bodyStream(request), TypeError, "a second time");
});

test("bodyStream() fails with 400 where the client breaks off", async () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new DOMException("closed", "AbortError")),
  });
  const reading = new Response(bodyStream(post(body))).text();
  const { status, code } = await assertRejects(() => reading, HttpProblem);
  assertEquals([status, code], [400, "incomplete-body"]);
});

test("bodyStream() fails with 408 where the client falls silent, and lets go of it", async () => {
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => gone.resolve(),
  });
  const reader = bodyStream(post(body), { patience: 0.01 }).getReader();
  assertEquals((await reader.read()).value?.byteLength, 10);
  const { status, code } = await assertRejects(() => reader.read(), HttpProblem);
  assertEquals([status, code], [408, "request-timeout"]);
  await gone.promise;
});

test("bodyStream() lets go of the body when it is canceled", async () => {
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({ cancel: () => gone.resolve() });
  await bodyStream(post(body)).cancel();
  await gone.promise;
});
