import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import { Heartbeats } from "../../lib/http/heartbeats.ts";

/** Takes the place of intervals, and has them pass when the test says so. */
class HandIntervals implements Disposable {
  readonly #set = globalThis.setInterval;
  readonly #clear = globalThis.clearInterval;
  /** What is called at each, and after how many milliseconds. */
  readonly running = new Map<unknown, { callback: () => void; milliseconds: number | undefined }>();
  /** How many were set. */
  count = 0;

  constructor() {
    const set = (callback: () => void, milliseconds?: number) => {
      this.count += 1;
      const timer = { number: this.count };
      this.running.set(timer, { callback, milliseconds });
      return timer;
    };
    globalThis.setInterval = Object.assign(set as never, this.#set);
    globalThis.clearInterval = ((timer: unknown) => void this.running.delete(timer)) as never;
  }

  pass(): void {
    for (const { callback } of this.running.values()) callback();
  }

  [Symbol.dispose](): void {
    globalThis.setInterval = this.#set;
    globalThis.clearInterval = this.#clear;
  }
}

test("all beat at one interval, with one timer", () => {
  using intervals = new HandIntervals();
  const heartbeats = new Heartbeats(5);
  const beats: string[] = [];
  for (const name of ["a", "b", "c"]) heartbeats.add(() => beats.push(name));
  assertEquals(intervals.count, 1);
  assertEquals(
    [...intervals.running.values()].map(({ milliseconds }) => milliseconds),
    [5_000],
  );
  assertEquals(beats, []);
  intervals.pass();
  intervals.pass();
  assertEquals(beats, ["a", "b", "c", "a", "b", "c"]);
});

test("there is no timer while nobody beats", () => {
  using intervals = new HandIntervals();
  const heartbeats = new Heartbeats(5);
  assertEquals(intervals.count, 0);
  const beats: string[] = [];
  const [a, b] = ["a", "b"].map((name) => heartbeats.add(() => beats.push(name)));
  a?.[Symbol.dispose]();
  a?.[Symbol.dispose]();
  intervals.pass();
  assertEquals(beats, ["b"]);
  b?.[Symbol.dispose]();
  assertEquals(intervals.running.size, 0);
  using _c = heartbeats.add(() => beats.push("c"));
  b?.[Symbol.dispose]();
  assertEquals(
    { count: intervals.count, running: intervals.running.size },
    { count: 2, running: 1 },
  );
  intervals.pass();
  assertEquals(beats, ["b", "c"]);
});

test("a beat may end itself or another, and the rest goes on", () => {
  using intervals = new HandIntervals();
  const heartbeats = new Heartbeats(5);
  const beats: string[] = [];
  const first = heartbeats.add(() => {
    beats.push("a");
    first[Symbol.dispose]();
    second[Symbol.dispose]();
  });
  const second = heartbeats.add(() => beats.push("b"));
  using _third = heartbeats.add(() => beats.push("c"));
  intervals.pass();
  intervals.pass();
  assertEquals(beats, ["a", "c", "c"]);
});

test("an interval beats by itself", async () => {
  const heartbeats = new Heartbeats(0.001);
  const { promise, resolve } = Promise.withResolvers<void>();
  using _beating = heartbeats.add(resolve);
  await promise;
});

test("an interval that no timer can wait for is refused", () => {
  for (const seconds of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2_147_484]) {
    assertThrows(() => new Heartbeats(seconds), RangeError, `Cannot use ${seconds} as heartbeat`);
  }
  new Heartbeats(2_147_483);
});
