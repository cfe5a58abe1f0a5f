import { test } from "bun:test";
import { assertAlmostEquals, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { type Backoff, chooseBackoff, delayAfter } from "../../lib/jobs/backoff.ts";

const DEFAULTS: Backoff = { initial: 1, factor: 2, max: 60 };
/** Of `Math.random()`'s values, as good as the largest. */
const ALMOST_ONE = 1 - Number.EPSILON;

/** The longest delays after each of the first failures, in milliseconds. */
function longest(count: number, backoff: Backoff): number[] {
  return Array.from({ length: count }, (_, index) =>
    Math.round(delayAfter(index + 1, backoff, () => ALMOST_ONE)),
  );
}

test("delayAfter() grows by factor from initial to max", () => {
  assertEquals(longest(8, DEFAULTS), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  assertEquals(longest(4, { initial: 0.5, factor: 3, max: 10 }), [500, 1_500, 4_500, 10_000]);
  assertEquals(longest(3, { initial: 90, factor: 2, max: 60 }), [60_000, 60_000, 60_000]);
  assertEquals(longest(3, { initial: 2, factor: 1, max: 60 }), [2_000, 2_000, 2_000]);
  assertEquals(longest(3, { initial: 0, factor: 2, max: 60 }), [0, 0, 0]);
});

test("delayAfter() is max after however many failures", () => {
  for (const failures of [20, 101, 1_000_000]) {
    assertEquals(
      delayAfter(failures, DEFAULTS, () => 0),
      30_000,
    );
  }
});

test("delayAfter() is 0.5 to 1 times that, evenly", () => {
  for (const random of [0, 0.25, 0.5, 0.75, ALMOST_ONE]) {
    const delay = delayAfter(3, DEFAULTS, () => random);
    assertAlmostEquals(delay, 4_000 * (0.5 + random / 2));
  }
});

test("delayAfter() differs each time", () => {
  const delays = Array.from({ length: 200 }, () => delayAfter(1, DEFAULTS));
  for (const delay of delays) {
    assertLessOrEqual(500, delay);
    assertLess(delay, 1_000);
  }
  // Of 200 evenly spread ones, it would take a miracle for none to be in either fifth.
  assertLess(Math.min(...delays), 600);
  assertLess(900, Math.max(...delays));
});

test("chooseBackoff() takes each setting from the first that has it", () => {
  assertEquals(chooseBackoff(undefined, undefined), DEFAULTS);
  assertEquals(chooseBackoff(undefined, {}), DEFAULTS);
  assertEquals(chooseBackoff({ initial: 5 }, { initial: 7, factor: 3 }), {
    initial: 5,
    factor: 3,
    max: 60,
  });
  assertEquals(chooseBackoff({ initial: undefined, max: 0 }, { initial: 0, max: 9 }), {
    initial: 0,
    factor: 2,
    max: 0,
  });
  assertEquals(chooseBackoff(undefined, { factor: 1.5 }), { initial: 1, factor: 1.5, max: 60 });
});
