import { assertEquals, assertRejects } from "@std/assert";
import { type Database, NestedWriteError, type Session } from "../../lib/storage/mod.ts";
import { insert, testOnEach, texts } from "./databases.ts";

/** Whether taskmount's own tables are there. */
async function isMigrated(on: Database | Session): Promise<boolean> {
  const row = await on
    .kysely<{ sqlite_schema: { name: string } }>()
    .selectFrom("sqlite_schema")
    .select("name")
    .where("name", "=", "taskmount_jobs")
    .executeTakeFirst();
  return row !== undefined;
}

testOnEach("migrate() in a transaction is done through its session", async (database) => {
  await database.transaction(async (tx) => {
    await insert(tx, "a");
    await assertRejects(() => database.migrate(), NestedWriteError);
    await database.migrate({ session: tx });
    assertEquals(await isMigrated(tx), true);
    assertEquals(await isMigrated(database), false);
    await database.migrate({ session: tx });
  });
  assertEquals(await isMigrated(database), true);
  assertEquals(await texts(database), ["a"]);
  await database.migrate();
});

testOnEach("migrate() vanishes with its transaction, and is done again later", async (database) => {
  await assertRejects(
    () =>
      database.transaction(async (tx) => {
        await database.migrate({ session: tx });
        throw new RangeError("no");
      }),
    RangeError,
  );
  assertEquals(await isMigrated(database), false);
  await database.migrate();
  assertEquals(await isMigrated(database), true);
});

testOnEach("migrate() in a transaction does nothing once it was done", async (database) => {
  await database.migrate();
  await database.transaction(async (tx) => {
    await database.migrate();
    await database.migrate({ session: tx });
    await insert(tx, "a");
  });
  assertEquals(await texts(database), ["a"]);
});
