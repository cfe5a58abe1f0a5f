import { describe, test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { CronExpression } from "../../../lib/jobs/schedules/cron_expression.ts";

/** The next ticks after a time. */
function ticks(expression: string, timeZone: string, after: string, n: number): string[] {
  const cron = new CronExpression(expression, timeZone);
  const times: string[] = [];
  for (let at = cron.next(Date.parse(after)); at !== null && times.length < n; at = cron.next(at)) {
    times.push(new Date(at).toISOString().replace(":00.000Z", "Z"));
  }
  return times;
}

test("next() and latest() are the ticks on both sides of a time", () => {
  const cron = new CronExpression("*/15 * * * *", "UTC");
  const quarter = Date.parse("2026-01-01T00:15Z");
  assertEquals(cron.next(quarter - 1), quarter);
  assertEquals(cron.next(quarter), quarter + 15 * 60_000);
  assertEquals(cron.latest(quarter), quarter);
  assertEquals(cron.latest(quarter - 1), quarter - 15 * 60_000);
});

test("six fields begin with seconds, and five tick at a full minute", () => {
  assertEquals(ticks("30 0 12 * * *", "UTC", "2026-01-01T00:00Z", 1), ["2026-01-01T12:00:30.000Z"]);
  assertEquals(ticks("0 12 * * *", "UTC", "2026-01-01T00:00Z", 1), ["2026-01-01T12:00Z"]);
});

test("names, nicknames and the last day of the month are understood", () => {
  const after = "2026-01-01T00:00Z";
  assertEquals(ticks("@monthly", "UTC", after, 1), ["2026-02-01T00:00Z"]);
  assertEquals(ticks("0 9 * FEB MON-FRI", "UTC", after, 1), ["2026-02-02T09:00Z"]);
  assertEquals(ticks("0 0 L * *", "UTC", after, 2), ["2026-01-31T00:00Z", "2026-02-28T00:00Z"]);
});

describe("where clocks are set forward (Berlin, 29 March 2026, 2:00 to 3:00)", () => {
  const EVENING = "2026-03-28T12:00Z";

  test("an hour that is skipped ticks once, right after the gap", () => {
    assertEquals(ticks("30 2 * * *", "Europe/Berlin", EVENING, 2), [
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
  });

  test("two times that fall together tick once", () => {
    assertEquals(ticks("0 2,3 * * *", "Europe/Berlin", EVENING, 2), [
      "2026-03-29T01:00Z",
      "2026-03-30T00:00Z",
    ]);
  });

  test("what ticks all the time goes on ticking", () => {
    assertEquals(ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", 3), [
      "2026-03-29T00:30Z",
      "2026-03-29T01:00Z",
      "2026-03-29T01:30Z",
    ]);
  });
});

describe("where clocks are set back (Berlin, 25 October 2026, 3:00 to 2:00)", () => {
  test("an hour that comes twice ticks once", () => {
    assertEquals(ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2), [
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
  });

  test("what ticks all the time ticks through both", () => {
    assertEquals(ticks("0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z", 4), [
      "2026-10-25T00:00Z",
      "2026-10-25T01:00Z",
      "2026-10-25T02:00Z",
      "2026-10-25T03:00Z",
    ]);
  });
});

test("latest() is the tick before next(), through a whole year of Berlin", () => {
  for (const expression of ["30 2 * * *", "0 2,3 * * *", "15 1-3 * * *", "0 0 31 * *"]) {
    const cron = new CronExpression(expression, "Europe/Berlin");
    let tick = cron.next(Date.parse("2026-01-01T00:00Z")) ?? 0;
    while (tick < Date.parse("2027-01-01T00:00Z")) {
      const next = cron.next(tick) ?? 0;
      assertEquals(cron.latest(next - 1), tick, `${expression} before ${new Date(next)}`);
      tick = next;
    }
  }
});

test("what is no expression, or no time zone, is refused", () => {
  for (const expression of [
    "",
    "* * * *",
    "* * * * * * 2030",
    "61 * * * *",
    "*/0 * * * *",
    "a b c d e",
    "@reboot",
    "2030-01-01T00:00:00",
  ]) {
    assertThrows(() => new CronExpression(expression, "UTC"), Error);
  }
  assertThrows(() => new CronExpression("* * * * *", "Mars/Phobos"), Error, "Mars/Phobos");
});
