import { test } from "bun:test";
import { assertEquals, assertInstanceOf, assertLess, assertRejects } from "@std/assert";
import { textBody } from "../../lib/http/mod.ts";

test("textBody() gives few texts as one", async () => {
  assertEquals(await textBody([].values()), "");
  assertEquals(await textBody(["a", "", "€"].values()), "a€");
});

test("textBody() streams many texts, and makes no more than are taken", async () => {
  let made = 0;
  function* texts(): Generator<string, void> {
    for (; made < 1_000; made++) yield "x".repeat(999) + String(made % 10);
  }
  const body = await textBody(texts());
  assertInstanceOf(body, ReadableStream);
  const before = made;
  assertLess(before, 100);
  const text = await new Response(body).text();
  assertEquals([text.length, text.slice(0, 1_000)], [1_000_000, `${"x".repeat(999)}0`]);
});

test("textBody() lets go of the texts when nobody wants them any more", async () => {
  let isEnded = false;
  async function* texts(): AsyncGenerator<string, void> {
    try {
      for (;;) yield "x".repeat(10_000);
    } finally {
      isEnded = true;
    }
  }
  const body = await textBody(texts());
  assertInstanceOf(body, ReadableStream);
  await body.cancel();
  assertEquals(isEnded, true);
});

test("textBody() throws what the first texts fail by, and the stream what later ones do", async () => {
  async function* texts(long: boolean): AsyncGenerator<string, void> {
    if (long) yield "x".repeat(100_000);
    throw new RangeError("no more");
  }
  await assertRejects(() => textBody(texts(false)), RangeError, "no more");
  const body = await textBody(texts(true));
  await assertRejects(() => new Response(body).text(), RangeError, "no more");
});
