import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArtifactError } from "../../lib/artifacts/errors.ts";
import { toJsonText } from "../../lib/artifacts/json_text.ts";

class Point {
  readonly x: number;
  readonly y: number;

  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

test("toJsonText() is what JSON says", () => {
  const shared = { a: 1 };
  const values = [
    null,
    "text",
    { undefined: undefined, b: 2 },
    [shared, shared],
    new Date(0),
    { at: new Date(0) },
    new Point(1, 2),
    Object.create(null),
    { toJSON: () => ({ own: true }) },
  ];
  for (const value of values) assertEquals(toJsonText(value, "data"), JSON.stringify(value));
});

test("toJsonText() refuses what JSON would silently change", () => {
  const cases: [unknown, (string | number)[]][] = [
    [Number.NaN, ["data"]],
    [[[Number.NEGATIVE_INFINITY]], ["data", 0, 0]],
    [{ a: { b: () => 1 } }, ["data", "a", "b"]],
    [() => 1, ["data"]],
    [
      [1, undefined],
      ["data", 1],
    ],
    [new Array(1), ["data", 0]],
    [{ a: 1n }, ["data", "a"]],
    [{ a: Symbol("a") }, ["data", "a"]],
    [{ a: new Map([[1, 2]]) }, ["data", "a"]],
    [[new Set()], ["data", 0]],
    [{ a: new Uint8Array(1) }, ["data", "a"]],
    [{ a: new Blob(["x"]) }, ["data", "a"]],
    [{ a: /x/ }, ["data", "a"]],
    [{ a: Promise.resolve(1) }, ["data", "a"]],
    [{ a: new Date(Number.NaN) }, ["data", "a"]],
    [{ a: { toJSON: () => Number.NaN } }, ["data", "a"]],
  ];
  for (const [value, path] of cases) {
    const error = assertThrows(() => toJsonText(value, "data"), InvalidArtifactError);
    assertEquals(error.issues[0]?.path, path);
  }
});

test("toJsonText() says where a cycle is", () => {
  const value: { list: unknown[] } = { list: [1] };
  value.list.push({ back: value });
  const error = assertThrows(() => toJsonText(value, "data"), InvalidArtifactError);
  assertEquals(error.issues[0]?.path, ["data", "list", 1, "back"]);
});

test("toJsonText() refuses what is nested too deep for JSON", () => {
  let value: unknown = 1;
  for (let depth = 0; depth < 50_000; depth += 1) value = [value];
  assertThrows(() => toJsonText(value, "data"), InvalidArtifactError, "nesting");
});
