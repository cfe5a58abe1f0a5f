import { expect, test } from "bun:test";
import { AssertionError, assertIsError } from "@std/assert";
import { failure } from "../failure.ts";

class DiskError extends Error {}
class NetworkError extends Error {}

test("assertIsError() passes on an error of the class, a subclass or an abstract one", () => {
  abstract class AbstractError extends Error {}
  class ConcreteError extends AbstractError {}
  assertIsError(new Error("full"));
  assertIsError(new DiskError("full"), DiskError);
  assertIsError(new DiskError("full"), Error, "full");
  assertIsError(new AssertionError("full"), Error, "ful");
  assertIsError(new ConcreteError("full"), AbstractError, "full");
});

test("assertIsError() fails on what is no error", () => {
  for (const value of ["full", null, undefined, { message: "full" }]) {
    expect(failure(() => assertIsError(value, undefined, "full"))).toBe(
      'Expected "error" to be an Error object.',
    );
  }
});

test("assertIsError() fails on an error of another class", () => {
  expect(failure(() => assertIsError(new NetworkError("full"), DiskError, "full"))).toBe(
    'Expected error to be instance of "DiskError", but was "NetworkError".',
  );
});

test("assertIsError() fails on another message, with quotes escaped", () => {
  expect(failure(() => assertIsError(new Error('disk "a"'), Error, 'disk "b"'))).toBe(
    'Expected error message to include "disk \\"b\\"", but got "disk \\"a\\"".',
  );
});

test("assertIsError() takes a pattern for the message", () => {
  assertIsError(new Error("disk full"), Error, /^disk/);
  expect(failure(() => assertIsError(new Error("disk full"), Error, /^full/))).toBe(
    'Expected error message to include /^full/, but got "disk full".',
  );
});

test("assertIsError() takes no account of colors", () => {
  assertIsError(new Error("\x1b[31mdisk\x1b[39m full"), Error, "disk \x1b[1mfull\x1b[22m");
  assertIsError(new Error("\x1b[31mdisk\x1b[39m full"), Error, /^disk full$/);
});

test("assertIsError() adds the message given", () => {
  expect(failure(() => assertIsError("full", Error, "full", "the write"))).toBe(
    'Expected "error" to be an Error object: the write',
  );
  expect(failure(() => assertIsError(new Error(), DiskError, "", "the write"))).toEndWith(
    'but was "Error": the write',
  );
});

test("assertIsError() narrows the type", () => {
  const value: unknown = new DiskError("full");
  assertIsError(value, DiskError);
  value satisfies DiskError;
  expect(value.message).toBe("full");
});
