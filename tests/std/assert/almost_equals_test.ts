import { expect, test } from "bun:test";
import { assertAlmostEquals } from "@std/assert";
import { failure } from "../failure.ts";

test("assertAlmostEquals() passes within a hundred thousandth of a percent", () => {
  assertAlmostEquals(-0, 0);
  assertAlmostEquals(Math.PI, Math.PI);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertAlmostEquals(9e20, 9.0000000001e20);
  assertAlmostEquals(-9e20, -9.0000000001e20);
  assertAlmostEquals(1.000000001e-8, 1.000000002e-8);
  assertAlmostEquals(-1.000000001e-8, -1.000000002e-8);
});

test("assertAlmostEquals() passes on NaN and on infinities that are the same", () => {
  assertAlmostEquals(Number.NaN, Number.NaN);
  assertAlmostEquals(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
});

test("assertAlmostEquals() fails beyond that", () => {
  for (const [actual, expected] of [
    [1, 2],
    [1, 1.1],
    [9e20, 9.01e20],
    [5e-7, 6e-7],
    [1e-8, 1e-9],
  ] as const) {
    expect(failure(() => assertAlmostEquals(actual, expected))).toContain("to be close to");
  }
});

test("assertAlmostEquals() takes another tolerance", () => {
  assertAlmostEquals(0.01, 0.02, 0.1);
  assertAlmostEquals(0.1 + 0.2, 0.3, 1e-16);
  expect(failure(() => assertAlmostEquals(0.1 + 0.2, 0.3, 1e-17))).toBe(
    'Expected actual: "3.0000000000000004e-1" to be close to "3e-1": ' +
      'delta "5.551115123125783e-17" is greater than "1e-17".',
  );
});

test("assertAlmostEquals() fails on infinities and NaN that differ", () => {
  const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];
  expect(failure(() => assertAlmostEquals(0, inf))).toContain('"0" to be close to "Infinity"');
  expect(failure(() => assertAlmostEquals(-inf, inf))).toContain('"-Infinity" to be close to');
  expect(failure(() => assertAlmostEquals(inf, nan))).toContain('to be close to "NaN"');
});

test("assertAlmostEquals() adds the message given", () => {
  expect(failure(() => assertAlmostEquals(1, 3, 1e-17, "the sum"))).toBe(
    'Expected actual: "1" to be close to "3": delta "2" is greater than "1e-17": the sum',
  );
});
