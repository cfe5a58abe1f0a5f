import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Database, DatabaseSchemaError } from "../../../lib/mod.ts";
import { TemporaryFolder } from "../../storage/databases.ts";
import { TroubledService } from "./troubled_service.ts";

setDefaultTimeout(60_000);

interface Migrations {
  taskmount_migration: { name: string; timestamp: string };
}

/** Leaves a database in which a newer version has run migrations of these names. */
async function prepare(path: string, ...names: string[]): Promise<void> {
  await using database = Database.sqlite(path);
  await database.migrate();
  const db = database.kysely<Migrations>();
  for (const name of names) {
    const row = { name, timestamp: new Date().toISOString() };
    await db.insertInto("taskmount_migration").values(row).execute();
  }
}

test("a service refuses a database of a newer version, and changes nothing", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await prepare(path, "9998_artifacts", "9999_more");
  const content = await Bun.file(path).bytes();
  {
    await using service = await TroubledService.start({ path });
    const message = service.failure?.replace("DatabaseSchemaError: ", "") ?? "";
    assertMatch(message, /brought its tables to "9998_artifacts", "9999_more", and this one/);
    assertMatch(message, /knows them up to "\d{4}_\w+"\. Nothing was changed; run that version/);
    for (const answer of [await service.submit("wait"), await service.get("/api/v1/tasks")]) {
      assertEquals([answer.status, answer.body.type], [503, "urn:taskmount:error:database-schema"]);
    }
    const { status, body } = await service.get("/health");
    assertEquals(status, 503);
    assertEquals(body.checks.service.message, `it could not start: ${message}`);
  }
  assert(Bun.deepEquals(await Bun.file(path).bytes(), content), "the file was written to");
});

test("migrate() refuses what it doesn't know also where it would have something to run", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await prepare(path, "9999_more");
  await using database = Database.sqlite(path);
  const db = database.kysely<Migrations>();
  await db.deleteFrom("taskmount_migration").where("name", "=", "0002_schedules").execute();
  await assertRejects(() => database.migrate(), DatabaseSchemaError);
  const inside = database.transaction((tx) => database.migrate({ session: tx }));
  await assertRejects(() => inside, DatabaseSchemaError);
});
