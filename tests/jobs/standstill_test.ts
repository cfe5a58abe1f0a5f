import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { Standstill } from "../../lib/jobs/standstill.ts";

/** A standstill of which the test says what is claimed, and which jobs have ended. */
function createBench() {
  const ended = new Set<string>();
  const claiming = { claim: async (): Promise<void> => {} };
  const standstill = new Standstill({
    claim: () => claiming.claim(),
    anyEnded: async (ids) => ids.some((id) => ended.has(id)),
  });
  return { standstill, ended, claiming };
}

/** Whether a promise is still pending after everything that is under way has had its turn. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(resolve, "pending"));
  return (await Promise.race([promise, turn])) === "pending";
}

test("reached() resolves at once where nothing runs", async () => {
  assertEquals(await createBench().standstill.reached(), new Map());
});

test("reached() resolves when the last run has ended", async () => {
  const { standstill } = createBench();
  const one = standstill.begin("one");
  const other = standstill.begin("other");
  const reached = standstill.reached();
  one[Symbol.dispose]();
  assert(await isPending(reached));
  other[Symbol.dispose]();
  assertEquals(await reached, new Map());
});

test("reached() resolves while runs wait for others, and says for which", async () => {
  const { standstill } = createBench();
  const work = Promise.withResolvers<string>();
  using _run = standstill.begin("one");
  const reached = standstill.reached();
  assert(await isPending(reached));
  const waits = ["a", "b"].map((id) => standstill.during("one", id, () => work.promise));
  assertEquals(await reached, new Map([["one", ["a", "b"]]]));
  work.resolve("done");
  assertEquals(await Promise.all(waits), ["done", "done"]);
  assert(await isPending(standstill.reached()));
});

test("reached() knows of a wait that is over, while another one goes on", async () => {
  const { standstill } = createBench();
  using _run = standstill.begin("one");
  const failing = standstill.during("one", "a", () => Promise.reject(new Error("no")));
  void standstill.during("one", "b", () => new Promise(() => {}));
  await failing.catch(() => {});
  assertEquals(await standstill.reached(), new Map([["one", ["b"]]]));
});

test("reached() does not take who is about to go on for one who waits", async () => {
  const { standstill, ended } = createBench();
  using _run = standstill.begin("one");
  const work = Promise.withResolvers<void>();
  const wait = standstill.during("one", "a", () => work.promise);
  ended.add("a");
  const reached = standstill.reached();
  assert(await isPending(reached));
  work.resolve();
  await wait;
  void standstill.during("one", "b", () => new Promise(() => {}));
  assertEquals(await reached, new Map([["one", ["b"]]]));
});

test("reached() looks again after what came and went while it looked", async () => {
  const { standstill, claiming } = createBench();
  const claimed: string[] = [];
  claiming.claim = async () => {
    claimed.push("claim");
    // Its end may have made room for another one.
    if (claimed.length < 3) standstill.begin("one")[Symbol.dispose]();
  };
  await standstill.reached();
  assertEquals(claimed.length, 3);
});

test("a wait of a run that is over counts no more", async () => {
  const { standstill } = createBench();
  const run = standstill.begin("one");
  void standstill.during("one", "a", () => new Promise(() => {}));
  run[Symbol.dispose]();
  assertEquals(await standstill.reached(), new Map());
  await standstill.during("gone", "a", async () => {});
});

test("the end of an earlier run of a job leaves the later one", async () => {
  const { standstill } = createBench();
  const earlier = standstill.begin("one");
  const later = standstill.begin("one");
  earlier[Symbol.dispose]();
  const reached = standstill.reached();
  assert(await isPending(reached));
  later[Symbol.dispose]();
  await reached;
});
