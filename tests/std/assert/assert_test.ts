import { expect, test } from "bun:test";
import { AssertionError, assert } from "@std/assert";
import { failure } from "../failure.ts";

test("assert() passes on every truthy value", () => {
  for (const value of [true, 1, -1, 1n, "0", [], {}, () => {}, Symbol()]) assert(value);
});

test("assert() fails on every falsy value, with the message given", () => {
  for (const value of [false, 0, -0, 0n, "", null, undefined, Number.NaN]) {
    expect(failure(() => assert(value, `not ${value}`))).toBe(`not ${value}`);
  }
});

test("assert() fails without a message by default", () => {
  expect(failure(() => assert(false))).toBe("");
});

test("assert() narrows the type", () => {
  const value: string | undefined = ["text"].at(0);
  assert(value);
  expect(value.length).toBe(4);
});

test("AssertionError has its own name, a message and a cause", () => {
  const cause = { code: 7 };
  const error = new AssertionError("broken", { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("AssertionError");
  expect(error.message).toBe("broken");
  expect(error.cause).toBe(cause);
});
