import { test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { IdempotencyConflictError, JobNotFoundError, QueueFullError } from "../../lib/jobs/mod.ts";
import { NestedWriteError, Session, SessionClosedError } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

interface Tables {
  entries: { text: string };
}

/** A bench with the table `entries`, and a task whose runs are held. */
async function createBench(): Promise<{ bench: TestScheduler; hold: Hold }> {
  const bench = new TestScheduler();
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  bench.registry.register("quick", { run: () => ({}) });
  await bench.database
    .kysely<Tables>()
    .schema.createTable("entries")
    .addColumn("text", "text")
    .execute();
  return { bench, hold };
}

async function insert(tx: Session, text: string): Promise<void> {
  await tx.kysely<Tables>().insertInto("entries").values({ text }).execute();
}

async function entries({ database }: TestScheduler): Promise<string[]> {
  const rows = await database.kysely<Tables>().selectFrom("entries").selectAll().execute();
  return rows.map(({ text }) => text);
}

/** What a rolled back transaction throws. */
class Rollback extends Error {}

test("submit() with a session makes exactly one job when the transaction commits", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  await scheduler.start();
  const id = await database.transaction(async (tx) => {
    await insert(tx, "order");
    const id = await scheduler.submit("held", {}, { session: tx });
    // Nobody else sees it yet, and nothing runs.
    await assertRejects(() => scheduler.get(id), JobNotFoundError);
    await scheduler.list();
    assertEquals(hold.count, 0);
    return id;
  });
  (await hold.next()).release();
  await scheduler.wait(id);
  await scheduler.wait(await scheduler.spawn(() => {}));
  assertEquals([hold.count, await entries(bench)], [1, ["order"]]);
  assertEquals((await scheduler.list({ task: "held" })).length, 1);
});

test("submit() with a session makes no job when the transaction is rolled back", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  await scheduler.start();
  let id = "";
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await insert(tx, "order");
        id = await scheduler.submit("held", {}, { session: tx });
        throw new Rollback();
      }),
    Rollback,
  );
  await scheduler.wait(await scheduler.submit("quick"));
  await assertRejects(() => scheduler.get(id), JobNotFoundError);
  assertEquals([hold.count, await entries(bench)], [0, []]);
});

test("nothing that was submitted runs before the commit, however long that takes", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database, clock } = bench;
  await scheduler.start();
  await database.transaction(async (tx) => {
    await scheduler.submit("held", {}, { session: tx });
    // A look at what is due comes, and finds nothing.
    clock.advance(10);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    assertEquals(hold.count, 0);
  });
  (await hold.next()).release();
});

test("submitMany() with a session makes all jobs, or none", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const many = Array(3).fill({ task: "held" });
  const rolledBack = database.transaction(async (tx) => {
    await scheduler.submitMany(many, { session: tx });
    throw new Rollback();
  });
  await assertRejects(() => rolledBack, Rollback);
  assertEquals(await scheduler.list(), []);
  const ids = await database.transaction((tx) => scheduler.submitMany(many, { session: tx }));
  for (const _ of ids) (await hold.next()).release();
  await Promise.all(ids.map((id) => scheduler.wait(id)));
  assertEquals(hold.count, 3);
});

test("the first use inside a transaction works without start(), and before any migration", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, database, logger } = bench;
  registry.register("quick", { run: () => ({ quick: true }) });
  const id = await database.transaction((tx) => scheduler.submit("quick", {}, { session: tx }));
  assertEquals((await scheduler.wait(id)).result, { quick: true });
  assertEquals(logger.entries, []);
});

test("the first use inside a transaction that is rolled back leaves everything as it was", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, database } = bench;
  registry.register("quick", { run: () => ({ quick: true }) });
  const rolledBack = database.transaction(async (tx) => {
    await scheduler.submit("quick", {}, { session: tx });
    throw new Rollback();
  });
  await assertRejects(() => rolledBack, Rollback);
  assertEquals(await scheduler.list(), []);
  assertEquals((await scheduler.wait(await scheduler.submit("quick"))).result, { quick: true });
});

test("a job that was submitted in a savepoint that is rolled back doesn't exist", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const id = await database.transaction(async (tx) => {
    const inner = tx.transaction(async (savepoint) => {
      await scheduler.submit("quick", {}, { session: savepoint });
      throw new Rollback();
    });
    await assertRejects(() => inner, Rollback);
    return await scheduler.submit("quick", {}, { session: tx });
  });
  assertEquals((await scheduler.wait(id)).status, "completed");
  assertEquals((await scheduler.list()).length, 1);
});

test("what submit() refuses inside a transaction leaves that as it was", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const { scheduler, database, registry } = bench;
  registry.register("narrow", { job: { maxPending: 1 }, run: () => ({}) });
  scheduler.maxConcurrency = 0;
  const options = { idempotencyKey: "key" };
  await database.transaction(async (tx) => {
    const session = tx;
    await insert(tx, "before");
    const many = Array(2).fill({ task: "narrow" });
    await assertRejects(() => scheduler.submitMany(many, { session }), QueueFullError);
    const id = await scheduler.submit("quick", { a: 1 }, { ...options, session });
    // What this transaction has written counts already.
    assertEquals(await scheduler.submit("quick", { a: 1 }, { ...options, session }), id);
    await assertRejects(
      () => scheduler.submit("quick", { a: 2 }, { ...options, session }),
      IdempotencyConflictError,
    );
    await insert(tx, "after");
  });
  assertEquals(await entries(bench), ["before", "after"]);
  assertEquals(
    (await scheduler.list()).map(({ taskName }) => taskName),
    ["quick"],
  );
});

test("cancel() with a session happens when the transaction commits", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const id = await scheduler.submit("held");
  const { context } = await hold.next();
  const { signal } = context;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  await database.transaction(async (tx) => {
    await insert(tx, "canceled");
    await scheduler.cancel(id, { session: tx });
    assertEquals((await scheduler.get(id)).status, "running");
    assertEquals(signal.aborted, false);
  });
  assertEquals((await scheduler.get(id)).status, "canceled");
  await aborted;
  assertEquals(await entries(bench), ["canceled"]);
});

test("cancel() with a session that is rolled back has not happened", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const rolledBack = database.transaction(async (tx) => {
    await scheduler.cancel(id, { session: tx });
    throw new Rollback();
  });
  await assertRejects(() => rolledBack, Rollback);
  run.release({ ok: true });
  assertEquals((await scheduler.wait(id)).result, { ok: true });
});

test("cancel() of what the same transaction has submitted makes a job that never runs", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const id = await database.transaction(async (tx) => {
    const id = await scheduler.submit("held", {}, { session: tx });
    await scheduler.cancel(id, { session: tx });
    return id;
  });
  assertEquals((await scheduler.wait(id)).status, "canceled");
  await scheduler.wait(await scheduler.submit("quick"));
  assertEquals(hold.count, 0);
});

test("retry() and delete() with a session happen when the transaction commits", async () => {
  const { bench, hold } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const [retried, deleted] = [
    await scheduler.submit("held", {}, { delay: 60 }),
    await scheduler.submit("held", {}, { delay: 60 }),
  ];
  await scheduler.cancel(retried);
  const change = async (tx: Session) => {
    await scheduler.retry(retried, { session: tx });
    await scheduler.delete(deleted, { session: tx });
  };
  const rolledBack = database.transaction(async (tx) => {
    await change(tx);
    throw new Rollback();
  });
  await assertRejects(() => rolledBack, Rollback);
  assertEquals((await scheduler.get(retried)).status, "canceled");
  assertEquals((await scheduler.get(deleted)).status, "pending");
  await database.transaction(change);
  assertEquals((await hold.next()).context.jobId, retried);
  await assertRejects(() => scheduler.get(deleted), JobNotFoundError);
});

test("a write that bypasses the open transaction is refused at once", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const id = await scheduler.submit("quick", {}, { delay: 60 });
  await database.transaction(async (tx) => {
    const writes = [
      () => scheduler.submit("quick"),
      () => scheduler.submitMany([{ task: "quick" }]),
      () => scheduler.cancel(id),
      () => scheduler.retry(id),
      () => scheduler.delete(id),
      () => scheduler.spawn(() => {}),
    ];
    for (const write of writes) await assertRejects(write, NestedWriteError);
    // Reads go past it.
    assertEquals((await scheduler.get(id)).status, "pending");
    await insert(tx, "went on");
  });
  assertEquals(await entries(bench), ["went on"]);
  assertEquals((await scheduler.list()).length, 1);
});

test("a task submits and completes what belongs together in its own transaction", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const { scheduler, registry } = bench;
  registry.register("order", {
    inject: [Session],
    run: (_params, session) =>
      session.transaction(async (tx) => {
        await insert(tx, "order");
        await assertRejects(() => scheduler.submit("quick"), NestedWriteError);
        return { job_id: await scheduler.submit("quick", {}, { session: tx }) };
      }),
  });
  const id = await scheduler.submit("order");
  assertEquals((await scheduler.wait(id)).status, "completed");
  const [quick] = await scheduler.list({ task: "quick" });
  assert(quick !== undefined);
  assertEquals((await scheduler.wait(quick.id)).parentId, id);
});

test("a run's own session commits at once, and refuses after the run", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const { scheduler, database } = bench;
  const session = database.session();
  const id = await scheduler.submit("quick", {}, { session });
  assertEquals((await scheduler.wait(id)).status, "completed");
  session[Symbol.dispose]();
  await assertRejects(() => scheduler.submit("quick", {}, { session }), SessionClosedError);
});
