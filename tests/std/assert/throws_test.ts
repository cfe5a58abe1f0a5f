import { expect, test } from "bun:test";
import { AssertionError, assertThrows, fail } from "@std/assert";
import { failure } from "../failure.ts";

function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}

test("assertThrows() passes on anything thrown, and returns it", () => {
  for (const value of [new Error("full"), "full", 1, null, undefined]) {
    expect(assertThrows(throwing(value))).toBe(value);
  }
});

test("assertThrows() passes on an error of the class, a subclass or an abstract one", () => {
  abstract class AbstractError extends Error {}
  class ConcreteError extends AbstractError {}
  const error = new ConcreteError("disk full");
  expect(assertThrows(throwing(error), ConcreteError)).toBe(error);
  expect(assertThrows(throwing(error), AbstractError, "full")).toBe(error);
  expect(assertThrows(throwing(error), Error, "full")).toBe(error);
  assertThrows(fail, AssertionError, "Failed assertion.");
});

test("assertThrows() returns an error typed as its class", () => {
  class HttpError extends Error {
    status = 404;
  }
  expect(assertThrows(throwing(new HttpError()), HttpError).status).toBe(404);
});

test("assertThrows() fails on an error of another class or with another message", () => {
  const error = new RangeError("too large");
  expect(failure(() => assertThrows(throwing(error), TypeError, "too large"))).toBe(
    'Expected error to be instance of "TypeError", but was "RangeError".',
  );
  expect(failure(() => assertThrows(throwing(error), RangeError, "small", "the index"))).toBe(
    'Expected error message to include "small", but got "too large": the index',
  );
});

test("assertThrows() fails on what is no error where a class is asked for", () => {
  expect(failure(() => assertThrows(throwing("full"), Error, "full"))).toBe(
    "A non-Error object was thrown.",
  );
});

test("assertThrows() fails where nothing is thrown", () => {
  expect(failure(() => assertThrows(() => {}))).toBe("Expected function to throw.");
  expect(failure(() => assertThrows(() => {}, Error))).toBe("Expected function to throw.");
});

test("assertThrows() adds the message given", () => {
  const expected = "Expected function to throw: the write";
  expect(failure(() => assertThrows(() => {}, "the write"))).toBe(expected);
  expect(failure(() => assertThrows(() => {}, Error, "", "the write"))).toBe(expected);
  // @ts-expect-error Plain JavaScript may pass null for the class.
  expect(failure(() => assertThrows(() => {}, null, "the write"))).toBe(expected);
});
