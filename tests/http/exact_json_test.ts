import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { isRawNumber, parseExactly } from "../../lib/http/exact_json.ts";

test("parseExactly() keeps numbers as they were written", () => {
  for (const text of [
    "12345678901234567890",
    "-0",
    "1.0",
    "1e400",
    "0.1000000000000000055511151231257827",
    '{"a":[1.50,{"b":9007199254740993}],"c":"1.0"}',
  ]) {
    assertEquals(JSON.stringify(parseExactly(text)), text);
  }
});

test("parseExactly() gives what JSON.parse() gives where that keeps everything", () => {
  for (const text of ["0", "1e+21", '{"a":[1,0.5,true,null,"é"]}', '"-0"', "[]"]) {
    assertEquals(parseExactly(text), JSON.parse(text));
  }
  assertThrows(() => parseExactly("[1.0,]"), SyntaxError);
});

test("isRawNumber() tells a number of parseExactly() from what a document can hold", () => {
  assertEquals(isRawNumber(parseExactly("1.0")), true);
  for (const text of ["1", '{"rawJSON":"1.0"}', "null"]) {
    assertEquals(isRawNumber(parseExactly(text)), false, text);
  }
});
