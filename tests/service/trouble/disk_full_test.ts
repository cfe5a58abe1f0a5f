import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { TemporaryFolder } from "../../storage/databases.ts";
import { type Answer, canMount, TroubledService } from "./troubled_service.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const hasMounts = canMount();
const SMALL_DISK = 'mount -t tmpfs -o size=8m none "$(dirname "$1")"';
const FULL = "urn:taskmount:error:database-full";

/** Resolves once it is so, by what others do. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test.skipIf(!hasMounts)(
  "a service on a full disk says so, and goes on when there is room",
  async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using service = await TroubledService.start({ path, before: SMALL_DISK });
    assertEquals(service.failure, undefined);
    assertEquals((await service.execute("add", { text: "before" })).body.error, null);
    const job = await service.submit("wait");
    assertEquals([job.status, await service.line()], [202, "running"]);

    await service.order("fill");
    // Before anything has failed, by the room that is left.
    const health = await service.get("/health");
    assertEquals([health.status, health.body.status], [503, "unhealthy"]);
    assertStringIncludes(health.body.checks.database.message, "no room left to write");
    for (const answer of [
      await service.execute("add", { text: "refused" }),
      // More than SQLite keeps in memory until the commit.
      await service.execute("add", { text: "refused", bytes: 5_000_000 }),
      await service.submit("wait"),
      await service.submit("wait"),
    ]) {
      assertEquals([answer.status, answer.body.type], [503, FULL]);
      assertEquals(answer.headers.get("retry-after"), "10");
    }
    // What reads goes on.
    assertEquals((await service.execute("count")).body.result, { entries: 2 });
    assertEquals((await service.get("/api/v1/jobs")).body.length, 1);
    // It ends, and how can't be written.
    await service.order("go");
    assertEquals((await service.execute("add", { text: "refused" })).status, 503);
    assertEquals((await service.get(`/api/v1/jobs/${job.body.id}`)).body.status, "running");
    assertEquals((await service.get("/health")).status, 503);

    await service.order("free");
    await service.becomes("healthy");
    const record = await service.end(job.body.id);
    assertEquals(
      [record.status, record.result, record.attempt],
      ["completed", { waited: true }, 1],
    );
    const logged: { line: string }[] = (await service.get(`/api/v1/jobs/${job.body.id}/$logs`))
      .body;
    assertEquals(
      logged.map(({ line }) => line),
      ["one line", "another line"],
    );
    assertEquals((await service.execute("add", { text: "after" })).body.error, null);
    assertEquals((await service.execute("count")).body.result, { entries: 4 });
    const again = await service.submit("wait");
    assertEquals([again.status, await service.line()], [202, "running"]);
    assertEquals((await service.end(again.body.id)).status, "completed");
    assertEquals((await service.get("/api/v1/jobs")).body.length, 2);
    assertEquals(await service.check(), '[["ok"]]');
    service.kill("SIGTERM");
    assertEquals(await service.exited, 0);
  },
);

test.skipIf(!hasMounts)(
  "under load, a disk that fills up again and again costs nothing that was acknowledged",
  async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using service = await TroubledService.start({ path, before: SMALL_DISK });
    const jobs: string[] = [];
    let added = 0;
    let refused = 0;
    let isOver = false;
    const isRefused = ({ status, body }: Answer) => {
      if (status !== 503) return false;
      assertEquals(body.type, FULL);
      refused += 1;
      return true;
    };
    const lane = async () => {
      while (!isOver) {
        const submitted = await service.submit("count");
        if (!isRefused(submitted)) jobs.push(submitted.body.id);
        const executed = await service.execute("add", { text: "a", bytes: 500 });
        if (!isRefused(executed)) added += 1;
      }
    };
    const lanes = Array.from({ length: 4 }, lane);
    for (let times = 0; times < 3; times++) {
      const [jobsBefore, addedBefore] = [jobs.length, added];
      await until(() => jobs.length > jobsBefore + 20 && added > addedBefore + 20);
      await service.order("fill");
      const refusedBefore = refused;
      await until(() => refused > refusedBefore + 20);
      await service.order("free");
    }
    isOver = true;
    await Promise.all(lanes);
    for (const id of jobs) assertEquals((await service.end(id)).status, "completed");
    assertEquals((await service.execute("count")).body.result, { entries: added * 2 });
    assertEquals(await service.check(), '[["ok"]]');
  },
);

test.skipIf(!hasMounts)(
  "a job whose worker loses its lease to a full disk runs again",
  async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using service = await TroubledService.start({ path, before: SMALL_DISK });
    const job = await service.submit("wait");
    assertEquals(await service.line(), "running");
    await service.order("fill");
    assertEquals(await service.line(), "aborted");
    assertEquals((await service.get("/health/live")).status, 200);
    await service.order("free");
    assertEquals(await service.line(), "running");
    await service.order("go");
    const record = await service.end(job.body.id);
    assertEquals([record.status, record.attempt], ["completed", 2]);
    assertEquals(await service.check(), '[["ok"]]');
  },
);

test.skipIf(!hasMounts)(
  "a service that starts on a full disk starts when there is room",
  async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    const before = `${SMALL_DISK} && (cat /dev/zero > "$(dirname "$1")/ballast" 2>/dev/null || true)`;
    await using service = await TroubledService.start({ path, before });
    assertStringIncludes(service.failure ?? "", "DatabaseFullError: There is no room left");
    const refused = await service.submit("wait");
    assertEquals([refused.status, refused.body.type], [503, FULL]);
    const health = await service.get("/health");
    assertEquals(health.status, 503);
    assertStringIncludes(health.body.checks.service.message, "no room left");
    await service.order("free");
    assertEquals((await service.get("/health")).body.status, "healthy");
    await service.order("go");
    const job = await service.submit("wait");
    assertEquals((await service.end(job.body.id)).status, "completed");
  },
);

test("a write beyond what the system allows is a DatabaseDiskError", async () => {
  await using folder = await TemporaryFolder.create();
  // As with a quota, in blocks of 512 or 1,024 bytes.
  const child = Bun.spawn(
    [
      "sh",
      "-c",
      'ulimit -f 300 && exec "$@"',
      "sh",
      process.execPath,
      `${import.meta.dir}/fixtures/write_until_refused.ts`,
      folder.file("app.db"),
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const lines = (await child.stdout.text()).trim().split("\n");
  assertEquals(lines, ["DatabaseDiskError SQLITE_IOERR_WRITE", '[["ok"]]']);
});
