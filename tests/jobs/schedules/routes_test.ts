import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { ServiceBuilder } from "../../../lib/service/mod.ts";
import { Database } from "../../../lib/storage/mod.ts";
import { TaskRegistry } from "../../../lib/tasks/mod.ts";
import { FakeClock } from "../../../lib/testing/mod.ts";
import { jsonOf, problemOf } from "../../tasks/test_router.ts";
import { NEW_YEAR } from "../test_scheduler.ts";

const SCHEDULES = "/api/v1/schedules";

/** A service with a task that never runs by itself. */
function build(options: { database?: Database; schedulesPrefix?: string; clock?: FakeClock } = {}) {
  const {
    database = Database.sqlite(":memory:"),
    clock = new FakeClock({ now: NEW_YEAR }),
    ...jobs
  } = options;
  const registry = new TaskRegistry();
  registry.register("report", { run: () => ({ written: true }) });
  const service = new ServiceBuilder({ displayName: "Reports", signals: false })
    .withDatabase(database)
    .withTasks({ registry })
    .withJobs({ clock, ...jobs })
    .build();
  const send = (path: string, method = "GET") =>
    service.fetch(new Request(`http://localhost${path}`, { method }));
  return Object.assign(service, { clock, send });
}

test("GET answers the schedules by name, and one alone", async () => {
  await using service = build();
  const { scheduler, clock, send } = service;
  assertEquals(await jsonOf(await send(SCHEDULES)), []);
  await scheduler.cron(
    "weekly",
    "0 9 * * MON",
    "report",
    {},
    { timeZone: "Europe/Oslo", missed: "once" },
  );
  await scheduler.cron("daily", "@daily", "report", { a: 1 });
  const daily = {
    name: "daily",
    expression: "@daily",
    time_zone: "UTC",
    task_name: "report",
    params: { a: 1 },
    missed: "skip",
    paused: false,
    next_run_at: clock.date(24 * 60 * 60).toISOString(),
    last_run_at: null,
    last_job_id: null,
  };
  const all = await jsonOf(await send(SCHEDULES));
  assertEquals(
    all.map(({ name }: { name: string }) => name),
    ["daily", "weekly"],
  );
  assertEquals(all[0], daily);
  assertEquals([all[1].time_zone, all[1].missed], ["Europe/Oslo", "once"]);
  assertEquals(await jsonOf(await send(`${SCHEDULES}/daily`)), daily);
});

test("POST /{name}/$pause and $resume answer the schedule, however often", async () => {
  await using service = build();
  const { scheduler, clock, send } = service;
  await scheduler.cron("daily", "@daily", "report");
  for (const action of ["$pause", "%24pause"]) {
    const schedule = await jsonOf(await send(`${SCHEDULES}/daily/${action}`, "POST"));
    assertEquals([schedule.paused, schedule.next_run_at], [true, null]);
  }
  for (const action of ["$resume", "$resume"]) {
    const schedule = await jsonOf(await send(`${SCHEDULES}/daily/${action}`, "POST"));
    const tomorrow = clock.date(24 * 60 * 60).toISOString();
    assertEquals([schedule.paused, schedule.next_run_at], [false, tomorrow]);
  }
});

test("POST /{name}/$run answers 202 with the record of its job, and where it is", async () => {
  await using service = build();
  const { scheduler, send } = service;
  await scheduler.cron("daily", "@daily", "report");
  const response = await send(`${SCHEDULES}/daily/$run`, "POST");
  assertEquals(response.status, 202);
  const { id, task_name } = await jsonOf(response);
  assertEquals(task_name, "report");
  assertEquals(response.headers.get("location"), `/api/v1/jobs/${id}`);
  assertEquals((await scheduler.wait(id)).result, { written: true });
  const { last_job_id } = await jsonOf(await send(`${SCHEDULES}/daily`));
  assertEquals(last_job_id, id);
});

test("what no process declares is a 404 problem, and another method a 405", async () => {
  await using service = build();
  const { send } = service;
  for (const path of ["/nothing", "/nothing/$pause", "/nothing/$resume", "/nothing/$run"]) {
    const method = path.includes("$") ? "POST" : "GET";
    const problem = await problemOf(await send(`${SCHEDULES}${path}`, method), 404);
    assertEquals(problem.type, "urn:taskmount:error:schedule-not-found");
    assertEquals(problem.detail, 'There is no schedule "nothing"');
  }
  await problemOf(await send(`${SCHEDULES}/daily/$run`), 405);
  await problemOf(await send(SCHEDULES, "POST"), 405);
});

test("withJobs() puts the routes of schedules elsewhere", async () => {
  await using service = build({ schedulesPrefix: "/timetable" });
  assertEquals(await jsonOf(await service.send("/timetable")), []);
  assertEquals((await service.send(SCHEDULES)).status, 404);
});

test("cron() before the service has started starts it, and its jobs wait for the hooks", async () => {
  const order: string[] = [];
  const registry = new TaskRegistry();
  registry.register("report", { run: () => void order.push("job") });
  const clock = new FakeClock({ now: NEW_YEAR });
  const { promise: hookMayEnd, resolve: endHook } = Promise.withResolvers<void>();
  const { promise: hookBegan, resolve: beginHook } = Promise.withResolvers<void>();
  await using service = new ServiceBuilder({ displayName: "Reports", signals: false })
    .withTasks({ registry })
    .withJobs({ clock })
    .onStartup(async () => {
      beginHook();
      await hookMayEnd;
      order.push("hook");
    })
    .build();
  const { scheduler } = service;
  await scheduler.cron("often", "* * * * *", "report");
  const id = await scheduler.schedules.run("often");
  await hookBegan;
  endHook();
  await scheduler.wait(id);
  assertEquals(order, ["hook", "job"]);
});
