import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { describe } from "../../../examples/csv/describe.ts";

// The expected figures are numpy's: mean, std(ddof=1), min, percentile(25, 50, 75), max.
const described: [string, number[], (number | null)[]][] = [
  ["of an even count", [1, 2, 3, 4], [2.5, 1.2909944487358056, 1, 1.75, 2.5, 3.25, 4]],
  ["in any order", [4, 1, 3, 2], [2.5, 1.2909944487358056, 1, 1.75, 2.5, 3.25, 4]],
  [
    "of an odd count",
    [-3.5, 12, 0, 7.25, 1e-3],
    [3.1502, 6.3085993057096275, -3.5, 0, 1e-3, 7.25, 12],
  ],
  [
    "of two",
    [1.1, 2.2],
    [
      1.6500000000000001, 0.7778174593052023, 1.1, 1.375, 1.6500000000000001, 1.9250000000000003,
      2.2,
    ],
  ],
  [
    "that are large and close",
    [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16],
    [1e9 + 10, 5.477225575051661, 1e9 + 4, 1e9 + 6.25, 1e9 + 10, 1e9 + 13.75, 1e9 + 16],
  ],
  [
    "by value, not as text",
    [10, 9, 100],
    [39.666666666666664, 52.252591642265294, 9, 9.5, 10, 55, 100],
  ],
  ["that are all the same", [7, 7, 7], [7, 0, 7, 7, 7, 7, 7]],
  ["with null as the deviation of one", [5], [5, null, 5, 5, 5, 5, 5]],
  ["with null for all but the count of none", [], [null, null, null, null, null, null, null]],
  [
    "with null for what is infinite",
    [Number.POSITIVE_INFINITY, 1, 2],
    [null, null, 1, 1.5, 2, null, null],
  ],
];

for (const [which, numbers, [mean, std, min, q1, median, q3, max]] of described) {
  test(`describe() sums up numbers ${which}`, () => {
    const expected = {
      count: numbers.length,
      mean,
      std,
      min,
      "25%": q1,
      "50%": median,
      "75%": q3,
      max,
    };
    assertEquals(JSON.stringify(describe(numbers)), JSON.stringify(expected));
  });
}

test("describe() leaves what it was given in its order", () => {
  const numbers = [3, 1, 2];
  describe(numbers);
  assertEquals(numbers, [3, 1, 2]);
});

test("describe() sums without rounding away what is small", () => {
  const numbers = Array.from({ length: 1_000_000 }, () => 0.1);
  const { mean, std } = describe(numbers);
  assertEquals([mean, std], [0.1, 0]);
});
