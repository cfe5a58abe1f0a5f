import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import {
  JobCanceledError,
  JobFailedError,
  JobNotFoundError,
  JobStateError,
} from "../../lib/jobs/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

const NOBODY = "01J00000000000000000000000";

function createBench(maxConcurrency = 10): { bench: TestScheduler; hold: Hold } {
  const bench = new TestScheduler({ maxConcurrency });
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  bench.registry.register("quick", { run: () => ({ quick: true }) });
  return { bench, hold };
}

test("wait() resolves to the record at its end, well or not", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const ids = await scheduler.submitMany(Array(3).fill({ task: "held" }));
  const [completed = "", failed = "", canceled = ""] = ids;
  const waiting = Promise.all(ids.map((id) => scheduler.wait(id)));
  for (const _ of ids) {
    const run = await hold.next();
    if (run.context.jobId === completed) run.release({ ok: true });
    else if (run.context.jobId === failed) run.fail(new Error("no"));
  }
  await scheduler.cancel(canceled);
  assertEquals(
    (await waiting).map(({ status, result, error }) => [status, result, error]),
    [
      ["completed", { ok: true }, null],
      ["failed", null, "Error: no"],
      ["canceled", null, null],
    ],
  );
});

test("wait() resolves at once for a job that has ended", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const id = await bench.scheduler.submit("quick");
  const first = await bench.scheduler.wait(id);
  assertEquals(await bench.scheduler.wait(id), first);
});

test("wait() refuses an id that no job has", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  await assertRejects(() => bench.scheduler.wait(NOBODY), JobNotFoundError);
});

test("wait() rejects when the job is deleted", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  await hold.next();
  const waiting = scheduler.wait(id);
  await scheduler.delete(id);
  await assertRejects(() => waiting, JobNotFoundError);
});

test("wait() ends at once when its signal aborts, and leaves the job alone", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const controller = new AbortController();
  const waiting = scheduler.wait(id, { signal: controller.signal });
  const reason = new Error("no time");
  controller.abort(reason);
  assertStrictEquals(await waiting.catch((error: unknown) => error), reason);
  run.release();
  assertEquals((await scheduler.wait(id)).status, "completed");
});

test("result() gives the result of a completed job", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const id = await bench.scheduler.submit("quick");
  await bench.scheduler.wait(id);
  assertEquals(await bench.scheduler.result(id), { quick: true });
});

test("result() throws what a failed or canceled job has come to", async () => {
  const { bench } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const failed = await scheduler.spawn(() => Promise.reject(new RangeError("no")));
  await scheduler.wait(failed);
  await assertRejects(() => scheduler.result(failed), JobFailedError, "RangeError: no");
  const canceled = await scheduler.submit("held", {}, { delay: 60 });
  await scheduler.cancel(canceled);
  await assertRejects(() => scheduler.result(canceled), JobCanceledError, canceled);
  await assertRejects(() => scheduler.result(NOBODY), JobNotFoundError);
});

test("result() refuses a job that has not ended", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler } = bench;
  const running = await scheduler.submit("held");
  const run = await hold.next();
  const pending = await scheduler.submit("held", {}, { delay: 60 });
  for (const [id, status] of [
    [running, "running"],
    [pending, "pending"],
  ] as const) {
    const error = await assertRejects(
      () => scheduler.result(id),
      JobStateError,
      `Cannot give the result of job ${id}: it is ${status}`,
    );
    assertEquals(error.status, status);
  }
  run.release();
});

test("a job that waits for its child gives up its slot, where there is but one", async () => {
  const { bench } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("parent", {
    run: async () => {
      const { result } = await scheduler.wait(await scheduler.submit("quick"));
      return { child: result };
    },
  });
  const record = await scheduler.wait(await scheduler.submit("parent"));
  assertEquals(record.result, { child: { quick: true } });
});

test("a job that waits for several at once gives up its slot once", async () => {
  const { bench, hold } = createBench(2);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("parent", {
    run: async () => {
      const ids = await scheduler.submitMany(Array(5).fill({ task: "held" }));
      const records = await Promise.all(ids.map((id) => scheduler.wait(id)));
      return { children: records.length };
    },
  });
  const id = await scheduler.submit("parent");
  for (let child = 0; child < 5; child++) {
    const run = await hold.next();
    // The others wait, whatever the parent has given up.
    assert(hold.held <= 2);
    run.release();
  }
  assertEquals((await scheduler.wait(id)).result, { children: 5 });
  assertEquals(hold.most, 2);
});

test("jobs nested deeper than there are slots all come to their end", async () => {
  const { bench } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  const Depth = v.object({ depth: v.number() });
  registry.register("nested", {
    params: Depth,
    run: async ({ depth }) => {
      if (depth === 0) return { depth: 0 };
      const id = await scheduler.submit("nested", { depth: depth - 1 });
      const below = v.parse(Depth, (await scheduler.wait(id)).result);
      return { depth: below.depth + 1 };
    },
  });
  const id = await scheduler.submit("nested", { depth: 20 });
  assertEquals((await scheduler.wait(id)).result, { depth: 20 });
});

test("a job goes on after its wait only when it has a slot again", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  const delayed = await scheduler.submit("quick", {}, { delay: 60 });
  const events: string[] = [];
  registry.register("parent", {
    run: async () => {
      await scheduler.submit("held");
      await scheduler.wait(delayed);
      events.push("goes on");
    },
  });
  const parent = await scheduler.submit("parent");
  // It has the only slot, while the parent waits.
  const run = await hold.next();
  await scheduler.cancel(delayed);
  await scheduler.wait(delayed);
  await new Promise((resolve) => setImmediate(resolve));
  events.push("has a slot");
  run.release();
  await scheduler.wait(parent);
  assertEquals(events, ["has a slot", "goes on"]);
});

test("no more than maxConcurrency go on at once when many parents resume", async () => {
  const { bench } = createBench(2);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  let working = 0;
  let most = 0;
  /** Counts as work what a job does between its waits, across turns of the event loop. */
  const work = async () => {
    working += 1;
    most = Math.max(most, working);
    await new Promise((resolve) => setImmediate(resolve));
    working -= 1;
  };
  registry.register("child", { run: work });
  registry.register("parent", {
    run: async () => {
      await work();
      const children = await scheduler.submitMany(Array(3).fill({ task: "child" }));
      for (const child of children) {
        await scheduler.wait(child);
        await work();
      }
    },
  });
  const ids = await scheduler.submitMany(Array(40).fill({ task: "parent" }));
  for (const record of await Promise.all(ids.map((id) => scheduler.wait(id)))) {
    assertEquals(record.status, "completed");
  }
  assertEquals(most, 2);
}, 20_000);

test("a job doesn't go on in the slot that another one is being claimed for", async () => {
  const { bench } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  let hold = new Hold();
  let delayed = "";
  let waiting = Promise.withResolvers<void>();
  registry.register("other", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  registry.register("parent", {
    inject: [TaskContext],
    run: async (_params, context) => {
      const ended = scheduler.wait(delayed);
      waiting.resolve();
      await ended;
      return await hold.enter(context);
    },
  });
  /** Lets so many promises resolve first. */
  const after = async (turns: number) => {
    for (let turn = 0; turn < turns; turn++) await undefined;
  };
  // What the parent waits for ends as the slot that it gave up is being taken, sooner or later.
  for (let turns = 0; turns < 30; turns++) {
    hold = new Hold();
    waiting = Promise.withResolvers();
    delayed = await scheduler.submit("quick", {}, { delay: 60 });
    const parent = await scheduler.submit("parent");
    await waiting.promise;
    await new Promise((resolve) => setImmediate(resolve));
    const canceling = after(30 - turns).then(() => scheduler.cancel(delayed));
    const other = await after(turns).then(() => scheduler.submit("other"));
    await canceling;
    const first = await hold.next();
    await new Promise((resolve) => setImmediate(resolve));
    assertEquals(hold.most, 1);
    first.release();
    (await hold.next()).release();
    await Promise.all([scheduler.wait(parent), scheduler.wait(other)]);
  }
}, 20_000);

test("a job that waits in vain, or for nobody, has its slot back", async () => {
  const { bench } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("parent", {
    run: async () => {
      await assertRejects(() => scheduler.wait(NOBODY), JobNotFoundError);
      const signal = AbortSignal.abort(new Error("no time"));
      const child = await scheduler.submit("quick");
      await assertRejects(() => scheduler.wait(child, { signal }), Error, "no time");
      return { went: "on" };
    },
  });
  const id = await scheduler.submit("parent");
  assertEquals((await scheduler.wait(id)).result, { went: "on" });
  // Its slot is free, and there is still one.
  assertEquals((await scheduler.wait(await scheduler.submit("quick"))).status, "completed");
});

test("a job that was canceled while it waits leaves its slot to others", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("parent", {
    run: async () => {
      await scheduler.wait(await scheduler.submit("held"));
    },
  });
  const parent = await scheduler.submit("parent");
  const child = await hold.next();
  await scheduler.cancel(parent);
  child.release();
  const ids = await scheduler.submitMany(Array(3).fill({ task: "held" }));
  for (const _ of ids) (await hold.next()).release();
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  assertEquals(hold.most, 1);
});

test("outside a job, wait() takes no slot", async () => {
  const { bench, hold } = createBench(1);
  await using _ending = bench;
  const { scheduler, registry, executor } = bench;
  registry.register("executed", {
    run: async () => ({ child: (await scheduler.wait(await scheduler.submit("held"))).status }),
  });
  const executing = Promise.all([executor.execute("executed"), executor.execute("executed")]);
  for (let run = 0; run < 2; run++) (await hold.next()).release();
  assertEquals(await executing, [{ child: "completed" }, { child: "completed" }]);
  assertEquals(hold.most, 1);
});

test("wait() within a job refuses to wait for that job itself", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const id = await scheduler.spawn(async ({ jobId }) => await scheduler.wait(jobId ?? ""));
  assertEquals(
    (await scheduler.wait(id)).error,
    `JobStateError: Cannot wait within itself for job ${id}: it is running`,
  );
});
