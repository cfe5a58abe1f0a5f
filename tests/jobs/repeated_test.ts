import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { Repeated } from "../../lib/jobs/repeated.ts";

/** Work that the test ends, each time. */
class Bed {
  began = 0;
  readonly repeated = new Repeated(() => {
    this.began += 1;
    return new Promise((resolve) => this.#ends.push(resolve));
  });
  readonly #ends: (() => void)[] = [];

  /** Ends the work that is being done, and lets follow what does. */
  async end(): Promise<void> {
    this.#ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("request() begins the work at once", async () => {
  const { repeated, began } = new Bed();
  assertEquals(began, 0);
  await repeated.settled();
  const bed = new Bed();
  bed.repeated.request();
  assertEquals(bed.began, 1);
});

test("request() during the work has it done once more, however often it comes", async () => {
  const bed = new Bed();
  bed.repeated.request();
  for (let i = 0; i < 3; i += 1) bed.repeated.request();
  assertEquals(bed.began, 1);
  await bed.end();
  assertEquals(bed.began, 2);
  await bed.end();
  assertEquals(bed.began, 2);
});

test("request() during the repetition has it done again", async () => {
  const bed = new Bed();
  bed.repeated.request();
  for (let round = 2; round < 5; round += 1) {
    bed.repeated.request();
    await bed.end();
    assertEquals(bed.began, round);
  }
});

test("request() after the work has it done anew", async () => {
  const bed = new Bed();
  bed.repeated.request();
  await bed.end();
  bed.repeated.request();
  assertEquals(bed.began, 2);
});

test("settled() waits for the work and its repetition", async () => {
  const bed = new Bed();
  let isSettled = false;
  bed.repeated.request();
  const settled = bed.repeated.settled().then(() => {
    isSettled = true;
  });
  bed.repeated.request();
  await bed.end();
  assertEquals({ isSettled, began: bed.began }, { isSettled: false, began: 2 });
  await bed.end();
  await settled;
  assertEquals(bed.began, 2);
});

test("settled() resolves where nothing is done", async () => {
  const bed = new Bed();
  await bed.repeated.settled();
  bed.repeated.request();
  await bed.end();
  await bed.repeated.settled();
});
