import { expect, test } from "bun:test";
import { assertExists } from "@std/assert";
import { failure } from "../failure.ts";

test("assertExists() passes on everything but null and undefined", () => {
  for (const value of ["text", "", false, 0, -0, Number.NaN, [], {}]) assertExists(value);
});

test("assertExists() narrows the type", () => {
  const value = new URLSearchParams("q=test").get("q");
  assertExists(value);
  expect(value.length).toBe(4);
});

test("assertExists() fails on null and undefined, and says which it was", () => {
  expect(failure(() => assertExists(undefined))).toBe(
    'Expected actual: "undefined" to not be null or undefined.',
  );
  expect(failure(() => assertExists(null))).toBe(
    'Expected actual: "null" to not be null or undefined.',
  );
});

test("assertExists() adds the message given", () => {
  expect(failure(() => assertExists(null, "the header"))).toBe(
    'Expected actual: "null" to not be null or undefined: the header',
  );
});
