import { afterEach, beforeEach, setSystemTime, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { RateLimit } from "../../lib/limits/rate_limit.ts";

let now: number;

beforeEach(() => {
  now = Date.UTC(2030, 0, 1);
  setSystemTime(now);
});
afterEach(() => {
  setSystemTime();
});

function pass(seconds: number): void {
  now += seconds * 1_000;
  setSystemTime(now);
}

test("count() lets in so many in a window, and begins anew when it is over", async () => {
  const limit = new RateLimit({ requests: 2, seconds: 60 });
  assertEquals(await limit.count("a"), { remaining: 1, reset: 60, isExceeded: false });
  pass(20.5);
  assertEquals(await limit.count("a"), { remaining: 0, reset: 40, isExceeded: false });
  assertEquals(await limit.count("a"), { remaining: 0, reset: 40, isExceeded: true });
  assertEquals(await limit.count("b"), { remaining: 1, reset: 60, isExceeded: false });
  pass(39.5);
  assertEquals(await limit.count("a"), { remaining: 1, reset: 60, isExceeded: false });
});

test("look() counts nothing", async () => {
  const limit = new RateLimit({ requests: 1, seconds: 60 });
  assertEquals(await limit.look("a"), undefined);
  await limit.count("a");
  for (let count = 0; count < 3; count++) {
    assertEquals(await limit.look("a"), { remaining: 0, reset: 60, isExceeded: true });
  }
  pass(60);
  assertEquals(await limit.look("a"), undefined);
});

test("who is counted at the same time is counted as one after the other", async () => {
  const limit = new RateLimit({ requests: 10, seconds: 60 });
  const counted = await Promise.all(Array.from({ length: 100 }, () => limit.count("a")));
  assertEquals(counted.filter(({ isExceeded }) => !isExceeded).length, 10);
});

test("for more than are known the one whose window began first is forgotten", async () => {
  const limit = new RateLimit({ requests: 1, seconds: 60, known: 3 });
  for (const key of ["a", "b", "c"]) await limit.count(key);
  pass(60);
  // Begins anew, and is the last one now.
  await limit.count("a");
  await limit.count("d");
  assertEquals(await limit.look("b"), undefined);
  for (const key of ["a", "d"]) assert((await limit.look(key))?.isExceeded, key);
});

test("a million addresses take no more memory than those that are known at once", async () => {
  const limit = new RateLimit({ requests: 1, seconds: 3_600, known: 1_000 });
  for (let index = 0; index < 10_000; index++) await limit.count(`warm ${index}`);
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 1_000_000; index++) await limit.count(`address ${index}`);
  Bun.gc(true);
  const grown = process.memoryUsage().heapUsed - before;
  assert(grown < 20_000_000, `${grown} bytes`);
}, 60_000);
