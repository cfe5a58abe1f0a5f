import { expect, test } from "bun:test";
import { format } from "../../../lib/std/internal/format.ts";

test("format() writes one entry a line, with keys in order", () => {
  expect(format({ b: [{ d: 1, c: 2 }], a: "x" })).toBe(
    "{\n  a: 'x',\n  b: [\n    {\n      c: 2,\n      d: 1\n    }\n  ]\n}",
  );
  expect(format(Array(7).fill("i"))).toBe(`[\n${Array(7).fill("  'i'").join(",\n")}\n]`);
});

test("format() sorts sets and maps", () => {
  expect(format(new Set([2, 1]))).toBe("Set(2) {\n  1,\n  2\n}");
  expect(format(new Map(Object.entries({ b: 1, a: 2 })))).toBe(
    "Map(2) {\n  'a' => 2,\n  'b' => 1\n}",
  );
});

test("format() calls getters", () => {
  const value = {
    get a(): number {
      return 1;
    },
  };
  expect(format(value)).toBe("{\n  a: [Getter: 1]\n}");
});

test("format() leaves nothing out of long texts and lists, nor of deep objects", () => {
  const text = "x".repeat(20_000);
  expect(format({ text })).toContain(text);
  expect(format(Array.from({ length: 500 }, (_, index) => index))).toContain("  499\n");
  expect(format({ a: { b: { c: { d: { e: 1 } } } } })).toContain("e: 1");
});
