import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import * as v from "valibot";
import { JobCanceledError } from "../../lib/jobs/mod.ts";
import { Session } from "../../lib/storage/mod.ts";
import { AlreadyCompletedError, TaskContext, type TaskResult } from "../../lib/tasks/mod.ts";
import { TestScheduler } from "./test_scheduler.ts";

interface Tables {
  entries: { text: string };
}

/** A bench with the table `entries`. */
async function createBench(): Promise<TestScheduler> {
  const bench = new TestScheduler();
  await bench.database
    .kysely<Tables>()
    .schema.createTable("entries")
    .addColumn("text", "text")
    .execute();
  return bench;
}

async function insert(tx: Session, text: string): Promise<void> {
  await tx.kysely<Tables>().insertInto("entries").values({ text }).execute();
}

async function entries({ database }: TestScheduler): Promise<string[]> {
  const rows = await database.kysely<Tables>().selectFrom("entries").selectAll().execute();
  return rows.map(({ text }) => text);
}

/** Submits a task that does `use`, and resolves to the id of its job. */
function submit(
  { registry, scheduler }: TestScheduler,
  use: (context: TaskContext, session: Session) => Promise<TaskResult>,
): Promise<string> {
  const task = registry.register("completing", {
    inject: [TaskContext, Session],
    job: { retries: 1, backoff: { initial: 0 } },
    run: (_params, context, session) => use(context, session),
  });
  return scheduler.submit(task);
}

test("complete() commits the writes, the result and the completion together", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const committed = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const id = await submit(bench, async (context) => {
    await context.complete(async (tx) => {
      await insert(tx, "paid");
      const { status } = await scheduler.get(context.jobId ?? "");
      assertEquals([status, await entries(bench)], ["running", []]);
      return { paid: true };
    });
    committed.resolve();
    await letGo.promise;
  });
  await committed.promise;
  // The run has not ended; the job has.
  const { status, result, finishedAt } = await scheduler.wait(id);
  assertEquals([status, result, finishedAt], ["completed", { paid: true }, bench.clock.date()]);
  assertEquals(await entries(bench), ["paid"]);
  letGo.resolve();
});

test("complete() commits nothing where its function throws, and the job may be run again", async () => {
  await using bench = await createBench();
  let runs = 0;
  const id = await submit(bench, (context) =>
    context.complete(async (tx) => {
      runs += 1;
      await insert(tx, `run ${runs}`);
      if (runs === 1) throw new RangeError("no");
      return { runs };
    }),
  );
  const { status, attempt, result } = await bench.scheduler.wait(id);
  assertEquals([status, attempt, result], ["completed", 2, { runs: 2 }]);
  assertEquals(await entries(bench), ["run 2"]);
});

test("complete() has its value validated by returns before the commit", async () => {
  await using bench = await createBench();
  const { scheduler, registry } = bench;
  registry.register("typed", {
    inject: [TaskContext],
    params: v.object({ cents: v.number() }),
    returns: v.object({
      cents: v.pipe(
        v.number(),
        v.minValue(1, "Nothing to pay"),
        v.transform((cents) => cents / 100),
      ),
    }),
    run: ({ cents }, context) =>
      context.complete(async (tx) => {
        await insert(tx, `${cents} cents`);
        return { cents };
      }),
  });
  const refused = await scheduler.wait(await scheduler.submit("typed", { cents: 0 }));
  assertEquals(refused.status, "failed");
  assert(refused.error?.startsWith("ResultValidationError: "));
  assertEquals(await entries(bench), []);
  const taken = await scheduler.wait(await scheduler.submit("typed", { cents: 250 }));
  assertEquals(taken.result, { cents: 2.5 });
  assertEquals(await entries(bench), ["250 cents"]);
});

test("complete() commits nothing where its value is too large, or no JSON", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const results = { ResultTooLargeError: "x".repeat(1024 * 1024), SerializationError: { big: 1n } };
  for (const [error, result] of Object.entries(results)) {
    const id = await scheduler.spawn((context) =>
      context.complete(async (tx) => {
        await insert(tx, error);
        return { result };
      }),
    );
    const record = await scheduler.wait(id);
    assertEquals(record.status, "failed");
    assert(record.error?.startsWith(`${error}: `));
  }
  assertEquals(await entries(bench), []);
});

test("what a run returns after complete() is only logged", async () => {
  await using bench = await createBench();
  const id = await submit(bench, async (context) => {
    await context.complete(() => ({ first: true }));
    return { second: true };
  });
  await bench.scheduler.wait(id);
  await bench.scheduler.stop();
  const { status, result } = await bench.scheduler.get(id);
  assertEquals([status, result], ["completed", { first: true }]);
  assertEquals(bench.logger.messages, [
    "the run returned another result than it had completed with",
  ]);
});

test("what a run throws after complete() is only logged", async () => {
  await using bench = await createBench();
  const id = await submit(bench, async (context) => {
    await context.complete(() => ({ first: true }));
    throw new RangeError("too late");
  });
  await bench.scheduler.wait(id);
  await bench.scheduler.stop();
  const { status, attempt, error } = await bench.scheduler.get(id);
  assertEquals([status, attempt, error], ["completed", 1, null]);
  assertEquals(bench.logger.messages, ["the run failed after it had completed"]);
});

test("complete() throws when it is called a second time", async () => {
  await using bench = await createBench();
  const second = Promise.withResolvers<unknown>();
  const id = await submit(bench, async (context) => {
    await context.complete((tx) => insert(tx, "first"));
    second.resolve(await context.complete((tx) => insert(tx, "second")).catch((error) => error));
  });
  assert((await second.promise) instanceof AlreadyCompletedError);
  assertEquals((await bench.scheduler.wait(id)).status, "completed");
  assertEquals(await entries(bench), ["first"]);
});

test("complete() commits nothing where the job was canceled meanwhile", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const seen = Promise.withResolvers<unknown>();
  const canceled = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  const id = await submit(bench, async (context) => {
    running.resolve();
    await canceled.promise;
    const completing = context.complete(async (tx) => {
      await insert(tx, "lost");
      return {};
    });
    seen.resolve(await completing.catch((error: unknown) => error));
    return {};
  });
  await running.promise;
  await scheduler.cancel(id);
  canceled.resolve();
  assert((await seen.promise) instanceof Error);
  assertEquals(await entries(bench), []);
  assertEquals((await scheduler.get(id)).status, "canceled");
});

test("complete() refuses where the cancellation comes first within its own transaction", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const seen = Promise.withResolvers<unknown>();
  // It can't have heard of what is not committed yet: the fence alone refuses.
  const id = await submit(bench, async (context) => {
    const completing = context.complete(async (tx) => {
      await scheduler.cancel(context.jobId ?? "", { session: tx });
      context.log("kept");
      await insert(tx, "lost");
      return {};
    });
    seen.resolve(await completing.catch((error: unknown) => error));
    return { went: "on" };
  });
  assert((await seen.promise) instanceof JobCanceledError);
  // Nothing of it was committed, the cancellation neither.
  assertEquals((await scheduler.wait(id)).result, { went: "on" });
  assertEquals(await entries(bench), []);
  assertEquals(
    (await scheduler.logs(id)).map(({ line }) => line),
    ["kept"],
  );
});

test("complete() takes along what was reported before it, and within it", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const id = await submit(bench, async (context) => {
    context.log("before");
    return await context.complete(async (tx) => {
      context.log("within");
      context.progress(0.75, "nearly");
      await insert(tx, "x");
      context.log("last");
      return {};
    });
  });
  const { progress, progressMessage } = await scheduler.wait(id);
  assertEquals([progress, progressMessage], [0.75, "nearly"]);
  assertEquals(
    (await scheduler.logs(id)).map(({ line }) => line),
    ["before", "within", "last"],
  );
});

test("complete() takes along what was reported within it alone", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const id = await submit(bench, (context) =>
    context.complete(async (tx) => {
      context.log("within");
      context.progress(0.5);
      await insert(tx, "x");
      return {};
    }),
  );
  assertEquals((await scheduler.wait(id)).progress, 0.5);
  assertEquals(
    (await scheduler.logs(id)).map(({ line }) => line),
    ["within"],
  );
});

test("what is reported within a complete() that fails is kept", async () => {
  await using bench = await createBench();
  const { scheduler } = bench;
  const id = await scheduler.spawn((context) =>
    context.complete(() => {
      context.log("within");
      throw new Error("no");
    }),
  );
  assertEquals((await scheduler.wait(id)).status, "failed");
  assertEquals(
    (await scheduler.logs(id)).map(({ line }) => line),
    ["within"],
  );
});

test("complete() submits further jobs in the same transaction", async () => {
  await using bench = await createBench();
  const { scheduler, registry } = bench;
  registry.register("next", { run: () => ({ next: true }) });
  let next = "";
  const id = await submit(bench, (context) =>
    context.complete(async (tx) => {
      next = await scheduler.submit("next", {}, { session: tx });
      await assertRejects(() => scheduler.get(next));
      return {};
    }),
  );
  await scheduler.wait(id);
  const record = await scheduler.wait(next);
  assertEquals([record.result, record.parentId], [{ next: true }, id]);
});

test("complete() frees the slot when the run ends, and its job counts as running until then", async () => {
  await using bench = new TestScheduler({ maxConcurrency: 1 });
  const { scheduler } = bench;
  const letGo = Promise.withResolvers<void>();
  const first = await scheduler.spawn(async (context) => {
    await context.complete(() => ({}));
    await letGo.promise;
  });
  await scheduler.wait(first);
  const second = await scheduler.spawn(() => "second");
  await assertRejects(() => scheduler.result(second));
  letGo.resolve();
  assertStrictEquals((await scheduler.wait(second)).result, "second");
});
