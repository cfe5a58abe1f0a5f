import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TemporaryFolder } from "../../storage/databases.ts";
import { canMount, READ_ONLY, TroubledService } from "./troubled_service.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const hasMounts = canMount();
const TYPE = "urn:taskmount:error:database-read-only";

/** Makes a database with what a service keeps in it. */
async function prepare(path: string): Promise<void> {
  await using service = await TroubledService.start({ path });
  assertEquals((await service.execute("add", { text: "before" })).status, 200);
  service.kill("SIGTERM");
  assertEquals(await service.exited, 0);
}

for (const [what, before] of Object.entries({
  file: READ_ONLY,
  "folder, with all that is in it,": READ_ONLY.replaceAll('"$1"', '"$(dirname "$1")"'),
})) {
  test.skipIf(!hasMounts)(`a service on a ${what} that can only be read says so`, async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await prepare(path);
    const content = await Bun.file(path).bytes();
    {
      await using service = await TroubledService.start({ path, before });
      const refused = await service.execute("add", { text: "refused" });
      assertStringIncludes(service.failure ?? "", "DatabaseReadOnlyError");
      assertStringIncludes(service.failure ?? "", "can only be read");
      assertEquals([refused.status, refused.body.type], [503, TYPE]);
      const health = await service.get("/health");
      assertEquals([health.status, health.body.checks.database.state], [503, "unhealthy"]);
      assertStringIncludes(health.body.checks.database.message, "can only be read");
      assertEquals((await service.get("/health/live")).status, 200);
    }
    assertEquals(await Bun.file(path).bytes(), content);
    await using service = await TroubledService.start({ path });
    assertEquals((await service.execute("count")).body.result, { entries: 2 });
    assertEquals((await service.get("/health")).status, 200);
  });
}

test("a service whose database can only be read from now on says so, until it can be written", async () => {
  await using folder = await TemporaryFolder.create();
  await using service = await TroubledService.start({ path: folder.file("app.db") });
  const job = await service.submit("wait");
  assertEquals(await service.line(), "running");
  await service.order("freeze");
  const health = await service.get("/health");
  assertEquals(health.status, 503);
  assertStringIncludes(health.body.checks.database.message, "can only be read");
  for (const answer of [
    await service.execute("add", { text: "a" }),
    await service.submit("wait"),
  ]) {
    assertEquals([answer.status, answer.body.type], [503, TYPE]);
  }
  assertEquals((await service.execute("count")).body.result, { entries: 0 });
  await service.order("go");
  assertEquals((await service.get(`/api/v1/jobs/${job.body.id}`)).body.status, "running");
  await service.order("thaw");
  await service.becomes("healthy");
  assertEquals((await service.end(job.body.id)).status, "completed");
  assertEquals((await service.submit("wait")).status, 202);
  assertEquals(await service.line(), "running");
  assertEquals(await service.check(), '[["ok"]]');
});
