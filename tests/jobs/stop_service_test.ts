import { test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { Scheduler, SchedulerStoppedError } from "../../lib/jobs/mod.ts";
import { ServiceBuilder } from "../../lib/service/mod.ts";
import { TaskContext, TaskRegistry } from "../../lib/tasks/mod.ts";
import { Hold, TestScheduler } from "./test_scheduler.ts";

/** Hands back at once, and leaves what ignores that behind. */
const AT_ONCE = { grace: 0, abortGrace: 0.01 };

function createBench(): { bench: TestScheduler; hold: Hold } {
  const bench = new TestScheduler();
  const hold = new Hold();
  bench.registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  return { bench, hold };
}

test("executor.stop() hands the jobs that run back, and no more of them run here", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, executor, logger } = bench;
  const ids = await scheduler.submitMany([{ task: "held" }, { task: "held" }]);
  const [{ context }] = [await hold.next(), await hold.next()];
  const { signal } = context;
  await executor.stop(AT_ONCE);
  assertEquals(signal.aborted, true);
  ids.push(await scheduler.submit("held"));
  const closure = await scheduler.spawn(() => {});
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await scheduler.stop(AT_ONCE);
  const records = await Promise.all(ids.map((id) => scheduler.get(id)));
  assertEquals(
    records.map(({ status, attempt }) => [status, attempt]),
    [
      ["pending", 1],
      ["pending", 1],
      ["pending", 0],
    ],
  );
  assertEquals((await scheduler.get(closure)).status, "failed");
  assertEquals(logger.entries, []);
});

test("executor.stop() lets the jobs that run end within its grace", async () => {
  const { bench, hold } = createBench();
  await using _ending = bench;
  const { scheduler, executor } = bench;
  const id = await scheduler.submit("held");
  const run = await hold.next();
  const stopping = executor.stop({ grace: 60 });
  run.release({ ok: true });
  await stopping;
  assertEquals((await scheduler.wait(id)).result, { ok: true });
});

test("service.stop() drains jobs, which still have everything, before the hooks and the database", async () => {
  const registry = new TaskRegistry();
  const events: string[] = [];
  const running = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  registry.register("drains", {
    inject: [TaskContext, Scheduler],
    run: async (_params, context, scheduler) => {
      running.resolve();
      await letGo.promise;
      const next = await scheduler.submit("next");
      events.push("the job ends");
      return await context.complete(() => ({ next }));
    },
  });
  registry.register("next", { run: () => ({}) });
  const service = new ServiceBuilder({ displayName: "Stops", signals: false })
    .withTasks({ registry })
    .withJobs()
    .onShutdown(async ({ scheduler }) => {
      const jobs = await scheduler.list();
      events.push(`hook: ${jobs.map(({ status }) => status).join(", ")}`);
    })
    .build();
  await service.start();
  await service.scheduler.submit("drains");
  await running.promise;
  const stopping = service.stop({ grace: 60 });
  letGo.resolve();
  await stopping;
  assertEquals(events, ["the job ends", "hook: pending, completed"]);
  await assertRejects(() => service.scheduler.start(), SchedulerStoppedError);
});

test("service.stop() hands back what doesn't end in time, and answers who waits", async () => {
  const registry = new TaskRegistry();
  const hold = new Hold();
  registry.register("held", {
    inject: [TaskContext],
    run: (_params, context) => hold.enter(context),
  });
  const statuses: string[] = [];
  const service = new ServiceBuilder({ displayName: "Stops", signals: false })
    .withTasks({ registry })
    .withJobs()
    .onShutdown(async ({ scheduler }) => {
      statuses.push(...(await scheduler.list()).map(({ status }) => status));
    })
    .build();
  await service.start();
  const { scheduler } = service;
  const id = await scheduler.submit("held");
  await hold.next();
  const waiting = assertRejects(() => scheduler.wait(id), SchedulerStoppedError);
  await service.stop(AT_ONCE);
  await waiting;
  assertEquals(statuses, ["pending"]);
});

test("a body that comes after the stop is refused with 503, whatever it asks for", async () => {
  const registry = new TaskRegistry();
  let begun = 0;
  registry.register("count", {
    run: () => {
      begun += 1;
    },
  });
  const service = new ServiceBuilder({ displayName: "Stops", signals: false })
    .withTasks({ registry })
    .withJobs()
    .build();
  await service.start();
  const come = Promise.withResolvers<void>();
  const answers = ["$execute", "$submit"].map((action) => {
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await come.promise;
        controller.enqueue(new TextEncoder().encode("{}"));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    const url = `http://localhost/api/v1/tasks/count/${action}`;
    return service.fetch(new Request(url, { method: "POST", body, headers }));
  });
  await service.stop(AT_ONCE);
  come.resolve();
  for (const answer of await Promise.all(answers)) {
    assertEquals([answer.status, answer.headers.get("retry-after")], [503, "1"]);
    const problem: { type?: string } = Object(await answer.json());
    assertEquals(problem.type, "urn:taskmount:error:unavailable");
  }
  assertEquals(begun, 0);
});
