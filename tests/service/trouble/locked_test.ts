import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { Child } from "../../storage/child.ts";
import { TemporaryFolder } from "../../storage/databases.ts";
import { TroubledService } from "./troubled_service.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const BUSY = "Another process kept";

test.concurrent("a service whose file another program keeps locked says so, and goes on when it lets go", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using service = await TroubledService.start({ path, options: { busyTimeout: 2 } });
  const job = await service.submit("wait");
  assertEquals([job.status, await service.line()], [202, "running"]);
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  // For a moment anybody may hold it.
  const soon = await service.get("/health");
  assertEquals([soon.status, soon.body.checks.database.state], [200, "degraded"]);
  assertStringIncludes(soon.body.checks.database.message, "another process has kept it locked");

  // What arrives together gives up together.
  const asked = performance.now();
  const refused = await Promise.all([
    ...Array.from({ length: 20 }, () => service.submit("wait")),
    service.execute("add", { text: "refused" }),
  ]);
  // One after the other they would take a minute.
  assertLess(performance.now() - asked, 20_000);
  for (const { status, body, headers } of refused) {
    assertEquals([status, body.type], [503, "urn:taskmount:error:unavailable"]);
    assertStringIncludes(body.detail, BUSY);
    assertEquals(headers.get("retry-after"), "1");
  }
  const health = await service.becomes("unhealthy");
  assertEquals(health.status, 503);
  assertStringIncludes(health.body.checks.database.message, BUSY);
  assertEquals((await service.execute("count")).body.result, { entries: 0 });
  await service.order("go");

  await holder.order("release");
  await service.becomes("healthy");
  const record = await service.end(job.body.id);
  assertEquals([record.status, record.attempt], ["completed", 1]);
  assertEquals((await service.execute("add", { text: "after" })).body.error, null);
  assertEquals((await service.execute("count")).body.result, { entries: 2 });
  assertEquals((await service.get("/api/v1/jobs")).body.length, 1);
  assertEquals(await service.check(), '[["ok"]]');
});

test.concurrent("a service that starts while another program locks everybody out starts when it lets go", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock out");
  await using service = await TroubledService.start({ path, options: { busyTimeout: 0.2 } });
  assertStringIncludes(service.failure ?? "", `DatabaseBusyError: ${BUSY}`);
  const health = await service.get("/health");
  assertEquals(health.status, 503);
  assertStringIncludes(health.body.checks.service.message, BUSY);
  assertEquals((await service.submit("wait")).status, 503);
  await holder.order("release");
  assertEquals((await service.get("/health")).body.status, "healthy");
  await service.order("go");
  const job = await service.submit("wait");
  assertEquals([job.status, await service.line()], [202, "running"]);
  assertEquals((await service.end(job.body.id)).status, "completed");
});

test.concurrent("a service stops in its grace while another program keeps its file locked", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using service = await TroubledService.start({ path, grace: 0.5 });
  const job = await service.submit("wait");
  assertEquals(await service.line(), "running");
  await using holder = new Child("hold_lock.ts", [path]);
  assertEquals(await holder.line(), "ready");
  await holder.order("lock");
  await service.order("go");
  service.kill("SIGTERM");
  // Not 1, as where it gave up waiting for the lock.
  assertEquals(await service.exited, 0);
  await holder.order("release");
  // How the job has ended could not be written, so it runs again.
  await using next = await TroubledService.start({ path });
  next.send("go");
  assertEquals((await next.end(job.body.id)).status, "completed");
});

test.concurrent("an open transaction of its own does not make a service unhealthy", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using service = await TroubledService.start({ path, options: { busyTimeout: 0.2 } });
  await service.order("open transaction");
  for (let times = 0; times < 3; times++) {
    assertEquals((await service.get("/health")).body.status, "healthy");
  }
  await service.order("close transaction");
  assertEquals((await service.execute("count")).body.result, { entries: 1 });
});
