import { expect, test } from "bun:test";
import { assertGreater, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import { failure } from "../failure.ts";

test("assertGreater() passes on numbers, bigints, texts and dates in order", () => {
  assertGreater(2, 1);
  assertGreater(1.1, 1);
  assertGreater(2n, 1n);
  assertGreater("b", "a");
  assertGreater(new Date(2), new Date(1));
});

test("assertGreater() fails on equal, smaller and unordered values", () => {
  expect(failure(() => assertGreater(1, 1))).toBe("Expect 1 > 1");
  expect(failure(() => assertGreater(1, 2))).toBe("Expect 1 > 2");
  expect(failure(() => assertGreater(Number.NaN, 2))).toBe("Expect NaN > 2");
});

test("assertGreaterOrEqual() passes on greater and equal values, and fails on smaller ones", () => {
  assertGreaterOrEqual(2, 1);
  assertGreaterOrEqual(1n, 1n);
  expect(failure(() => assertGreaterOrEqual(1, 2))).toBe("Expect 1 >= 2");
});

test("assertLess() passes on smaller values, and fails on equal and greater ones", () => {
  assertLess(1, 2);
  assertLess(1n, 2n);
  assertLess(1, 1.1);
  expect(failure(() => assertLess(1, 1))).toBe("Expect 1 < 1");
  expect(failure(() => assertLess("b", "a"))).toBe("Expect 'b' < 'a'");
});

test("assertLessOrEqual() passes on smaller and equal values, and fails on greater ones", () => {
  assertLessOrEqual(1, 2);
  assertLessOrEqual(1n, 1n);
  expect(failure(() => assertLessOrEqual(2, 1))).toBe("Expect 2 <= 1");
});

test("the comparisons fail with the message given alone", () => {
  expect(failure(() => assertGreater(1, 2, "too small"))).toBe("too small");
  expect(failure(() => assertGreaterOrEqual(1, 2, "too small"))).toBe("too small");
  expect(failure(() => assertLess(2, 1, "too large"))).toBe("too large");
  expect(failure(() => assertLessOrEqual(2, 1, "too large"))).toBe("too large");
});
