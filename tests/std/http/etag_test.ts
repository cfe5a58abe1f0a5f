import { test } from "bun:test";
import { assert, assertEquals, assertFalse } from "@std/assert";
import { eTag, ifNoneMatch } from "@std/http/etag";

const encoder = new TextEncoder();

test("eTag() makes a strong tag of a text or bytes", async () => {
  assertEquals(await eTag("hello deno"), '"a-YdfmHmj2RiwOVqJupcf3PLK9PuJ"');
  assertEquals(await eTag(encoder.encode("hello deno")), '"a-YdfmHmj2RiwOVqJupcf3PLK9PuJ"');
  assertEquals(await eTag(""), '"0-47DEQpj8HBSa+/TImW+5JCeuQeR"');
  assertEquals(await eTag(new Uint8Array()), '"0-47DEQpj8HBSa+/TImW+5JCeuQeR"');
});

test("eTag() makes a weak tag where one is asked for", async () => {
  assertEquals(await eTag("hello deno", { weak: true }), 'W/"a-YdfmHmj2RiwOVqJupcf3PLK9PuJ"');
});

test("eTag() makes a weak tag of a file, where its time is known", async () => {
  const mtime = new Date(Date.UTC(96, 1, 2, 3, 4, 5, 6));
  assertEquals(await eTag({ mtime, size: 1024 }), 'W/"400-H0YzXysQPV20qNisAZMuvAEVuHV"');
  assertEquals(
    await eTag({ mtime, size: 1024 }, { weak: false }),
    '"400-H0YzXysQPV20qNisAZMuvAEVuHV"',
  );
  assertEquals(await eTag({ mtime: null, size: 1024 }), undefined);
});

test("eTag() takes the algorithm that it is given", async () => {
  const tags = await Promise.all(
    (["SHA-1", "SHA-256", "SHA-384", "SHA-512"] as const).map((algorithm) =>
      eTag("hello deno", { algorithm }),
    ),
  );
  assertEquals(new Set(tags).size, 4);
});

test("ifNoneMatch() is false where a tag of the list is the entity's", async () => {
  const etag = await eTag("hello deno");
  assert(ifNoneMatch(null, etag));
  assert(ifNoneMatch("", etag));
  assert(ifNoneMatch('"other"', etag));
  assert(ifNoneMatch('"other", W/"another"', etag));
  assert(ifNoneMatch('"other"', undefined));
  assertFalse(ifNoneMatch("*", etag));
  assertFalse(ifNoneMatch(" * ", etag));
  assertFalse(ifNoneMatch(etag, etag));
  assertFalse(ifNoneMatch(`"other" , ${etag}`, etag));
  assertFalse(ifNoneMatch(`W/${etag}`, etag));
  assertFalse(ifNoneMatch(etag, `W/${etag}`));
});
