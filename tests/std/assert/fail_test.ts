import { expect, test } from "bun:test";
import { fail, unreachable } from "@std/assert";
import { failure } from "../failure.ts";

test("fail() always fails", () => {
  expect(failure(() => fail())).toBe("Failed assertion.");
  expect(failure(() => fail("called twice"))).toBe("Failed assertion: called twice");
});

test("unreachable() always fails", () => {
  expect(failure(() => unreachable())).toBe("Unreachable.");
  expect(failure(() => unreachable("no such state"))).toBe("Unreachable: no such state");
});

test("fail() and unreachable() end the control flow for the compiler", () => {
  const length = (value: string | null): number => {
    if (value === null) fail();
    return value.length;
  };
  const size = (value: string | null): number => (value === null ? unreachable() : value.length);
  expect(length("four")).toBe(4);
  expect(size("four")).toBe(4);
});
