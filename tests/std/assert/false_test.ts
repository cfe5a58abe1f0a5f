import { expect, test } from "bun:test";
import { assertFalse } from "@std/assert";
import { failure } from "../failure.ts";

test("assertFalse() passes on every falsy value", () => {
  for (const value of [false, 0, 0n, "", null, undefined, Number.NaN]) assertFalse(value);
});

test("assertFalse() fails on every truthy value, with the message given", () => {
  for (const value of [true, 1, "a", {}, []]) {
    expect(failure(() => assertFalse(value, "still set"))).toBe("still set");
    expect(failure(() => assertFalse(value))).toBe("");
  }
});
