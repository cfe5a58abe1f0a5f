import { test } from "bun:test";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArtifactCycleError,
  ArtifactHasChildrenError,
  ArtifactHierarchy,
  ArtifactNotFoundError,
  type ArtifactTree,
  UnknownParentError,
} from "../../lib/mod.ts";
import { ulid } from "../../lib/storage/mod.ts";
import { Bed, bytesOf, NOTHING } from "./bed.ts";

/** A chain of artifacts, each under the one before; their ids from the root down. */
async function chain(bed: Bed, length: number, parentId: string | null = null): Promise<string[]> {
  const ids: string[] = [];
  for (let level = 0; level < length; level += 1) {
    const { id } = await bed.artifacts.save({ parentId: ids.at(-1) ?? parentId });
    ids.push(id);
  }
  return ids;
}

async function levels(bed: Bed, ids: readonly string[]): Promise<number[]> {
  return await Promise.all(ids.map(async (id) => (await bed.artifacts.get(id)).level));
}

test("a hierarchy labels levels, and calls the others level_N", () => {
  const hierarchy = new ArtifactHierarchy({ name: "h", levelLabels: { 0: "run", 2: "step" } });
  assertEquals(
    [0, 1, 2, 30].map((level) => hierarchy.labelOf(level)),
    ["run", "level_1", "step", "level_30"],
  );
  assertEquals(new ArtifactHierarchy({ name: "h" }).labelOf(0), "level_0");
  for (const level of [-1, 0.5, "x"]) {
    const levelLabels = { [level]: "label" };
    assertThrows(() => new ArtifactHierarchy({ name: "h", levelLabels }), TypeError, `${level}`);
  }
});

test("save() puts an artifact a level under its parent", async () => {
  await using bed = new Bed();
  assertEquals(await levels(bed, await chain(bed, 4)), [0, 1, 2, 3]);
});

test("save() and update() refuse an unknown parent", async () => {
  await using bed = new Bed();
  const parentId = ulid();
  const { id } = await bed.artifacts.save({});
  for (const data of [1, bytesOf(10), new ReadableStream()]) {
    await assertRejects(() => bed.artifacts.save({ data, parentId }), UnknownParentError, parentId);
    await assertRejects(() => bed.artifacts.update(id, { data, parentId }), UnknownParentError);
  }
});

test("update() moves a whole subtree to its new level", async () => {
  await using bed = new Bed();
  const [a = "", b = "", c = "", d = ""] = await chain(bed, 4);
  const [other = "", under = ""] = await chain(bed, 2);
  assertEquals((await bed.artifacts.update(b, { parentId: under })).level, 2);
  assertEquals(await levels(bed, [a, b, c, d, other, under]), [0, 2, 3, 4, 0, 1]);
  assertEquals((await bed.artifacts.update(c, { parentId: null })).level, 0);
  assertEquals(await levels(bed, [a, b, c, d]), [0, 2, 0, 1]);
});

test("update() refuses a cycle", async () => {
  await using bed = new Bed();
  const ids = await chain(bed, 3);
  const [root = ""] = ids;
  for (const parentId of ids) {
    await assertRejects(() => bed.artifacts.update(root, { parentId }), ArtifactCycleError);
  }
  assertEquals(await levels(bed, ids), [0, 1, 2]);
});

test("delete() refuses an artifact with children, unless it is recursive", async () => {
  await using bed = new Bed();
  const [a = "", b = ""] = await chain(bed, 3);
  await bed.artifacts.save({ data: bytesOf(2_500_000), tags: ["x"], parentId: b });
  const kept = await bed.artifacts.save({ tags: ["x"] });
  await assertRejects(() => bed.artifacts.delete(a), ArtifactHasChildrenError, a);
  await bed.artifacts.delete(a, { recursive: true });
  assertEquals(await bed.artifacts.list(), [kept]);
  assertEquals(await bed.artifacts.list({ tags: ["x"] }), [kept]);
  assertEquals(await bed.stored(), NOTHING);
  await assertRejects(() => bed.artifacts.delete(a, { recursive: true }), ArtifactNotFoundError);
});

test("tree() has children in the order of their ids, from any node down", async () => {
  await using bed = new Bed();
  const root = ulid(1_000);
  const [first, second, third] = [ulid(2_000), ulid(3_000), ulid(4_000)];
  await bed.artifacts.save({ id: root });
  for (const id of [third, first, second]) await bed.artifacts.save({ id, parentId: root });
  const below = await bed.artifacts.save({ parentId: second });
  const tree = await bed.artifacts.tree(root);
  assertEquals(
    tree.children.map(({ id }) => id),
    [first, second, third],
  );
  assertEquals(
    (await bed.artifacts.tree(second)).children.map(({ id }) => id),
    [below.id],
  );
});

test("a tree that is deeper than the stack is read, moved and deleted", async () => {
  await using bed = new Bed();
  const depth = 100_000;
  const root = await bed.artifacts.save({});
  // Saved one by one this would take a minute.
  await bed.database.transaction(async (tx) => {
    const db = tx.kysely<{ taskmount_artifacts: Record<string, unknown> }>();
    let parent = root.id;
    for (let level = 1; level < depth; ) {
      const rows: Record<string, unknown>[] = [];
      for (; rows.length < 1_000 && level < depth; level += 1) {
        const id = ulid();
        rows.push({ id, parent_id: parent, level, tags: "[]", created_at: 0, updated_at: 0 });
        parent = id;
      }
      await db.insertInto("taskmount_artifacts").values(rows).execute();
    }
  });
  const { id: top } = await bed.artifacts.save({});
  assertEquals((await bed.artifacts.update(root.id, { parentId: top })).level, 1);
  let node: ArtifactTree | undefined = await bed.artifacts.tree(top);
  let deepest = 0;
  for (; node !== undefined; [node] = node.children) deepest = node.level;
  assertEquals(deepest, depth);
  const bottom = (await bed.artifacts.list({ level: depth }))[0]?.id ?? "";
  const underItself = () => bed.artifacts.update(root.id, { parentId: bottom });
  await assertRejects(underItself, ArtifactCycleError);
  await bed.artifacts.delete(top, { recursive: true });
  assertEquals(await bed.artifacts.list(), []);
}, 30_000);
