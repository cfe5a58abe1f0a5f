import { test } from "bun:test";
import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";

/** What messages become. */
function stream(...messages: ServerSentEventMessage[]): ReadableStream<Uint8Array> {
  const source = new ReadableStream<ServerSentEventMessage>({
    start(controller) {
      for (const message of messages) controller.enqueue(message);
      controller.close();
    },
  });
  return source.pipeThrough(new ServerSentEventStream());
}

/** The text of each chunk that messages become. */
async function serialize(...messages: ServerSentEventMessage[]): Promise<string[]> {
  const chunks = await Array.fromAsync(stream(...messages));
  return chunks.map((chunk) => new TextDecoder().decode(chunk));
}

test("ServerSentEventStream writes the fields of a message in their order", async () => {
  assertEquals(
    await serialize({ retry: 2500, id: "7", data: "half", event: "progress", comment: "note" }),
    [":note\nevent:progress\ndata:half\nid:7\nretry:2500\n\n"],
  );
});

test("ServerSentEventStream writes each field alone, one chunk a message", async () => {
  assertEquals(
    await serialize(
      { comment: "note" },
      { event: "progress" },
      { data: "half" },
      { id: "7" },
      { id: 7 },
      { retry: 2500 },
    ),
    [":note\n\n", "event:progress\n\n", "data:half\n\n", "id:7\n\n", "id:7\n\n", "retry:2500\n\n"],
  );
});

test("ServerSentEventStream writes fields that are empty or 0", async () => {
  assertEquals(
    await serialize(
      { comment: "" },
      { event: "" },
      { data: "" },
      { id: "" },
      { id: 0 },
      { retry: 0 },
    ),
    [":\n\n", "event:\n\n", "data:\n\n", "id:\n\n", "id:0\n\n", "retry:0\n\n"],
  );
});

test("ServerSentEventStream writes no field for a message of none", async () => {
  assertEquals(await serialize({}), ["\n\n"]);
});

test("ServerSentEventStream begins a field at every line of the data and of a comment", async () => {
  assertEquals(
    await serialize({ data: "1\n2\r3\r\n4\n\r5" }, { comment: "1\n2\r3\r\n4" }, { data: "\n" }),
    ["data:1\ndata:2\ndata:3\ndata:4\ndata:\ndata:5\n\n", ":1\n:2\n:3\n:4\n\n", "data:\ndata:\n\n"],
  );
});

test("ServerSentEventStream writes other characters as they are", async () => {
  assertEquals(await serialize({ event: "ü: $& 🦕", data: " data:\u2028\u0085\v" }), [
    "event:ü: $& 🦕\ndata: data:\u2028\u0085\v\n\n",
  ]);
});

test("ServerSentEventStream writes bytes, which a Response takes as its body", async () => {
  const [chunk] = await Array.fromAsync(stream({ data: "é" }));
  assertInstanceOf(chunk, Uint8Array);
  assertEquals([...chunk], [...new TextEncoder().encode("data:é\n\n")]);
  assertEquals(await new Response(stream({ data: "é" })).text(), "data:é\n\n");
});

test("ServerSentEventStream is a TransformStream", () => {
  const transform: TransformStream<ServerSentEventMessage, Uint8Array> =
    new ServerSentEventStream();
  assertInstanceOf(transform, TransformStream);
  assertInstanceOf(transform, ServerSentEventStream);
  // @ts-expect-error It takes no arguments.
  new ServerSentEventStream({});
});

for (const field of ["event", "id"] as const) {
  for (const lineBreak of ["\n", "\r", "\r\n", "\n\r"]) {
    test(`ServerSentEventStream rejects ${JSON.stringify(lineBreak)} in \`${field}\``, async () => {
      for (const value of [`a${lineBreak}`, `${lineBreak}a`, `a${lineBreak}data:b`]) {
        const error = await assertRejects(() => serialize({ [field]: value }), SyntaxError);
        assertEquals(
          error.message,
          `Cannot serialize message: \`message.${field}\` cannot contain a newline`,
        );
      }
    });
  }
}

test("ServerSentEventStream fails at both ends, after the messages before", async () => {
  const { readable, writable } = new ServerSentEventStream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const decoder = new TextDecoder();

  const [{ value }] = await Promise.all([reader.read(), writer.write({ id: 1 })]);
  assertEquals(decoder.decode(value), "id:1\n\n");

  const read = assertRejects(() => reader.read(), SyntaxError);
  const write = assertRejects(() => writer.write({ id: "2\n" }), SyntaxError);
  assertStrictEquals(await read, await write);
  await assertRejects(() => writer.write({ id: 3 }), SyntaxError);
  await assertRejects(() => writer.closed, SyntaxError);
});
