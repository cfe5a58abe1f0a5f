import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import * as v from "valibot";
import {
  ArtifactManager,
  Database,
  MissingProviderError,
  optional,
  Scheduler,
  Session,
  TaskContext,
  TaskExecutor,
  TaskRegistry,
} from "../../lib/mod.ts";
import { RecordingLogger } from "../tasks/recording_logger.ts";
import { Bed } from "./bed.ts";

test("an executor that is given artifacts injects them", async () => {
  await using bed = new Bed();
  const { database, artifacts } = bed;
  const registry = new TaskRegistry();
  registry.register("store", {
    inject: [ArtifactManager],
    params: v.object({ data: v.unknown() }),
    run: async ({ data }, artifacts) => ({ artifact_id: (await artifacts.save({ data })).id }),
  });
  await using executor = new TaskExecutor({ registry, database, artifacts });
  const result = await executor.execute("store", { data: { a: 1 } });
  const [artifact] = await artifacts.list();
  assertEquals(result, { artifact_id: artifact?.id });
  assertEquals(artifact?.data, { a: 1 });
});

test("without artifacts a task that needs them fails, and one that may have them gets none", async () => {
  await using database = Database.sqlite(":memory:");
  const registry = new TaskRegistry();
  registry.register("needs", { inject: [ArtifactManager], run: () => ({}) });
  registry.register("may", {
    inject: [optional(ArtifactManager)],
    run: (_params, artifacts) => ({ has: artifacts !== undefined }),
  });
  await using executor = new TaskExecutor({ registry, database });
  await assertRejects(() => executor.execute("needs"), MissingProviderError, "ArtifactManager");
  assertEquals(await executor.execute("may"), { has: false });
});

test("a manager outlives the executor and the run that it was injected into", async () => {
  await using bed = new Bed();
  const { database, artifacts } = bed;
  const registry = new TaskRegistry();
  registry.register("spawns", {
    inject: [Scheduler, ArtifactManager],
    run: async (_params, scheduler, artifacts) => ({
      job_id: await scheduler.spawn(async () => await artifacts.save({ data: "from a closure" })),
    }),
  });
  const scheduler = new Scheduler({ database });
  const executor = new TaskExecutor({ registry, database, scheduler, artifacts });
  const { job_id } = (await executor.execute("spawns")) as { job_id: string };
  const job = await scheduler.wait(job_id);
  assertEquals(job.status, "completed");
  // A result that is an artifact is the job's.
  const { id, data } = await artifacts.get(job.artifactId ?? "");
  assertEquals([id, data], [job.artifactId ?? "", "from a closure"]);
  await scheduler.stop();
  await executor.stop();
  assertEquals((await artifacts.save({ data: "after" })).data, "after");
});

test("complete() commits an artifact with the job's completion", async () => {
  await using bed = new Bed();
  const { database, artifacts } = bed;
  const registry = new TaskRegistry();
  registry.register("completes", {
    inject: [TaskContext, ArtifactManager],
    run: async (_params, context, artifacts) => {
      await context.complete(async (tx) => {
        const { id } = await artifacts.save({ data: 1 }, { session: tx });
        return { artifact_id: id };
      });
    },
  });
  registry.register("rolls_back", {
    inject: [Session, ArtifactManager],
    run: async (_params, session, artifacts) => {
      await session.transaction(async (tx) => {
        await artifacts.save({ data: 2 }, { session: tx });
        throw new Error("no");
      });
    },
  });
  const scheduler = new Scheduler({ database });
  const logger = new RecordingLogger();
  await using _executor = new TaskExecutor({ registry, database, scheduler, artifacts, logger });
  const completed = await scheduler.wait(await scheduler.submit("completes"));
  const failed = await scheduler.wait(await scheduler.submit("rolls_back"));
  assertEquals([completed.status, failed.status], ["completed", "failed"]);
  assertEquals(
    (await artifacts.list()).map(({ id }) => id),
    [completed.artifactId ?? ""],
  );
  await scheduler.stop();
});
