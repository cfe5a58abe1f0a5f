import { expect, test } from "bun:test";
import { AssertionError, assertRejects } from "@std/assert";
import { asyncFailure } from "../failure.ts";

test("assertRejects() passes on any reason, and resolves with it", async () => {
  for (const reason of [new Error("full"), "full", 1, null, undefined]) {
    expect(await assertRejects(() => Promise.reject(reason))).toBe(reason);
  }
});

test("assertRejects() passes on an error of the class, a subclass or an abstract one", async () => {
  abstract class AbstractError extends Error {}
  class ConcreteError extends AbstractError {}
  const error = new ConcreteError("disk full");
  expect(await assertRejects(() => Promise.reject(error), ConcreteError)).toBe(error);
  expect(await assertRejects(() => Promise.reject(error), AbstractError, "full")).toBe(error);
  expect(await assertRejects(() => Promise.reject(error), Error, "disk")).toBe(error);
});

test("assertRejects() resolves with an error typed as its class", async () => {
  class HttpError extends Error {
    status = 404;
  }
  const error = await assertRejects(async () => {
    throw new HttpError();
  }, HttpError);
  expect(error.status).toBe(404);
});

test("assertRejects() takes whatever has a then()", async () => {
  const thenable = {
    // biome-ignore lint/suspicious/noThenProperty: it is what this test is about
    then(): never {
      throw new Error("full");
    },
  };
  await assertRejects(() => thenable, Error, "full");
});

test("assertRejects() fails on an error of another class or with another message", async () => {
  const reject = (): Promise<never> => Promise.reject(new RangeError("too large"));
  expect(await asyncFailure(() => assertRejects(reject, TypeError, "too large"))).toBe(
    'Expected error to be instance of "TypeError", but was "RangeError".',
  );
  expect(await asyncFailure(() => assertRejects(reject, RangeError, "small", "the index"))).toBe(
    'Expected error message to include "small", but got "too large": the index',
  );
});

test("assertRejects() fails on what is no error where a class is asked for", async () => {
  expect(await asyncFailure(() => assertRejects(() => Promise.reject("full"), Error))).toBe(
    "A non-Error object was rejected.",
  );
});

test("assertRejects() fails where the function throws, and keeps what it threw", async () => {
  const thrown = { code: 7 };
  const assertion = assertRejects(() => {
    throw thrown;
  });
  const error: unknown = await assertion.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AssertionError);
  expect(error).toHaveProperty("message", "Function throws when expected to reject.");
  expect(error).toHaveProperty("cause", thrown);
});

test("assertRejects() fails where no promise is returned", async () => {
  // @ts-expect-error The function must return a promise.
  expect(await asyncFailure(() => assertRejects(() => {}))).toBe(
    "Function throws when expected to reject.",
  );
  // @ts-expect-error The function must return a promise.
  expect(await asyncFailure(() => assertRejects(() => null, "the write"))).toBe(
    "Function throws when expected to reject: the write",
  );
});

test("assertRejects() fails where the promise resolves", async () => {
  expect(await asyncFailure(() => assertRejects(async () => 42))).toBe(
    "Expected function to reject.",
  );
});

test("assertRejects() adds the message given", async () => {
  const expected = "Expected function to reject: the write";
  expect(await asyncFailure(() => assertRejects(async () => 42, "the write"))).toBe(expected);
  expect(await asyncFailure(() => assertRejects(async () => 42, Error, "", "the write"))).toBe(
    expected,
  );
});
