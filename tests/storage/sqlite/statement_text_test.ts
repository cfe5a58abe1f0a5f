import { Database } from "bun:sqlite";
import { test } from "bun:test";
import { assert, assertEquals, assertFalse, assertLess } from "@std/assert";
import {
  isSetting,
  isTransactionControl,
  mayHoldSeveral,
  secondStatement,
  setsForeignKeys,
} from "../../../lib/storage/sqlite/statement_text.ts";

test("isTransactionControl() knows statements by their first word", () => {
  for (const sql of [
    "begin",
    "BEGIN;",
    "\n\tCommit transaction",
    "end",
    "rollback",
    "rollback transaction",
    "/* begin */ rollback",
    "-- select\nbegin",
    "/* * / ** */;;begin",
  ]) {
    assert(isTransactionControl(sql), sql);
  }
  for (const sql of [
    "rollback to mine",
    "ROLLBACK TRANSACTION TO SAVEPOINT mine",
    "savepoint begin",
    "release mine",
    "select 'begin'",
    "-- begin\nselect 1",
    "/* a */ select 1 /* b */; begin",
    "/* begin",
    "-- begin",
    "beginning",
    "endless",
    "create trigger t after insert on a begin select 1; end",
    "",
  ]) {
    assertFalse(isTransactionControl(sql), sql);
  }
});

test("isSetting() knows pragmas with a value, and attached files", () => {
  for (const sql of [
    "pragma foreign_keys = on",
    "PRAGMA main.cache_size=-1000",
    "attach 'a' as b",
    "/* a */ detach b",
  ]) {
    assert(isSetting(sql), sql);
  }
  for (const sql of [
    "pragma foreign_keys",
    "pragma table_info(entries)",
    "pragma table_info('a=b')",
    "select 1 = 1",
    "update attach set pragma = 1",
  ]) {
    assertFalse(isSetting(sql), sql);
  }
});

test("setsForeignKeys() knows both ways to write it", () => {
  for (const sql of ["pragma foreign_keys = off", "PRAGMA main.foreign_keys(0)"]) {
    assert(setsForeignKeys(sql), sql);
  }
  for (const sql of ["pragma foreign_keys", "pragma foreign_key_check(entries)"]) {
    assertFalse(setsForeignKeys(sql), sql);
  }
});

test("secondStatement() tells what SQLite would leave out", () => {
  using database = new Database(":memory:");
  database.run("create table a (x)");
  const second = (sql: string) => {
    const statement = database.prepare(sql);
    const result = mayHoldSeveral(sql)
      ? secondStatement(sql, statement.toString())
      : "not worth asking";
    statement.finalize();
    return result;
  };
  const expected: Record<string, string | undefined> = {
    "select 1": "not worth asking",
    "select 1;\n": "not worth asking",
    "select 1; select 2": "select 2",
    "select 1;select 2;select 3": "select 2;select 3",
    "select ';'; -- ; select 2": undefined,
    "select 1; /* ; */ ; -- ;": undefined,
    "select 1; /* unclosed ; select 2": undefined,
    'select 1 /* ; */, "x;", [x; y], `x; z` from (select 1 as "x;", 2 as [x; y], 3 as `x; z`)':
      undefined,
    "select ?, ?2, :name, @name, $name, '? ; ?'; select ?": "select ?",
    "select ?, ?2, :ünï, @name, $name, '? ; ?' ; ": undefined,
    "select 'NULL', NULL, ?; select NULL": "select NULL",
    "select '😀; é', ?; select '😀'": "select '😀'",
    "create trigger t after insert on a begin select 1; select 2; end": undefined,
    "create trigger t after insert on a begin select 1; select 2; end; select 3": "select 3",
    "; ; select 1": undefined,
    "-- a\n; select 1; /* b */ select 2": "/* b */ select 2",
  };
  for (const [sql, rest] of Object.entries(expected)) assertEquals(second(sql), rest, sql);
});

test("looking at a long text takes no longer than its length asks for", () => {
  const start = performance.now();
  for (const filler of [" ", ";", "--\n", "/**/", "/* ", "-- ", "/*"]) {
    const text = filler.repeat(30_000);
    isTransactionControl(text);
    isSetting(text);
    setsForeignKeys(`${text}pragma`);
    mayHoldSeveral(text);
    secondStatement(`select 1;${text}x`, "select 1;");
  }
  // Anything worse than linear takes minutes.
  assertLess(performance.now() - start, 5_000);
});
