import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { JobCanceledError } from "../../lib/jobs/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { TaskContext } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

/** One that only submits, and one that runs, on one database. Their clocks stand still: nobody looks by itself. */
function createBenches(database: Database) {
  const submitting = new TestScheduler({ database, maxConcurrency: 0 });
  const { registry, clock } = submitting;
  const hold = new Hold();
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const running = new TestScheduler({ database, registry, clock });
  return { submitting, running, hold };
}

test("a scheduler runs what another one on the same Database has submitted, and tells it of the end", async () => {
  await using database = Database.sqlite(":memory:");
  const { submitting, running, hold } = createBenches(database);
  await using _first = submitting;
  await using _second = running;
  await running.scheduler.start();
  const id = await submitting.scheduler.submit("held");
  const run = await hold.next();
  const ending = submitting.scheduler.wait(id);
  run.release({ by: "the other" });
  assertEquals((await ending).result, { by: "the other" });
});

test("cancel() reaches what another scheduler on the same Database runs", async () => {
  await using database = Database.sqlite(":memory:");
  const { submitting, running, hold } = createBenches(database);
  await using _first = submitting;
  await using _second = running;
  await running.scheduler.start();
  const id = await submitting.scheduler.submit("held");
  const { signal } = (await hold.next()).context;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
  await submitting.scheduler.cancel(id);
  await aborted;
  assertEquals(signal.reason instanceof JobCanceledError, true);
});
