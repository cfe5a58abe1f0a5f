import { expect, test } from "bun:test";
import { diff } from "../../../lib/std/internal/diff.ts";

const SIGNS = { common: " ", removed: "-", added: "+" };

/** Writes the way from one word to the other with a sign before each letter. */
function way(actual: string, expected: string): string {
  const steps = diff([...actual], [...expected]);
  return steps.map(({ type, value }) => SIGNS[type] + value).join("");
}

test("diff() finds nothing to do where both are equal", () => {
  expect(way("", "")).toBe("");
  expect(way("abc", "abc")).toBe(" a b c");
});

test("diff() removes and adds whole lists", () => {
  expect(way("abc", "")).toBe("-a-b-c");
  expect(way("", "abc")).toBe("+a+b+c");
});

test("diff() keeps what is common at the start, in the middle and at the end", () => {
  expect(way("a", "ab")).toBe(" a+b");
  expect(way("b", "ab")).toBe("+a b");
  expect(way("ac", "abc")).toBe(" a+b c");
  expect(way("abc", "ac")).toBe(" a-b c");
  expect(way("strength", "string")).toBe(" s t r-e+i n g-t-h");
});

test("diff() puts what is removed first, unless more is added", () => {
  expect(way("a", "b")).toBe("-a+b");
  expect(way("ab", "c")).toBe("-a-b+c");
  expect(way("a", "bc")).toBe("+b+c-a");
});

test("diff() finds a shortest way that leads from one to the other", () => {
  const words = ["", "a", "ab", "ba", "abcabba", "cbabac", "aabbccabc", "cabcabcab"];
  for (const actual of words) {
    for (const expected of words) {
      const steps = diff([...actual], [...expected]);
      const without = (type: string): string =>
        steps.flatMap((step) => (step.type === type ? [] : [step.value])).join("");
      expect(without("added")).toBe(actual);
      expect(without("removed")).toBe(expected);
      expect(steps.filter(({ type }) => type === "common")).toHaveLength(
        longestCommon(actual, expected),
      );
    }
  }
});

test("diff() gives up on a shortest way where nearly everything differs", () => {
  const list = (word: string): string[] => Array.from({ length: 5_000 }, (_, at) => word + at);
  const steps = diff(["start", ...list("a"), "end"], ["start", ...list("b"), "end"]);
  expect(steps).toHaveLength(10_002);
  expect(steps.at(1)).toEqual({ type: "removed", value: "a0" });
  expect(steps.at(-2)).toEqual({ type: "added", value: "b4999" });
});

function longestCommon(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  if (a[0] === b[0]) return 1 + longestCommon(a.slice(1), b.slice(1));
  return Math.max(longestCommon(a.slice(1), b), longestCommon(a, b.slice(1)));
}
