import { expect, test } from "bun:test";
import { assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { failure } from "../failure.ts";

const MAIL = /[a-z]+@[a-z]+\.com/;

test("assertMatch() passes where the pattern matches, and fails where it does not", () => {
  assertMatch("write to me@example.com", MAIL);
  expect(failure(() => assertMatch("nowhere", MAIL))).toBe(
    'Expected actual: "nowhere" to match: "/[a-z]+@[a-z]+\\.com/".',
  );
  expect(failure(() => assertMatch("nowhere", /me/, "the address"))).toBe(
    'Expected actual: "nowhere" to match: "/me/": the address',
  );
});

test("assertNotMatch() passes where the pattern does not match, and fails where it does", () => {
  assertNotMatch("me.example.com", MAIL);
  expect(failure(() => assertNotMatch("from here", /from/))).toBe(
    'Expected actual: "from here" to not match: "/from/".',
  );
  expect(failure(() => assertNotMatch("from here", /from/, "the subject"))).toBe(
    'Expected actual: "from here" to not match: "/from/": the subject',
  );
});

test("assertStringIncludes() passes on a part of the text, wherever it is", () => {
  for (const part of ["", "Deno", "saur", "rus", "Denosaurus"]) {
    assertStringIncludes("Denosaurus", part);
  }
});

test("assertStringIncludes() fails on any other text", () => {
  expect(failure(() => assertStringIncludes("Denosaurus", "Raptor"))).toBe(
    'Expected actual: "Denosaurus" to contain: "Raptor".',
  );
  expect(failure(() => assertStringIncludes("Denosaurus", "Raptor", "the name"))).toBe(
    'Expected actual: "Denosaurus" to contain: "Raptor": the name',
  );
});
