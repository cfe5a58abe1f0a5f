import { test } from "bun:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { FakeClock } from "../../lib/testing/mod.ts";

const NEW_YEAR = new Date("2030-01-01T00:00:00.000Z");

/** A clock, and what it has called: names with the seconds since its beginning. */
function createBench() {
  const clock = new FakeClock({ now: NEW_YEAR });
  const calls: string[] = [];
  const seconds = () => (clock.now() - NEW_YEAR.getTime()) / 1_000;
  const after = (delay: number, name: string, then?: () => void) =>
    clock.after(delay * 1_000, () => {
      calls.push(`${name} at ${seconds()}`);
      then?.();
    });
  return { clock, calls, after, seconds };
}

test("a FakeClock begins when it is told to, or now", () => {
  const before = Date.now();
  const now = new FakeClock().now();
  assert(now >= before && now <= Date.now());
  const clock = new FakeClock({ now: NEW_YEAR });
  assertEquals(clock.now(), NEW_YEAR.getTime());
  assertEquals(clock.date(), NEW_YEAR);
  assertEquals(clock.date(1.5), new Date("2030-01-01T00:00:01.500Z"));
  assertThrows(() => new FakeClock({ now: new Date(Number.NaN) }), RangeError, "invalid date");
});

test("advance() calls what is due in the order of the times, each at its own", () => {
  const { clock, calls, after, seconds } = createBench();
  after(30, "third");
  after(10, "first");
  after(20, "second");
  after(20, "second too");
  after(60.001, "never");
  clock.advance(60);
  assertEquals(calls, ["first at 10", "second at 20", "second too at 20", "third at 30"]);
  assertEquals([seconds(), clock.pending], [60, 1]);
});

test("advance() calls what is set meanwhile, at its own time too", () => {
  const { clock, calls, after } = createBench();
  const every10 = () => void after(10, "tick", every10);
  every10();
  after(15, "between");
  clock.advance(30);
  assertEquals(calls, ["tick at 10", "between at 15", "tick at 20", "tick at 30"]);
});

test("advance() calls what was called off no more, be it by another call", () => {
  const { clock, calls, after } = createBench();
  after(1, "off")();
  const callOff = after(3, "off by another");
  after(2, "another", callOff);
  clock.advance(10);
  assertEquals([calls, clock.pending], [["another at 2"], 0]);
});

test("advance() sets the clock back without calling anything", () => {
  const { clock, calls, after, seconds } = createBench();
  after(0.001, "later");
  clock.advance(-60);
  assertEquals([seconds(), calls], [-60, []]);
  clock.advance(60.001);
  assertEquals(calls, ["later at 0.001"]);
});

test("advance() within what it calls goes on from there, and never back", () => {
  const { clock, calls, after, seconds } = createBench();
  after(1, "first", () => clock.advance(100));
  after(50, "second");
  clock.advance(60);
  assertEquals([seconds(), calls], [101, ["first at 1", "second at 50"]]);
});

test("advance() refuses what is no time", () => {
  const { clock, seconds } = createBench();
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assertThrows(() => clock.advance(wrong), RangeError, `Cannot let ${wrong} seconds pass`);
  }
  assertEquals(seconds(), 0);
});

test("after() calls in a moment what has no time to pass, and not at once", async () => {
  const { clock, calls, after } = createBench();
  after(0, "now");
  after(-5, "long ago");
  after(0, "called off")();
  assertEquals(calls, []);
  await Promise.resolve();
  assertEquals([calls, clock.pending], [["now at 0", "long ago at 0"], 0]);
});

test("leap() calls what was set in order, and what is set meanwhile once, at the end", () => {
  const { clock, calls, after, seconds } = createBench();
  const everyMinute = () => void after(60, "minute", everyMinute);
  everyMinute();
  after(90, "between");
  clock.leap(NEW_YEAR.getTime() + 365 * 86_400_000);
  assertEquals(calls, ["minute at 60", "between at 90", "minute at 31536000"]);
  assertEquals(seconds(), 31_536_000);
  clock.leap(NEW_YEAR.getTime());
  assertEquals(seconds(), 31_536_000);
});
