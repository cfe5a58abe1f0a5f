import { setDefaultTimeout, test } from "bun:test";
import { closeSync, openSync, truncateSync, writeSync } from "node:fs";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Database } from "../../../lib/mod.ts";
import { TemporaryFolder } from "../../storage/databases.ts";
import { TroubledService } from "./troubled_service.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const PAGE = 4_096;

/** Makes a database with what a service keeps in it, some of its entries on many pages. */
async function prepare(path: string): Promise<void> {
  await using service = await TroubledService.start({ path });
  for (let index = 0; index < 20; index++) {
    assertEquals((await service.execute("add", { text: `${index}` })).status, 200);
  }
  service.kill("SIGTERM");
  assertEquals(await service.exited, 0);
}

/** Writes garbage into a file. */
function destroy(path: string, { at, length }: { at: number; length: number }): void {
  const file = openSync(path, "r+");
  writeSync(file, new Uint8Array(length).fill(0xa5), 0, length, at);
  closeSync(file);
}

/** Where the first page of a table's rows is. */
async function rootOf(path: string, table: string): Promise<number> {
  await using database = Database.sqlite(path);
  const db = database.kysely<{ sqlite_schema: { name: string; rootpage: number } }>();
  const select = db.selectFrom("sqlite_schema").select("rootpage").where("name", "=", table);
  return (await select.executeTakeFirstOrThrow()).rootpage;
}

const damages: Record<string, { damage: (path: string) => unknown; error: string; type: string }> =
  {
    "whose beginning is destroyed": {
      damage: (path) => destroy(path, { at: 0, length: 100 }),
      error: "DatabaseOpenError: Cannot open",
      type: "unavailable",
    },
    "that is no database": {
      damage: (path) => Bun.write(path, "This is a letter, not a database. ".repeat(100)),
      error: "DatabaseOpenError: Cannot open",
      type: "unavailable",
    },
    "that was cut off": {
      damage: (path) => truncateSync(path, 5 * PAGE),
      error: "is damaged (database disk image is malformed)",
      type: "database-corrupt",
    },
    "that was cut off in its first page": {
      damage: (path) => truncateSync(path, 50),
      error: "is damaged (database disk image is malformed)",
      type: "database-corrupt",
    },
    "whose schema is destroyed": {
      damage: (path) => destroy(path, { at: 100, length: PAGE - 100 }),
      error: "is damaged (database disk image is malformed)",
      type: "database-corrupt",
    },
  };

for (const [what, { damage, error, type }] of Object.entries(damages)) {
  test(`a service on a file ${what} does not start, and changes nothing`, async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await prepare(path);
    await damage(path);
    const content = await Bun.file(path).bytes();
    await using service = await TroubledService.start({ path });
    assertStringIncludes(service.failure ?? "", error);
    assertStringIncludes(service.failure ?? "", "restore a backup");
    for (const answer of [await service.execute("count"), await service.submit("wait")]) {
      assertEquals([answer.status, answer.body.type], [503, `urn:taskmount:error:${type}`]);
    }
    const health = await service.get("/health");
    assertEquals([health.status, health.body.status], [503, "unhealthy"]);
    assertStringIncludes(health.body.checks.database.message, "restore a backup");
    assert(Bun.deepEquals(await Bun.file(path).bytes(), content), "the file was written to");
  });
}

test("a service goes on beside a table that is damaged, and is unhealthy once that was met", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await prepare(path);
  const page = await rootOf(path, "entries");
  destroy(path, { at: (page - 1) * PAGE, length: PAGE });
  await using service = await TroubledService.start({ path });
  assertEquals(service.failure, undefined);
  assertEquals((await service.get("/health")).status, 200);
  for (const answer of [
    await service.execute("count"),
    await service.execute("add", { text: "a" }),
  ]) {
    assertEquals([answer.status, answer.body.type], [503, "urn:taskmount:error:database-corrupt"]);
    assertStringIncludes(answer.body.detail, "is damaged");
  }
  const health = await service.get("/health");
  assertEquals(health.status, 503);
  assertStringIncludes(health.body.checks.database.message, "is damaged");
  await service.order("go");
  const job = await service.submit("wait");
  assertEquals([job.status, await service.line()], [202, "running"]);
  assertEquals((await service.end(job.body.id)).status, "completed");
  // What can be written beside it makes it no sounder.
  assertEquals((await service.get("/health")).status, 503);
  service.kill("SIGTERM");
  assertEquals(await service.exited, 0);
});

test("a service on a file whose jobs are damaged answers 503, and lives", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await prepare(path);
  const page = await rootOf(path, "taskmount_jobs");
  destroy(path, { at: (page - 1) * PAGE, length: PAGE });
  await using service = await TroubledService.start({ path });
  for (const answer of [await service.submit("wait"), await service.get("/api/v1/jobs")]) {
    assertEquals([answer.status, answer.body.type], [503, "urn:taskmount:error:database-corrupt"]);
  }
  assertEquals((await service.get("/health")).status, 503);
  assertEquals((await service.get("/health/live")).status, 200);
});

test("a log that is garbage is left aside, and the database is as its file has it", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await prepare(path);
  await Bun.write(`${path}-wal`, new Uint8Array(100_000).fill(0xa5));
  await using service = await TroubledService.start({ path });
  assertEquals(service.failure, undefined);
  assertEquals((await service.execute("count")).body.result, { entries: 40 });
  assertEquals((await service.execute("add", { text: "a" })).body.error, null);
  assertEquals((await service.get("/health")).status, 200);
  assertEquals(await service.check(), '[["ok"]]');
});

test("a service whose file is deleted while it runs is unhealthy", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using service = await TroubledService.start({ path });
  assertEquals((await service.get("/health")).status, 200);
  await Bun.file(path).delete();
  const health = await service.get("/health");
  assertEquals(health.status, 503);
  assertStringIncludes(health.body.checks.database.message, "was deleted, moved or replaced");
});
