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

test("consoleLogger writes time, level and message, and fields where there are some", () => {
  const failure = new Error("no");
  const lines = written(() => {
    consoleLogger.debug("hidden");
    consoleLogger.info("plain");
    consoleLogger.warn("with fields", { task: "x" });
    consoleLogger.error("failed", { error: failure });
  });
  assertEquals(
    lines.map(([level]) => level),
    ["info", "warn", "error"],
  );
  const texts = lines.map(([, text]) => String(text));
  for (const text of texts) assertMatch(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
  assertEquals(
    texts.map((text) => text.slice(25)),
    ["info plain", "warn with fields", "error failed"],
  );
  assertEquals(
    lines.map((line) => line.slice(2)),
    [[], [{ task: "x" }], [{ error: failure }]],
  );
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
