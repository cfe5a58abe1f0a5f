import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { JOB_STATUSES } from "../../lib/jobs/record.ts";
import { DAY, SweepBench } from "./sweep_bench.ts";

const ANY = Number.POSITIVE_INFINITY;
const NO_COUNT = { count: ANY };

test("a sweep deletes what has ended as long ago as its status is kept, to the millisecond", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({
    completed: { age: 10 },
    failed: { age: 30 },
    canceled: { age: 20.5 },
  });
  const kept = [
    ...(await bench.add("completed", { submitted: 9.999 })),
    ...(await bench.add("failed", { submitted: 29.999 })),
    ...(await bench.add("canceled", { submitted: 20.499 })),
  ];
  await bench.add("completed", { submitted: 10 });
  await bench.add("failed", { submitted: 30 });
  await bench.add("canceled", { submitted: 20.5 });
  await sweeper.sweep();
  assertEquals(await bench.left(), kept.sort());
  bench.clock.advance(0.001);
  await sweeper.sweep();
  assertEquals(await bench.left(), []);
});

test("a sweep keeps by default what has completed or was canceled for a week, and 30 days what has failed", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({});
  for (const [status, days] of [
    ["completed", 7],
    ["failed", 30],
    ["canceled", 7],
  ] as const) {
    await bench.add(status, { submitted: days * DAY });
    const kept = await bench.add(status, { submitted: days * DAY - 1 });
    await sweeper.sweep();
    assertEquals(await bench.left(), kept);
    bench.clock.advance(1);
    await sweeper.sweep();
    assertEquals(await bench.left(), []);
  }
});

test("a sweep never deletes what is pending or runs, however old", async () => {
  await using bench = await SweepBench.create();
  const nothing = { age: 0, count: 0 };
  const sweeper = bench.sweeper({ completed: nothing, failed: nothing, canceled: nothing });
  const ids: string[] = [];
  for (const status of JOB_STATUSES) {
    ids.push(...(await bench.add(status, { submitted: 1_000 * DAY })));
  }
  await sweeper.sweep();
  assertEquals(await bench.left(), ids.slice(0, 2));
});

test("a sweep keeps what was submitted long ago and has ended just now, until that is long ago", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 100 } });
  const [late] = await bench.add("completed", { submitted: 1_000, ended: 0 });
  await bench.add("completed", { submitted: 900, ended: 200 });
  await sweeper.sweep();
  assertEquals(await bench.left(), [late ?? ""]);
  bench.clock.advance(99.999);
  await sweeper.sweep();
  assertEquals(await bench.left(), [late ?? ""]);
  bench.clock.advance(0.001);
  await sweeper.sweep();
  assertEquals(await bench.left(), []);
});

test("a sweep looks at so many in vain, and the next one goes on from there", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 10_000, ...NO_COUNT } }, { mostInVain: 100 });
  await bench.add("completed", { submitted: 30_000, ended: 0, count: 250 });
  await bench.add("completed", { submitted: 20_000 });
  for (const looks of [100, 200, 251]) {
    await sweeper.sweep();
    assertEquals(bench.reads.looks, looks);
    bench.clock.advance(60);
  }
  assertEquals((await bench.left()).length, 250);
  // What it has passed expires no sooner.
  for (let minutes = 3; minutes * 60 < 10_000; minutes++) {
    await sweeper.sweep();
    bench.clock.advance(60);
  }
  assertEquals(bench.reads.looks, 251);
  await sweeper.sweep();
  assertEquals(await bench.left(), []);
});

test("a sweep finds what has ended where it had passed", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 600, ...NO_COUNT } });
  const [waiting = ""] = await bench.add("pending", { submitted: 5_000, ended: null });
  await bench.add("completed", { submitted: 4_000 });
  await sweeper.sweep();
  assertEquals(await bench.left(), [waiting]);
  bench.clock.advance(300);
  await bench.written.db
    .updateTable("jobs")
    .set({ status: "completed", finished_at: bench.clock.now() })
    .where("id", "=", waiting)
    .execute();
  bench.clock.advance(300);
  await sweeper.sweep();
  assertEquals(await bench.left(), [waiting]);
  bench.clock.advance(300);
  await sweeper.sweep();
  assertEquals(await bench.left(), []);
});

test("a sweep finds what is old also where the clock was set back", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 100 } });
  await bench.add("completed", { submitted: -5_000, ended: 200 });
  const kept = await bench.add("completed", { submitted: -5_001, ended: 50 });
  await sweeper.sweep();
  assertEquals(await bench.left(), kept);
  bench.clock.advance(-1_000);
  const [before = ""] = await bench.add("completed", { submitted: 10_000, ended: 200 });
  assert((await bench.left()).includes(before));
  await sweeper.sweep();
  assertEquals(await bench.left(), kept);
});

test("a sweep keeps as many as `count` says of each status, the newest", async () => {
  await using bench = await SweepBench.create();
  const bounds = { age: ANY, count: 3 };
  const sweeper = bench.sweeper({ completed: bounds, failed: { age: ANY, count: 1 } });
  const completed = await bench.add("completed", { submitted: 100, count: 5 });
  const failed = await bench.add("failed", { submitted: 90, count: 3 });
  await sweeper.sweep();
  assertEquals(await bench.left(), [...completed.slice(2), ...failed.slice(2)]);
  bench.clock.advance(60);
  const more = await bench.add("completed", { submitted: 60, count: 2 });
  await sweeper.sweep();
  assertEquals(await bench.left(), [...completed.slice(4), ...failed.slice(2), ...more]);
});

test("a sweep counts further than it does at once", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: ANY, count: 11_000 } });
  const ids = await bench.add("completed", { submitted: 100, count: 12_500 });
  await sweeper.sweep();
  assertEquals(await bench.left(), ids.slice(1_500));
  // Five thousand at once, and then of the other statuses.
  assertEquals(bench.reads.counts, 3 + 2);
});

test("a sweep keeps nothing where `count` is 0, once that has ended a minute ago", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: ANY, count: 0 } });
  const [fresh] = await bench.add("completed", { submitted: 100, ended: 59.999 });
  await bench.add("completed", { submitted: 60 });
  await sweeper.sweep();
  assertEquals(await bench.left(), [fresh ?? ""]);
  bench.clock.advance(60);
  await sweeper.sweep();
  assertEquals(await bench.left(), []);
});

test("a sweep counts many less often, so that it costs the same each minute", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({
    completed: { age: ANY, count: 250_000 },
    failed: { age: ANY, count: ANY },
    canceled: { age: ANY, count: ANY },
  });
  const counts: number[] = [];
  for (let minute = 0; minute < 7; minute++) {
    await sweeper.sweep();
    counts.push(bench.reads.counts);
    bench.clock.advance(60);
  }
  assertEquals(counts, [1, 1, 1, 2, 2, 2, 3]);
});

test("a sweep counts again where the clock was set back", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: ANY, count: 1 } });
  await sweeper.sweep();
  bench.clock.advance(-24 * 60 * 60);
  const [, kept = ""] = await bench.add("completed", { submitted: 200, count: 2 });
  bench.clock.advance(60);
  await sweeper.sweep();
  assertEquals(await bench.left(), [kept]);
});

test("a sweep bounds nothing where there is no bound", async () => {
  await using bench = await SweepBench.create();
  const bounds = { age: ANY, count: ANY };
  const sweeper = bench.sweeper({ completed: bounds, failed: bounds, canceled: bounds });
  const ids = await bench.add("completed", { submitted: 1_000 * DAY, count: 10 });
  await sweeper.sweep();
  assertEquals(await bench.left(), ids);
});

test("a sweep deletes in batches, the oldest first, and lets others write between them", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 10 } });
  const ids = await bench.add("completed", { submitted: 20, count: 2_000 });
  const removed: string[] = [];
  let turns = 0;
  bench.beforeRemoval = async (batch) => {
    removed.push(...batch);
    assertEquals(turns, bench.batches.length);
    setImmediate(() => {
      turns += 1;
    });
  };
  await sweeper.sweep();
  assertEquals(removed, ids);
  assert(bench.batches.length >= 4, `${bench.batches}`);
  assert(Math.max(...bench.batches) <= 500, `${bench.batches}`);
});

test("a sweep leaves what was retried since it looked", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ failed: { age: 10 } });
  const [retried = ""] = await bench.add("failed", { submitted: 20, count: 2 });
  bench.beforeRemoval = async () => {
    await bench.written.database.unit((tx) => bench.states.retry(retried, tx));
  };
  await sweeper.sweep();
  assertEquals(await bench.left(), [retried]);
});

test("a sweep leaves what was retried and has failed again since it looked", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ failed: { age: 10 } });
  const [retried = ""] = await bench.add("failed", { submitted: 20, count: 2 });
  bench.beforeRemoval = async () => {
    await bench.written.db
      .updateTable("jobs")
      .set({ finished_at: bench.clock.now() })
      .where("id", "=", retried)
      .execute();
  };
  await sweeper.sweep();
  assertEquals(await bench.left(), [retried]);
});

test("two sweeps of one file at once delete what is to be deleted, and harm nothing", async () => {
  await using bench = await SweepBench.create();
  await bench.add("completed", { submitted: 20, count: 1_500 });
  const kept = await bench.add("completed", { submitted: 5, count: 10 });
  const sweepers = [1, 2].map(() => bench.sweeper({ completed: { age: 10 } }));
  await Promise.all(sweepers.map((sweeper) => sweeper.sweep()));
  assertEquals(await bench.left(), kept);
  assertEquals(
    bench.batches.reduce((sum, size) => sum + size, 0),
    1_500,
  );
});

test("stop() ends a sweep after the batch that is under way, and leaves no timer", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 10 } });
  await bench.add("completed", { submitted: 20, count: 2_000 });
  const { promise: removing, resolve } = Promise.withResolvers<void>();
  bench.beforeRemoval = async () => resolve();
  sweeper.start();
  await removing;
  await sweeper.stop();
  assertEquals(bench.batches, [100]);
  assertEquals(bench.clock.pending, 0);
  sweeper.start();
  assertEquals(bench.clock.pending, 0);
});

test("a sweep that fails is logged, and tried again a minute later", async () => {
  await using bench = await SweepBench.create();
  const sweeper = bench.sweeper({ completed: { age: 10 } });
  await bench.add("completed", { submitted: 20 });
  const deleted = Promise.withResolvers<void>();
  bench.beforeRemoval = async () => {
    bench.beforeRemoval = async () => deleted.resolve();
    throw new Error("the disk is full");
  };
  sweeper.start();
  const entry = await bench.logger.next();
  assertEquals(
    [entry.level, entry.message],
    ["error", "old jobs could not be deleted: it is tried again in a minute"],
  );
  bench.clock.advance(60);
  await deleted.promise;
  await sweeper.stop();
  assertEquals(await bench.left(), []);
});
