import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { columnNames } from "../../../examples/csv/column_names.ts";

const named: [string, string[], string[]][] = [
  ["keeps names that differ", ["b", "a", "A", " a"], ["b", "a", "A", " a"]],
  ["numbers a name that comes again", ["a", "b", "a", "a"], ["a", "b", "a.1", "a.2"]],
  ["passes over a number that is taken later", ["a", "a", "a.1"], ["a", "a.2", "a.1"]],
  [
    "passes over a number that is taken before",
    ["a.1", "a", "a", "a.1"],
    ["a.1", "a", "a.2", "a.1.1"],
  ],
  ["names what has no name by its place", ["", "a", ""], ["Unnamed: 0", "a", "Unnamed: 2"]],
  ["keeps names that objects have", ["__proto__", "constructor"], ["__proto__", "constructor"]],
];

for (const [what, header, expected] of named) {
  test(`columnNames() ${what}`, () => {
    assertEquals(columnNames(header), expected);
  });
}

test("columnNames() takes no longer for each further name that comes again", () => {
  const names = columnNames(Array.from({ length: 200_000 }, () => "a"));
  assertEquals(new Set(names).size, 200_000);
});
