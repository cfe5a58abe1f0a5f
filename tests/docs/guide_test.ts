import { test } from "bun:test";
import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { isAsShown } from "./expectation.ts";
import { readGuide } from "./guide.ts";

/** A Markdown file with these blocks, whose fences are spared the reader of this file. */
function markdown(...blocks: [language: string, ...lines: string[]][]): string {
  return blocks
    .map(([language, ...lines]) => [`\`\`\`${language}`, ...lines, "```", ""].join("\n"))
    .join("\n");
}

test("readGuide() keeps each line of a program where it is in the guide", () => {
  const guide = markdown(["ts", "// a.ts", "one();"], ["ts", "// a.ts, continued", "two();"]);
  const [program] = readGuide(guide);
  const lines = program?.source.split("\n") ?? [];
  assertEquals([lines[2], lines[7]], ["one();", "two();"]);
  assertEquals([lines[2], lines[7]], [guide.split("\n")[2], guide.split("\n")[7]]);
});

test("readGuide() takes a program's output from its comments and its text blocks, in order", () => {
  const [program, silent] = readGuide(
    markdown(
      ["ts", "// a.ts", "log(1); // prints: 1"],
      ["text", "2", "3"],
      ["ts", "// a.ts, continued", "log(4); // prints: 4"],
      ["ts", "// b.ts"],
    ),
  );
  assertEquals(program?.output, "1\n2\n3\n4");
  assertEquals(silent?.output, undefined);
});

test("readGuide() gives a command to the file last named above it", () => {
  const [first, second] = readGuide(
    markdown(
      ["sh", "curl nobody"],
      ["ts", "// a.ts"],
      ["ts", "// b.ts"],
      ["sh", "bun b.ts", "curl -X POST \\", "  url", "# a", "# b", "", "# about this", "curl one"],
      ["sh", "curl two"],
      ["json", "{}"],
    ),
  );
  assertEquals(first?.commands, []);
  assertEquals(second?.commands, [
    { text: "curl -X POST url", line: 15, answer: "a\nb" },
    { text: "curl one", line: 21, answer: undefined },
    { text: "curl two", line: 25, answer: "{}" },
  ]);
});

test("readGuide() refuses a block that nothing checks", () => {
  const refused: [string, string][] = [
    [markdown(["ts", "code();"]), 'Line 2 names no file: "// NAME.ts"'],
    [markdown(["ts", "// a.ts"], ["ts", "// a.ts"]), "Line 6: a.ts was begun above"],
    [markdown(["ts", "// a.ts, continued"]), "Line 2: a.ts is not begun above"],
    [markdown(["ts", "// a.ts"], ["json", "{}"]), "Line 6: what is this json block checked by?"],
    [markdown(["", "text"]), "Line 2: what is this  block checked by?"],
    ["```ts\n// a.ts", "The code block at line 2 has no end"],
  ];
  for (const [guide, message] of refused) assertThrows(() => readGuide(guide), Error, message);
});

test("isAsShown() compares text exactly, but for its end and what … stands for", () => {
  assert(isAsShown("a\nb\n", "a\nb"));
  assert(isAsShown("at 12:00 (a)", "at … (a)"));
  assertFalse(isAsShown("a\nb", "a"));
  assertFalse(isAsShown("a b", "a  b"));
  assertFalse(isAsShown("at 12:00 (b)", "at … (a)"));
});

test("isAsShown() compares JSON without its white space, in its order", () => {
  assert(isAsShown('{"a":1,"b":[2]}', '{ "a": 1,\n"b": [2] }'));
  assert(isAsShown('{"a":{"x":1},"b":"12"}', '{ "a": "…", "b": "1…" }'));
  assertFalse(isAsShown('{"a":1,"b":2}', '{"b":2,"a":1}'));
  assertFalse(isAsShown('{"a":1,"b":2}', '{"a":1}'));
  assertFalse(isAsShown('{"a": "b  c"}', '{"a":"b c"}'));
});
