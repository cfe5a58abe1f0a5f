import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { attachment } from "../../lib/http/mod.ts";

test("attachment() names a file of plain characters once", () => {
  assertEquals(attachment("report.csv"), 'attachment; filename="report.csv"');
  assertEquals(attachment("my report (1).csv"), 'attachment; filename="my report (1).csv"');
});

test("attachment() names any other file twice, for old clients and for those that know RFC 8187", () => {
  for (const [filename, plain, encoded] of [
    ["naïve.txt", "na_ve.txt", "na%C3%AFve.txt"],
    ["€ rates.csv", "_ rates.csv", "%E2%82%AC%20rates.csv"],
    ['say "hi".txt', "say _hi_.txt", "say%20%22hi%22.txt"],
    ["100%41.txt", "100_41.txt", "100%2541.txt"],
    ["it's (é)*.txt", "it's (_)*.txt", "it%27s%20%28%C3%A9%29%2A.txt"],
    ["😀.png", "_.png", "%F0%9F%98%80.png"],
  ] as const) {
    assertEquals(
      attachment(filename),
      `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`,
    );
  }
});

test("attachment() leaves nothing of a path, nor what could deceive or break the header", () => {
  for (const [filename, name] of [
    ["../../etc/passwd", "passwd"],
    ["C:\\Windows\\system.ini", "system.ini"],
    ["a/", "download"],
    ["..", "download"],
    [".", "download"],
    ["", "download"],
    [" \t ", "download"],
    ["a\r\nSet-Cookie: b=c", "aSet-Cookie: b=c"],
    ["a\0b.txt", "ab.txt"],
    ["photo\u202egpj.exe", "photogpj.exe"],
    [".gitignore", ".gitignore"],
  ] as const) {
    assertEquals(attachment(filename), `attachment; filename="${name}"`, JSON.stringify(filename));
  }
});

test("attachment() takes lone surrogates, and is always a header's value", () => {
  assertEquals(attachment("a\ud800b"), `attachment; filename="a_b"; filename*=UTF-8''a%EF%BF%BDb`);
  for (let code = 0; code < 0x3000; code++) {
    const value = attachment(`a${String.fromCharCode(code)}b`);
    assertEquals(new Headers({ value }).get("value"), value);
    assert(/^[\x20-\x7e]*$/.test(value), value);
  }
});

test("attachment() cuts a long name before its extension", () => {
  const value = attachment(`${"x".repeat(300)}.tar`);
  assertEquals(value, `attachment; filename="${"x".repeat(251)}.tar"`);
});
