import { test } from "bun:test";
import { assertEquals, assertMatch } from "@std/assert";
import { consoleLogger, Database, TaskExecutor, TaskRegistry } from "../../lib/mod.ts";
import { withFields } from "../../lib/tasks/logger.ts";
import { RecordingLogger } from "./recording_logger.ts";

/** What was written to the console during `use`. */
function written(use: () => void): unknown[][] {
  const lines: unknown[][] = [];
  const { debug, info, warn, error, log } = console;
  for (const level of ["debug", "info", "warn", "error", "log"] as const) {
    console[level] = (...args: unknown[]) => lines.push([level, ...args]);
  }
  try {
    use();
  } finally {
    Object.assign(console, { debug, info, warn, error, log });
  }
  return lines;
}

test("consoleLogger writes time, level, message and fields, and an error's stack below", () => {
  const failure = new Error("no", { cause: new TypeError("why") });
  const lines = written(() => {
    consoleLogger.debug("hidden");
    consoleLogger.info("plain");
    consoleLogger.warn("with fields", { task: "x", issues: [{ path: [] }] });
    consoleLogger.error("failed", { task: "x", error: failure });
    consoleLogger.error("odd", { error: "text" });
  });
  const texts = lines.map(([, text]) => String(text));
  for (const text of texts) assertMatch(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
  assertEquals(
    lines.map(([level, , ...rest]) => [level, rest]),
    ["info", "warn", "error", "error"].map((level) => [level, []]),
  );
  const [plain, fields, failed, odd] = texts.map((text) => text.slice(25));
  assertEquals(plain, "info plain");
  assertEquals(fields, 'warn with fields task=x issues=[{"path":[]}]');
  assertMatch(
    failed ?? "",
    /^error failed task=x\nError: no\n +at [\s\S]*\nCaused by: TypeError: why\n/,
  );
  assertEquals(odd, "error odd\ntext");
});

test("an executor writes to consoleLogger where it is given no other", () => {
  const database = Database.sqlite(":memory:");
  const executor = new TaskExecutor({ registry: new TaskRegistry(), database });
  assertEquals(executor.logger, consoleLogger);
});

test("withFields() lets a message's own fields win", () => {
  const logger = new RecordingLogger();
  withFields(logger, { task: "x", run: 1 }).warn("careful", { run: 2, more: 3 });
  assertEquals(logger.entries, [
    { level: "warn", message: "careful", fields: { task: "x", run: 2, more: 3 } },
  ]);
});
