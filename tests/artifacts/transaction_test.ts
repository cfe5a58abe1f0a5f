import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Kysely } from "kysely";
import { ArtifactNotFoundError, NestedWriteError, type Session } from "../../lib/mod.ts";
import { createEntries, insert, type Tables, texts } from "../storage/databases.ts";
import { Bed, bytesOf, MEBIBYTE, NOTHING } from "./bed.ts";

setDefaultTimeout(30_000);

async function withEntries(): Promise<Bed> {
  const bed = new Bed();
  await bed.database.migrate();
  await createEntries(bed.database);
  return bed;
}

test("save() with a session appears with the user's own rows, bytes included", async () => {
  await using bed = await withEntries();
  for (const bytes of [bytesOf(10), bytesOf(3 * MEBIBYTE, 2)]) {
    const id = await bed.database.transaction(async (tx) => {
      const { id } = await bed.artifacts.save({ data: bytes, tags: ["a"] }, { session: tx });
      await insert(tx, id);
      assertEquals((await bed.artifacts.get(id, { session: tx })).size, bytes.length);
      assertEquals((await bed.artifacts.tree(id, { session: tx })).children, []);
      // Nobody else sees it yet.
      await assertRejects(() => bed.artifacts.get(id), ArtifactNotFoundError);
      return id;
    });
    assert((await texts(bed.database)).includes(id));
    assert(Buffer.compare(await bed.read(id), bytes) === 0);
  }
});

test("save() with a session vanishes with the user's own rows, bytes included", async () => {
  await using bed = await withEntries();
  const kept = await bed.artifacts.save({ data: bytesOf(MEBIBYTE + 1) });
  const before = await bed.stored();
  const failed = bed.database.transaction(async (tx) => {
    await bed.artifacts.save({ data: bytesOf(3 * MEBIBYTE, 2), tags: ["a"] }, { session: tx });
    await bed.artifacts.update(kept.id, { data: null, tags: ["b"] }, { session: tx });
    await insert(tx, "entry");
    throw new Error("no");
  });
  await assertRejects(() => failed, Error, "no");
  assertEquals(await bed.artifacts.list(), [kept]);
  assertEquals(await bed.artifacts.list({ tags: ["a"] }), []);
  assertEquals(await bed.stored(), before);
  assertEquals(await texts(bed.database), []);
});

test("an upload that fails within a transaction leaves the rest of it", async () => {
  await using bed = await withEntries();
  await bed.database.transaction(async (tx) => {
    await insert(tx, "before");
    let pulled = 0;
    const data = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        if (pulled === 4) controller.error(new Error("cut off"));
        else controller.enqueue(bytesOf(MEBIBYTE));
      },
    });
    await assertRejects(() => bed.artifacts.save({ data }, { session: tx }), Error, "cut off");
    await insert(tx, "after");
  });
  assertEquals(await texts(bed.database), ["before", "after"]);
  assertEquals(await bed.stored(), NOTHING);
});

test("delete() with a session frees bytes after the commit, and not after a rollback", async () => {
  await using bed = await withEntries();
  const { id } = await bed.artifacts.save({ data: bytesOf(6 * MEBIBYTE) });
  const rolledBack = bed.database.transaction(async (tx) => {
    await bed.artifacts.delete(id, { session: tx });
    throw new Error("no");
  });
  await assertRejects(() => rolledBack, Error, "no");
  assertEquals((await bed.read(id)).length, 6 * MEBIBYTE);
  await bed.database.transaction((tx) => bed.artifacts.delete(id, { session: tx }));
  await bed.artifacts.sweep();
  assertEquals(await bed.stored(), NOTHING);
});

test("a write that bypasses the open transaction is a NestedWriteError", async () => {
  await using bed = await withEntries();
  const { id } = await bed.artifacts.save({});
  await bed.database.transaction(async () => {
    for (const data of [1, bytesOf(10), bytesOf(3 * MEBIBYTE)]) {
      await assertRejects(() => bed.artifacts.save({ data }), NestedWriteError);
      await assertRejects(() => bed.artifacts.update(id, { data }), NestedWriteError);
    }
    await assertRejects(() => bed.artifacts.delete(id), NestedWriteError);
    // Reads go beside it.
    assertEquals((await bed.artifacts.get(id)).id, id);
  });
});

test("a session outside a transaction commits each save by itself", async () => {
  await using bed = await withEntries();
  using session: Session = bed.database.session();
  const bytes = bytesOf(3 * MEBIBYTE);
  const { id } = await bed.artifacts.save({ data: bytes }, { session });
  assert(Buffer.compare(await bed.read(id), bytes) === 0);
  await bed.artifacts.delete(id, { session });
  await bed.artifacts.sweep();
  assertEquals(await bed.stored(), NOTHING);
});

test("the tables are made within the transaction where nobody has before", async () => {
  await using bed = new Bed();
  await bed.database.transaction(async (tx) => {
    const db: Kysely<Tables> = tx.kysely<Tables>();
    await db.schema.createTable("entries").addColumn("text", "text").execute();
    await bed.artifacts.save({ data: bytesOf(10) }, { session: tx });
  });
  assertEquals((await bed.artifacts.list()).length, 1);
});
