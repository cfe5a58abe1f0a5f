import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ifRange, readByteRange } from "../../lib/http/mod.ts";

test("readByteRange() reads a range, an open one and a suffix", () => {
  assertEquals(readByteRange("bytes=0-0", 10), { start: 0, end: 1 });
  assertEquals(readByteRange("bytes=2-5", 10), { start: 2, end: 6 });
  assertEquals(readByteRange("bytes=2-", 10), { start: 2, end: 10 });
  assertEquals(readByteRange("bytes=-3", 10), { start: 7, end: 10 });
  assertEquals(readByteRange("Bytes= 2-5\t", 10), { start: 2, end: 6 });
});

test("readByteRange() ends where the bytes end", () => {
  assertEquals(readByteRange("bytes=2-10", 10), { start: 2, end: 10 });
  assertEquals(readByteRange(`bytes=2-${"9".repeat(400)}`, 10), { start: 2, end: 10 });
  assertEquals(readByteRange("bytes=-11", 10), { start: 0, end: 10 });
  assertEquals(readByteRange(`bytes=-${"9".repeat(400)}`, 10), { start: 0, end: 10 });
});

test("readByteRange() knows what can't be satisfied", () => {
  for (const [header, size] of [
    ["bytes=10-", 10],
    ["bytes=10-11", 10],
    [`bytes=${"9".repeat(400)}-`, 10],
    ["bytes=-0", 10],
    ["bytes=0-", 0],
    ["bytes=-0", 0],
  ] as const) {
    assertEquals(readByteRange(header, size), "unsatisfiable", `${header} of ${size}`);
  }
});

test("readByteRange() passes over what is malformed, of another unit, or several ranges", () => {
  for (const header of [
    null,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=5-2",
    "bytes=a-b",
    "bytes=1.5-2",
    "bytes=+1-2",
    "bytes=--1",
    "bytes=0x1-2",
    "lines=0-1",
    "bytes=0-1,4-5",
    "bytes=0-1, -1",
    "bytes 0-1",
  ]) {
    assertEquals(readByteRange(header, 10), undefined, `${header}`);
  }
  assertEquals(readByteRange("bytes=-5", 0), undefined);
});

test("ifRange() lets a range count for the same strong tag alone", () => {
  assertEquals(ifRange(null, '"a"'), true);
  assertEquals(ifRange(' "a" ', '"a"'), true);
  for (const [header, etag] of [
    ['"b"', '"a"'],
    ['W/"a"', '"a"'],
    ['W/"a"', 'W/"a"'],
    ["Wed, 21 Oct 2015 07:28:00 GMT", '"a"'],
    ["", '"a"'],
  ] as const) {
    assertEquals(ifRange(header, etag), false, `${header} ${etag}`);
  }
});
