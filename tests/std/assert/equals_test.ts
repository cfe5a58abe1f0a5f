import { expect, test } from "bun:test";
import { assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { failure } from "../failure.ts";

function diffed(head: string, ...lines: string[]): string {
  return [head, "", "", "    [Diff] Actual / Expected", "", "", ...lines, ""].join("\n");
}

test("assertEquals() passes on values that are deeply equal", () => {
  assertEquals(10, 10);
  assertEquals({ a: 10, b: { c: "1" } }, { a: 10, b: { c: "1" } });
  assertEquals(new Date("no date"), new Date("no date"));
  assertEquals(Object.assign(Object.create(null), { a: 1 }), { a: 1 });
  assertEquals(new Set([{ id: 1 }, { id: 2 }]), new Set([{ id: 1 }, { id: 2 }]));
});

test("assertEquals() shows two primitive values", () => {
  expect(failure(() => assertEquals(1, 2))).toBe(diffed("Values are not equal.", "-   1", "+   2"));
  expect(failure(() => assertEquals<unknown>(1, "1"))).toBe(
    diffed("Values are not equal.", "-   1", "+   '1'"),
  );
});

test("assertEquals() adds the message given", () => {
  expect(failure(() => assertEquals(1, 2, "the count"))).toBe(
    diffed("Values are not equal: the count", "-   1", "+   2"),
  );
});

test("assertEquals() shows objects line by line with their keys in order", () => {
  expect(failure(() => assertEquals({ b: [1, 2], a: 0 }, { a: 0, b: [1, 3] }))).toBe(
    diffed(
      "Values are not equal.",
      "    {",
      "      a: 0,",
      "      b: [",
      "        1,",
      "-       2",
      "+       3",
      "      ]",
      "    }",
    ),
  );
});

test("assertEquals() shows first what the longer side has", () => {
  expect(failure(() => assertEquals<unknown>({ a: 1, b: 2 }, { a: 1, c: [3] }))).toBe(
    diffed(
      "Values are not equal.",
      "    {",
      "      a: 1,",
      "+     c: [",
      "+       3",
      "+     ]",
      "-     b: 2",
      "    }",
    ),
  );
});

test("assertEquals() shows dates to the millisecond", () => {
  expect(failure(() => assertEquals(new Date(10), new Date(20)))).toBe(
    diffed("Values are not equal.", "-   1970-01-01T00:00:00.010Z", "+   1970-01-01T00:00:00.020Z"),
  );
});

test("assertEquals() leaves nothing out of long lists and deep objects", () => {
  const list = Array.from({ length: 300 }, (_, index) => index);
  expect(failure(() => assertEquals(list, list.with(250, -1)))).toContain("-     250,\n+     -1,");
  const deep = (value: number): unknown => ({ a: { b: { c: { d: { e: value } } } } });
  expect(failure(() => assertEquals(deep(1), deep(2)))).toContain("e: 1\n+");
});

test("assertEquals() shows texts line by line with what is not seen", () => {
  expect(failure(() => assertEquals("a\nb\tc\nd", "a\nb c\nd"))).toBe(
    diffed("Values are not equal.", "    a\\n", "-   b\\tc\\n", "+   b c\\n", "    d", ""),
  );
});

test("assertNotEquals() passes on values that are not deeply equal", () => {
  assertNotEquals<unknown>({ a: 1 }, { b: 1 });
  assertNotEquals("a", "b");
  assertNotEquals(new Date(10), new Date(20));
  assertNotEquals(new Date("no date"), new Date(20));
});

test("assertNotEquals() fails on values that are", () => {
  expect(failure(() => assertNotEquals("a", "a"))).toBe("Expected actual: 'a' not to be: 'a'.");
  expect(failure(() => assertNotEquals({ a: 1 }, { a: 1 }))).toBe(
    "Expected actual: {\n  a: 1\n} not to be: {\n  a: 1\n}.",
  );
  expect(failure(() => assertNotEquals("a", "a", "the name"))).toBe(
    "Expected actual: 'a' not to be: 'a': the name",
  );
});

test("assertStrictEquals() passes on one and the same value", () => {
  const list = [1, false, "a"];
  assertStrictEquals(true, true);
  assertStrictEquals("abc", "abc");
  assertStrictEquals(Number.NaN, Number.NaN);
  assertStrictEquals(list, list);
});

test("assertStrictEquals() fails on values that are different, were it 0 and -0", () => {
  expect(failure(() => assertStrictEquals(0, -0))).toBe(
    diffed("Values are not strictly equal.", "-   0", "+   -0"),
  );
  expect(failure(() => assertStrictEquals({ a: 1 }, { a: 2 }, "the options"))).toBe(
    diffed(
      "Values are not strictly equal: the options",
      "    {",
      "-     a: 1",
      "+     a: 2",
      "    }",
    ),
  );
});

test("assertStrictEquals() says so where two objects only look the same", () => {
  expect(failure(() => assertStrictEquals({ a: 1 }, { a: 1 }))).toBe(
    "Values have the same structure but are not reference-equal.\n\n    {\n      a: 1\n    }\n",
  );
  expect(failure(() => assertStrictEquals([], [], "the list"))).toBe(
    "Values have the same structure but are not reference-equal: the list\n\n    []\n",
  );
});

test("assertStrictEquals() narrows the type", () => {
  const known = { count: 2 };
  const value: unknown = known;
  assertStrictEquals(value, known);
  expect(value.count).toBe(2);
});
