import { expect, test } from "bun:test";
import type { Difference } from "../../../lib/std/internal/diff.ts";
import { diffText } from "../../../lib/std/internal/diff_text.ts";

const common = (value: string): Difference => ({ type: "common", value });
const removed = (value: string): Difference => ({ type: "removed", value });
const added = (value: string): Difference => ({ type: "added", value });

test("diffText() marks the words that differ in two lines", () => {
  expect(diffText("3.14", "2.71")).toEqual([
    {
      ...removed("3.14\n"),
      details: [removed("3"), common("."), removed("14"), common("\n")],
    },
    {
      ...added("2.71\n"),
      details: [added("2"), common("."), added("71"), common("\n")],
    },
  ]);
});

test("diffText() marks white space that differs", () => {
  expect(diffText("a b", "a  b")).toEqual([
    { ...removed("a b\n"), details: [common("a"), removed(" "), common("b"), common("\n")] },
    { ...added("a  b\n"), details: [common("a"), added("  "), common("b"), common("\n")] },
  ]);
});

test("diffText() takes white space between two changed words for changed", () => {
  expect(diffText("a bc", "cd e")).toEqual([
    { ...removed("a bc\n"), details: [removed("a"), removed(" "), removed("bc"), common("\n")] },
    { ...added("cd e\n"), details: [added("cd"), added(" "), added("e"), common("\n")] },
  ]);
});

test("diffText() shows what is not seen as its escape", () => {
  expect(diffText("a\tb\\", "a\fb\\")).toEqual([
    {
      ...removed("a\\tb\\\\\n"),
      details: [common("a"), removed("\\t"), common("b"), common("\\\\"), common("\n")],
    },
    {
      ...added("a\\fb\\\\\n"),
      details: [common("a"), added("\\f"), common("b"), common("\\\\"), common("\n")],
    },
  ]);
  expect(diffText("\b\v\r", "\b\v\r")).toEqual([common("\\b\\v\\r\n")]);
});

test("diffText() tells the ends of lines apart", () => {
  const [first, second, ...rest] = diffText("a\r\nb", "a\nb");
  expect(first).toMatchObject(removed("a\\r\\n\r\n"));
  expect(second).toMatchObject(added("a\\n\n"));
  expect(rest).toEqual([common("b\n")]);
});

test("diffText() pairs a line with the next that has a word in common", () => {
  const differences = diffText("keep\nred apple", "keep\nblue sky\ngreen apple");
  expect(differences).toEqual([
    common("keep\\n\n"),
    added("blue sky\\n\n"),
    {
      ...added("green apple\n"),
      details: [added("green"), common(" "), common("apple"), common("\n")],
    },
    {
      ...removed("red apple\n"),
      details: [removed("red"), common(" "), common("apple"), common("\n")],
    },
  ]);
});

test("diffText() pairs a line with the last where none has a word in common", () => {
  expect(diffText("a\nb", "e")).toEqual([
    removed("a\\n\n"),
    { ...removed("b\n"), details: [removed("b"), common("\n")] },
    { ...added("e\n"), details: [added("e"), common("\n")] },
  ]);
});

test("diffText() leaves lines whole that are left without a partner", () => {
  const differences = diffText("one\ntwo", "three two\nfour\nfive");
  expect(differences.every(({ details }) => details === undefined || details.length > 0)).toBe(
    true,
  );
});
