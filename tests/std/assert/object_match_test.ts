import { describe, expect, test } from "bun:test";
import { assertObjectMatch } from "@std/assert";
import { failure } from "../failure.ts";

const key = Symbol("key");
const flags = { on: true, off: false };
const nested = { ...flags, inner: flags };
const ring: Record<string, unknown> = { on: true };
ring["self"] = ring;

describe("assertObjectMatch() passes", () => {
  test("on properties that are there, at any depth", () => {
    assertObjectMatch(flags, { on: true });
    assertObjectMatch(nested, { on: true, inner: { off: false } });
    assertObjectMatch({ a: nested, b: nested }, { a: { inner: { on: true } }, b: { on: true } });
    assertObjectMatch({ [key]: 1, on: true }, { [key]: 1 });
    assertObjectMatch({ a: null, b: undefined, c: 1 }, { a: null, b: undefined });
  });

  test("on an empty object", () => {
    assertObjectMatch(flags, {});
  });

  test("on an object typed as an interface", () => {
    interface Flags {
      on: boolean;
      off: boolean;
    }
    const typed: Flags = { on: true, off: false };
    assertObjectMatch(typed, { off: false });
  });

  test("on the first entries of an array", () => {
    const actual = {
      list: [1, 2, 3],
      lists: [
        [1, [2, [3]]],
        [flags, ring],
      ],
    };
    assertObjectMatch(actual, { list: [] });
    assertObjectMatch(actual, { list: [1, 2] });
    assertObjectMatch(actual, { list: [1, 2, 3], lists: [[1, [2, [3]]]] });
    assertObjectMatch(actual, { lists: [[1], [{ off: false }, { self: { on: true } }]] });
  });

  test("on cycles, followed as far as expected", () => {
    assertObjectMatch(ring, { self: { self: { self: { on: true } } } });
    const list: unknown[] = [1, 2];
    list.push(list);
    assertObjectMatch({ list }, { list: [1, 2, [1, 2, [1, 2]]] });
    assertObjectMatch({ list }, { list });
    const other: Record<string, unknown> = { on: true };
    other["self"] = other;
    assertObjectMatch({ ring: { ...ring, more: 1 } }, { ring: other });
    assertObjectMatch(ring, other);
  });

  test("on keys of a map and values of a set", () => {
    const actual = {
      set: new Set([1, 2, 3]),
      map: new Map<string, unknown>(Object.entries({ a: flags, b: null })),
    };
    assertObjectMatch(actual, { set: new Set([2, 3]) });
    assertObjectMatch(actual, { map: new Map([["b", null]]) });
    assertObjectMatch(actual, { map: new Map([["a", { on: true }]]) });
    assertObjectMatch({ list: [actual.map, actual.set] }, { list: [new Map(), new Set([1])] });
  });

  test("whatever the classes, if the own properties are there", () => {
    class Point {
      x = 1;
    }
    assertObjectMatch({ at: new Point() }, { at: { x: 1 } });
    assertObjectMatch({ at: { x: 1, y: 2 } }, { at: new Point() });
    assertObjectMatch({ at: new Point() }, { at: new Point() });
  });

  test("on equal bytes, patterns, dates and URLs", () => {
    const values = (): Record<string, unknown> => ({
      bytes: Uint8Array.of(1, 2),
      pattern: /a+/i,
      date: new Date(1),
      url: new URL("https://example.com"),
      list: [/a/g, new Date(2)],
    });
    assertObjectMatch({ ...values(), more: 1 }, values());
    const shared = new Date(1);
    assertObjectMatch({ a: new Date(1), b: [new Date(1)] }, { a: shared, b: [shared] });
  });

  test("on an own property called __proto__", () => {
    assertObjectMatch(
      JSON.parse('{"__proto__":{"a":1},"b":2}'),
      JSON.parse('{"__proto__":{"a":1}}'),
    );
  });
});

describe("assertObjectMatch() fails", () => {
  function expectMismatch(actual: object, expected: Record<PropertyKey, unknown>): void {
    expect(failure(() => assertObjectMatch(actual, expected))).toStartWith("Values are not equal.");
  }

  test("on properties that are missing or differ, at any depth", () => {
    expectMismatch(flags, { on: true, more: 1 });
    expectMismatch(flags, { on: false });
    expectMismatch(nested, { on: true, inner: { off: true } });
    expectMismatch(ring, { self: { self: { on: false } } });
    expectMismatch({ [key]: 1 }, { [key]: 2 });
    expectMismatch({ a: null }, { a: { b: 1 } });
    expectMismatch({ a: undefined }, { a: null });
    expectMismatch({ a: 1 }, { a: undefined });
    expectMismatch(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":2}}'));
  });

  test("on arrays that are shorter or differ", () => {
    expectMismatch({ list: [1, 2, 3] }, { list: [1, 2, 3, 4] });
    expectMismatch({ list: [1, 2, 3] }, { list: [2] });
    expectMismatch({ list: [flags, ring] }, { list: [{ on: false }] });
  });

  test("on maps and sets without the entries", () => {
    const map = new Map<string, unknown>(Object.entries({ a: flags, b: 1 }));
    expectMismatch({ set: new Set(["a"]) }, { set: new Set(["b"]) });
    expectMismatch({ map }, { map: new Map([["b", 2]]) });
    expectMismatch({ map }, { map: new Map([["a", { more: 1 }]]) });
    expectMismatch({ map }, { map: new Map([["a", null]]) });
  });

  test("on other bytes, patterns, dates and URLs", () => {
    expectMismatch({ a: Uint8Array.of(1) }, { a: Uint8Array.of(2) });
    expectMismatch({ a: /a+/i }, { a: /a+/ });
    expectMismatch({ a: [/a/g, /a/m] }, { a: [/a/m, /a/g] });
    expectMismatch({ a: new Date(1) }, { a: new Date(2) });
    expectMismatch({ a: [new Date(1)] }, { a: [new Date(2)] });
    expectMismatch({ a: new URL("https://a.example") }, { a: new URL("https://b.example") });
  });

  test("with what was expected alone, and the message given", () => {
    const actual = { id: 1, name: "Ada", more: [1, 2, 3] };
    expect(failure(() => assertObjectMatch(actual, { id: 2, name: "Ada" }, "the user"))).toBe(
      [
        "Values are not equal: the user",
        "",
        "",
        "    [Diff] Actual / Expected",
        "",
        "",
        "    {",
        "-     id: 1,",
        "+     id: 2,",
        "      name: 'Ada'",
        "    }",
        "",
      ].join("\n"),
    );
  });

  test("with all there was where nothing fits", () => {
    const hidden = Object.defineProperty({}, "hello", { value: "world", enumerable: false });
    const message = failure(() => assertObjectMatch(hidden, { foo: "bar" }));
    expect(message).toContain("-     hello: 'world'\n+     foo: 'bar'");
  });
});

test("assertObjectMatch() throws a TypeError on what is no object", () => {
  // @ts-expect-error null is no object.
  expect(() => assertObjectMatch(null, { a: 1 })).toThrow(
    new TypeError("Cannot assertObjectMatch null"),
  );
  // @ts-expect-error undefined is no object.
  expect(() => assertObjectMatch(undefined, { a: 1 })).toThrow(
    new TypeError("Cannot assertObjectMatch type undefined"),
  );
  // @ts-expect-error Numbers are no objects.
  expect(() => assertObjectMatch(21, 42)).toThrow(
    new TypeError("Cannot assertObjectMatch type number"),
  );
  // @ts-expect-error A string is no object.
  expect(() => assertObjectMatch({}, "text")).toThrow(
    new TypeError("Cannot assertObjectMatch type string"),
  );
});
