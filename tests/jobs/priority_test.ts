import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { TestScheduler } from "./test_scheduler.ts";

/** A bench that runs one job at a time, and the names of its jobs as they have run. */
function createBench(): { bench: TestScheduler; order: string[] } {
  const bench = new TestScheduler({ maxConcurrency: 0 });
  const order: string[] = [];
  for (const task of ["alpha", "beta", "gamma"]) {
    bench.registry.register(task, {
      params: v.object({ name: v.string() }),
      run: ({ name }) => {
        order.push(name);
      },
    });
  }
  return { bench, order };
}

async function runAll({ scheduler }: TestScheduler): Promise<void> {
  const jobs = await scheduler.list();
  scheduler.maxConcurrency = 1;
  await Promise.all(jobs.map(({ id }) => scheduler.wait(id)));
}

test("jobs run in the order in which they were submitted, whatever their task", async () => {
  const { bench, order } = createBench();
  await using _ending = bench;
  const names = ["gamma", "alpha", "beta", "alpha", "gamma", "beta"];
  for (const [index, task] of names.entries()) {
    await bench.scheduler.submit(task, { name: `${index}` });
  }
  await runAll(bench);
  assertEquals(order, ["0", "1", "2", "3", "4", "5"]);
});

test("jobs of higher priority run first, across tasks, and those of one in order", async () => {
  const { bench, order } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const submissions = [
    ["alpha", "low", -1],
    ["alpha", "normal 1", 0],
    ["beta", "highest", 1_000],
    ["gamma", "high 1", 5],
    ["alpha", "high 2", 5],
    ["beta", "normal 2", 0],
    ["gamma", "lowest", -1_000],
  ] as const;
  for (const [task, name, priority] of submissions) {
    await scheduler.submit(task, { name }, { priority });
  }
  await runAll(bench);
  assertEquals(order, ["highest", "high 1", "high 2", "normal 1", "normal 2", "low", "lowest"]);
});

test("of one priority the job that is due first runs first, however late it was submitted", async () => {
  const { bench, order } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  await scheduler.submit("alpha", { name: "in 30" }, { delay: 30 });
  await scheduler.submit("beta", { name: "in 10" }, { delay: 10 });
  await scheduler.submit("gamma", { name: "in 20" }, { runAt: clock.date(20) });
  clock.advance(30);
  await scheduler.submit("alpha", { name: "now" });
  await scheduler.submit("alpha", { name: "long ago" }, { runAt: clock.date(-3_600) });
  await runAll(bench);
  assertEquals(order, ["long ago", "in 10", "in 20", "in 30", "now"]);
});

test("priority goes before time for what is due, and never lets a job run early", async () => {
  const { bench, order } = createBench();
  await using _ending = bench;
  const { scheduler, clock } = bench;
  const early = await scheduler.submit("alpha", { name: "early" }, { delay: 60, priority: 9 });
  await scheduler.submit("alpha", { name: "plain" });
  await scheduler.submit("beta", { name: "urgent" }, { priority: 1 });
  scheduler.maxConcurrency = 1;
  const last = await scheduler.submit("gamma", { name: "last" }, { priority: -1 });
  await scheduler.wait(last);
  assertEquals(order, ["urgent", "plain", "last"]);
  clock.advance(60);
  await scheduler.wait(early);
  assertEquals(order.at(-1), "early");
});

test("priority comes from the task's job where a submission says nothing", async () => {
  const { bench, order } = createBench();
  await using _ending = bench;
  bench.registry.register("urgent", {
    job: { priority: 7 },
    run: () => {
      order.push("urgent");
    },
  });
  await bench.scheduler.submit("alpha", { name: "plain" });
  await bench.scheduler.submit("urgent");
  await runAll(bench);
  assertEquals(order, ["urgent", "plain"]);
});
