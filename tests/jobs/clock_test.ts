import { test } from "bun:test";
import { assertEquals, assertLessOrEqual } from "@std/assert";
import { systemClock } from "../../lib/jobs/clock.ts";

/** Records the delays of timers that are set while it is in use; none of them fires. */
class RecordedDelays implements Disposable {
  readonly delays: unknown[] = [];
  readonly #original = globalThis.setTimeout;

  constructor() {
    const set = (_callback: () => void, delay?: number) => void this.delays.push(delay);
    globalThis.setTimeout = Object.assign(set as never, this.#original);
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#original;
  }
}

test("now() is the time", () => {
  const before = Date.now();
  const now = systemClock.now();
  assertLessOrEqual(before, now);
  assertLessOrEqual(now, Date.now());
});

test("after() calls in the order of the times", async () => {
  const calls: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(15, () => {
      calls.push("later");
      resolve();
    });
    systemClock.after(5, () => calls.push("soon"));
    systemClock.after(-5, () => calls.push("long ago"));
  });
  assertEquals(calls, ["long ago", "soon", "later"]);
});

test("after() calls no more once it was called off", async () => {
  const calls: string[] = [];
  const callOff = systemClock.after(1, () => calls.push("called off"));
  callOff();
  callOff();
  await new Promise<void>((resolve) => systemClock.after(5, resolve));
  assertEquals(calls, []);
});

test("after() never gives a timer what makes it fire at once", () => {
  using recorded = new RecordedDelays();
  for (const delay of [-1, 0, 1_000, 2 ** 31 - 1, 2 ** 31, 366 * 86_400_000, Infinity]) {
    systemClock.after(delay, () => {});
  }
  const longest = 2 ** 31 - 1;
  assertEquals(recorded.delays, [0, 0, 1_000, longest, longest, longest, longest]);
});
