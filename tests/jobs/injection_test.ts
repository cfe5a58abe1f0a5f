import { test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { Scheduler } from "../../lib/jobs/mod.ts";
import { Database, Session, SessionClosedError } from "../../lib/storage/mod.ts";
import {
  defineTask,
  MissingProviderError,
  optional,
  TaskContext,
  token,
} from "../../lib/tasks/mod.ts";
import { TestExecutor } from "../tasks/test_executor.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

interface Master {
  sqlite_master: { name: string };
}

/** Stands for a manager of something, such as the ArtifactManager. */
class Archive {
  readonly saved: string[] = [];
  save(text: string): void {
    this.saved.push(text);
  }
}

test("spawn() injects what its tokens name, after the context", async () => {
  await using bench = new TestScheduler();
  const { scheduler, database, executor } = bench;
  const Port = token<number>("Port");
  executor.provide(Port, { create: () => 8000 });
  const id = await scheduler.spawn(
    (context, injectedDatabase, session, port, absent) => {
      assert(context instanceof TaskContext);
      assertStrictEquals(injectedDatabase, database);
      assert(session instanceof Session);
      return { port, absent: absent === undefined };
    },
    { inject: [Database, Session, Port, optional(Archive)] },
  );
  assertEquals((await scheduler.wait(id)).result, { port: 8000, absent: true });
});

test("spawn() fails a closure that needs what nobody provides", async () => {
  await using bench = new TestScheduler();
  const id = await bench.scheduler.spawn(() => {}, { inject: [Archive] });
  const { status, error } = await bench.scheduler.wait(id);
  assertEquals(status, "failed");
  assert(error?.startsWith('MissingProviderError: The task "closure" needs "Archive"'));
});

test("each run of a job has its own Session, which ends with it", async () => {
  await using bench = new TestScheduler();
  const { scheduler } = bench;
  const sessions: Session[] = [];
  const spawn = () =>
    scheduler.spawn(
      async (_context, session) => {
        sessions.push(session);
        await session.kysely<Master>().selectFrom("sqlite_master").select("name").execute();
      },
      { inject: [Session] },
    );
  for (const id of [await spawn(), await spawn()]) {
    assertEquals((await scheduler.wait(id)).status, "completed");
  }
  const [first, second] = sessions;
  assert(first !== undefined && second !== undefined && first !== second);
  for (const session of sessions) {
    await assertRejects(async () => session.kysely(), SessionClosedError);
  }
});

test("a spawning run's Scheduler and managers are usable after it has ended", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, executor } = bench;
  executor.provide(Archive, { create: () => new Archive() });
  const hold = new Hold();
  registry.register("late", { run: () => ({ late: true }) });
  registry.register("spawner", {
    inject: [Scheduler, Archive],
    run: async (_params, scheduler, archive) => ({
      job_id: await scheduler.spawn(async (context) => {
        await hold.enter(context);
        archive.save("written after the end");
        const id = await scheduler.submit("late");
        const { result } = await scheduler.wait(id);
        return { result, saved: archive.saved };
      }),
    }),
  });
  const spawner = await scheduler.wait(await scheduler.submit("spawner"));
  assertEquals(spawner.status, "completed");
  (await hold.next()).release();
  const [closure] = (await scheduler.list()).filter(({ taskName }) => taskName === null);
  assert(closure !== undefined);
  assertEquals((await scheduler.wait(closure.id)).result, {
    result: { late: true },
    saved: ["written after the end"],
  });
});

test("Scheduler is injected in tasks, in $execute as in jobs", async () => {
  await using bench = new TestScheduler();
  const { scheduler, registry, executor } = bench;
  const task = registry.register("ask", {
    inject: [Scheduler, optional(Scheduler)],
    run: (_params, required, perhaps) => ({
      same: required === scheduler && perhaps === scheduler,
    }),
  });
  assertEquals(await executor.execute(task), { same: true });
  assertEquals((await scheduler.wait(await scheduler.submit(task))).result, { same: true });
});

test("optional(Scheduler) is undefined without one, and Scheduler is refused", async () => {
  await using bench = new TestExecutor();
  const { executor } = bench;
  const perhaps = defineTask("perhaps", {
    inject: [optional(Scheduler)],
    run: (_params, scheduler) => ({ absent: scheduler === undefined }),
  });
  assertEquals(await executor.execute(perhaps), { absent: true });
  const required = defineTask("required", { inject: [Scheduler], run: () => ({}) });
  await assertRejects(
    () => executor.execute(required),
    MissingProviderError,
    'The task "required" needs "Scheduler"',
  );
});

test("what is provided for one run is disposed when the job's run has ended", async () => {
  await using bench = new TestScheduler();
  const { scheduler, executor } = bench;
  const events: string[] = [];
  const Connection = token<Disposable>("Connection");
  executor.provide(Connection, {
    scope: "execution",
    create: () => ({ [Symbol.dispose]: () => void events.push("disposed") }),
  });
  const spawn = () => scheduler.spawn(() => void events.push("ran"), { inject: [Connection] });
  await scheduler.wait(await spawn());
  await scheduler.wait(await spawn());
  assertEquals(events, ["ran", "disposed", "ran", "disposed"]);
});

test("executor.stop() leaves a scheduler that was injected to who made it", async () => {
  await using bench = new TestScheduler();
  const { registry, executor, scheduler } = bench;
  registry.register("ask", { inject: [Scheduler], run: (_params, { prefix }) => ({ prefix }) });
  await executor.execute("ask");
  await executor.stop();
  // A stopped one refuses.
  await scheduler.start();
});

test("a job doesn't see what its submitter keeps in AsyncLocalStorage", async () => {
  await using bench = new TestScheduler();
  const { registry, scheduler } = bench;
  const users = new AsyncLocalStorage<string>();
  registry.register("ask", { run: () => ({ user: users.getStore() ?? null }) });
  const id = await users.run("ada", async () => {
    await scheduler.start();
    return await scheduler.submit("ask");
  });
  assertEquals((await scheduler.wait(id)).result, { user: null });
});
