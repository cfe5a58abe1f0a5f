import { expect, test } from "bun:test";
import { assertArrayIncludes } from "@std/assert";
import { failure } from "../failure.ts";

test("assertArrayIncludes() finds entries in any order, primitive or not", () => {
  assertArrayIncludes(["a"], []);
  assertArrayIncludes(["a", "b", "c"], ["c", "a"]);
  assertArrayIncludes([{ id: 1 }, { id: 2 }], [{ id: 2 }]);
  assertArrayIncludes([Number.NaN, -0], [0, Number.NaN]);
  assertArrayIncludes(Uint8Array.of(1, 2, 3), Uint8Array.of(3, 1));
});

test("assertArrayIncludes() fails with the entries that are missing", () => {
  expect(failure(() => assertArrayIncludes(["a", "b"], ["b", "c"]))).toBe(
    [
      "Expected actual: \"[\n  'a',\n  'b'\n]\" to include: \"[\n  'b',\n  'c'\n]\".",
      "missing: [\n  'c'\n]",
    ].join("\n"),
  );
  expect(failure(() => assertArrayIncludes([{ id: 1 }], [{ id: 2 }]))).toEndWith(
    "missing: [\n  {\n    id: 2\n  }\n]",
  );
});

test("assertArrayIncludes() adds the message given", () => {
  expect(failure(() => assertArrayIncludes([1], [2], "the ids"))).toContain(
    '"[\n  2\n]": the ids\nmissing: ',
  );
});

test("assertArrayIncludes() takes no strings for arrays", () => {
  // @ts-expect-error The second is no array.
  expect(failure(() => assertArrayIncludes(["a"], "b"))).toContain("missing");
  // @ts-expect-error The first is no array.
  expect(failure(() => assertArrayIncludes("a", ["b"]))).toContain("missing");
  // @ts-expect-error None is an array.
  expect(failure(() => assertArrayIncludes("a", "b"))).toContain("missing");
});
