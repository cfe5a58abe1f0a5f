import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArtifactExistsError,
  ArtifactHierarchy,
  ArtifactManager,
  ArtifactNotFoundError,
  ArtifactTooLargeError,
  Database,
  InvalidArtifactError,
  type NewArtifact,
} from "../../lib/mod.ts";
import { ulid } from "../../lib/storage/mod.ts";
import { Bed, bytesOf, sha256 } from "./bed.ts";

const NOW = 1_800_000_000_000;

test("save() gives the artifact, as get() does later", async () => {
  await using bed = new Bed({ clock: { now: () => NOW } });
  const saved = await bed.artifacts.save({
    data: { rows: [1, 2] },
    metadata: { source: "test" },
    tags: ["report", "b-2_C"],
    filename: "rows.json",
  });
  assertEquals(saved, {
    id: saved.id,
    data: { rows: [1, 2] },
    metadata: { source: "test" },
    contentType: null,
    size: null,
    sha256: null,
    filename: "rows.json",
    parentId: null,
    level: 0,
    tags: ["report", "b-2_C"],
    createdAt: new Date(NOW),
    updatedAt: new Date(NOW),
  });
  assertEquals(await bed.artifacts.get(saved.id), saved);
});

test("save() keeps data exactly", async () => {
  await using bed = new Bed();
  let deep: unknown = 1;
  for (let depth = 0; depth < 5_000; depth += 1) deep = [deep];
  const values = [
    null,
    true,
    0,
    -1.5,
    5e-324,
    Number.MAX_VALUE,
    2 ** 53,
    0.1,
    "",
    "\0\n\u2028 ünï 😀",
    "\ud800 alone",
    [],
    {},
    [null, [], {}],
    { "": 1, " ": null, __proto__x: [{}], ключ: "значение" },
    deep,
  ];
  for (const data of values) {
    const { id } = await bed.artifacts.save({ data });
    // The deep one is too deep for a comparison of its parts.
    assertEquals(JSON.stringify((await bed.artifacts.get(id)).data), JSON.stringify(data));
  }
});

test("save() keeps no data as null", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ metadata: { only: "this" } });
  assertEquals((await bed.artifacts.get(id)).data, null);
  assertEquals(new TextDecoder().decode(await bed.read(id)), "null");
});

test("ids sort by time, also within a millisecond", async () => {
  await using bed = new Bed({ clock: { now: () => NOW } });
  const ids: string[] = [];
  for (let count = 0; count < 50; count += 1) ids.push((await bed.artifacts.save({})).id);
  assertEquals(ids, ids.toSorted());
  assertEquals(
    (await bed.artifacts.list()).map(({ id }) => id),
    ids.toReversed(),
  );
});

test("save() takes an id in advance, once", async () => {
  await using bed = new Bed();
  const id = ulid();
  assertEquals((await bed.artifacts.save({ id, data: 1 })).id, id);
  await assertRejects(() => bed.artifacts.save({ id, data: 2 }), ArtifactExistsError, id);
  assertEquals((await bed.artifacts.get(id)).data, 1);
  // Nor are its bytes kept.
  await assertRejects(() => bed.artifacts.save({ id, data: bytesOf(10) }), ArtifactExistsError);
  assertEquals((await bed.stored()).contents, []);
});

test("save() refuses what it can't keep, and says where", async () => {
  await using bed = new Bed();
  const invalid: [NewArtifact, (string | number)[]][] = [
    [{ id: "no-ulid" }, ["id"]],
    [{ parentId: "no-ulid" }, ["parentId"]],
    [{ tags: ["fine", "not fine"] }, ["tags", 1]],
    [{ tags: [""] }, ["tags", 0]],
    [{ tags: ["x".repeat(101)] }, ["tags", 0]],
    [{ tags: Array.from({ length: 51 }, (_, index) => `t${index}`) }, ["tags"]],
    [{ filename: "" }, ["filename"]],
    [{ filename: "a\r\nb" }, ["filename"]],
    [{ filename: "x".repeat(256) }, ["filename"]],
    [{ data: bytesOf(1), contentType: "text/html\r\nx: y" }, ["contentType"]],
    [{ data: bytesOf(1), contentType: "html" }, ["contentType"]],
    [{ data: {}, contentType: "text/html" }, ["contentType"]],
    [{ metadata: [] as never }, ["metadata"]],
    [{ metadata: { at: Number.NaN } }, ["metadata", "at"]],
    [{ data: { list: [1, Number.POSITIVE_INFINITY] } }, ["data", "list", 1]],
    [{ colour: "red" } as never, ["colour"]],
  ];
  for (const [artifact, path] of invalid) {
    const error = await assertRejects(() => bed.artifacts.save(artifact), InvalidArtifactError);
    assertEquals(error.issues[0]?.path, path);
  }
  assertEquals(await bed.artifacts.list(), []);
});

test("save() counts a tag that is given twice once", async () => {
  await using bed = new Bed();
  const { id, tags } = await bed.artifacts.save({ tags: ["a", "b", "a"] });
  assertEquals(tags, ["a", "b"]);
  assertEquals((await bed.artifacts.get(id)).tags, ["a", "b"]);
});

test("save() refuses more JSON than maxUpload", async () => {
  await using bed = new Bed({ maxUpload: 10 });
  await bed.artifacts.save({ data: "12345678" });
  await assertRejects(() => bed.artifacts.save({ data: "123456789" }), ArtifactTooLargeError);
  await assertRejects(() => bed.artifacts.save({ data: "ééééé" }), ArtifactTooLargeError);
});

test("get() of what isn't there is an ArtifactNotFoundError", async () => {
  await using bed = new Bed();
  for (const id of [ulid(), "nothing", "x".repeat(1_000)]) {
    await assertRejects(() => bed.artifacts.get(id), ArtifactNotFoundError);
    await assertRejects(() => bed.artifacts.update(id, {}), ArtifactNotFoundError);
    await assertRejects(() => bed.artifacts.delete(id), ArtifactNotFoundError);
    await assertRejects(() => bed.artifacts.expand(id), ArtifactNotFoundError);
    await assertRejects(() => bed.artifacts.tree(id), ArtifactNotFoundError);
    await assertRejects(() => bed.artifacts.stream(id), ArtifactNotFoundError);
  }
});

test("update() changes what is given, and leaves the rest", async () => {
  let now = NOW;
  await using bed = new Bed({ clock: { now: () => now } });
  const first = await bed.artifacts.save({ data: 1, metadata: { a: 1 }, tags: ["x"] });
  now += 5_000;
  const second = await bed.artifacts.update(first.id, { tags: ["y", "z"] });
  assertEquals(second, { ...first, tags: ["y", "z"], updatedAt: new Date(now) });
  assertEquals(await bed.artifacts.list({ tags: ["x"] }), []);
  assertEquals((await bed.artifacts.list({ tags: ["z", "y"] })).length, 1);
  const third = await bed.artifacts.update(first.id, { data: [2], metadata: null, filename: "f" });
  assertEquals(third, { ...second, data: [2], metadata: null, filename: "f" });
  assertEquals(await bed.artifacts.get(first.id), third);
});

test("update() makes bytes of JSON, and JSON of bytes", async () => {
  await using bed = new Bed();
  const { id } = await bed.artifacts.save({ data: { a: 1 } });
  const bytes = bytesOf(100);
  const updated = await bed.artifacts.update(id, { data: bytes, contentType: "image/png" });
  const { data, size, sha256: hash, contentType } = updated;
  assertEquals([data, size, hash, contentType], [null, 100, await sha256(bytes), "image/png"]);
  assertEquals((await bed.artifacts.update(id, { contentType: "image/gif" })).size, 100);
  const back = await bed.artifacts.update(id, { data: null });
  assertEquals([back.data, back.size, back.sha256, back.contentType], [null, null, null, null]);
  assertEquals((await bed.stored()).contents, []);
  await assertRejects(
    () => bed.artifacts.update(id, { contentType: "image/gif" }),
    InvalidArtifactError,
  );
});

test("list() gives the newest first, by tags, parent and level", async () => {
  await using bed = new Bed();
  const save = async (artifact: NewArtifact) => (await bed.artifacts.save(artifact)).id;
  const root = await save({ tags: ["a"] });
  const other = await save({ tags: ["a", "b"] });
  const child = await save({ tags: ["b", "c"], parentId: root });
  const ids = async (options: Parameters<ArtifactManager["list"]>[0]) =>
    (await bed.artifacts.list(options)).map(({ id }) => id);
  assertEquals(await ids({}), [child, other, root]);
  assertEquals(await ids({ tags: ["a"] }), [other, root]);
  assertEquals(await ids({ tags: ["a", "b"] }), [other]);
  assertEquals(await ids({ tags: ["a", "b", "c"] }), []);
  assertEquals(await ids({ parentId: null }), [other, root]);
  assertEquals(await ids({ parentId: root }), [child]);
  assertEquals(await ids({ level: 0, tags: ["b"] }), [other]);
  assertEquals(await ids({ limit: 1 }), [child]);
  assertEquals(await ids({ limit: 2, before: child }), [other, root]);
});

test("page() tells how many there are", async () => {
  await using bed = new Bed();
  for (let count = 0; count < 5; count += 1) await bed.artifacts.save({ data: count });
  const { items, ...rest } = await bed.artifacts.page({ page: 2, size: 2 });
  assertEquals(rest, { total: 5, page: 2, size: 2, pages: 3 });
  assertEquals(
    items.map(({ data }) => data),
    [2, 1],
  );
  assertEquals((await bed.artifacts.page({ page: 4, size: 2 })).items, []);
  assertEquals((await bed.artifacts.page({ level: 3 })).pages, 0);
});

test("each() gives what list() gives, however large", async () => {
  await using bed = new Bed();
  for (let count = 0; count < 5; count += 1) {
    await bed.artifacts.save({ data: [count, "x".repeat(400_000)] });
  }
  const each = await Array.fromAsync(bed.artifacts.exact.each({ limit: 4 }));
  assertEquals(each, await bed.artifacts.list({ limit: 4 }));
  const page = await Array.fromAsync(bed.artifacts.exact.each({ limit: 2, offset: 2 }));
  assertEquals(page, [...(await bed.artifacts.page({ page: 2, size: 2 })).items]);
});

test("expand() and tree() name the levels", async () => {
  const hierarchy = new ArtifactHierarchy({ name: "results", levelLabels: { 0: "run" } });
  await using bed = new Bed({ hierarchy });
  const root = await bed.artifacts.save({ data: "root" });
  const leaf = await bed.artifacts.save({ data: "leaf", parentId: root.id });
  const named = { hierarchy: "results", levelLabel: "run" };
  assertEquals(await bed.artifacts.expand(root.id), { ...root, ...named, children: null });
  assertEquals(await bed.artifacts.tree(root.id), {
    ...root,
    ...named,
    children: [{ ...leaf, hierarchy: "results", levelLabel: "level_1", children: [] }],
  });
});

test("stats() counts artifacts by level, and bytes once", async () => {
  await using bed = new Bed();
  const root = await bed.artifacts.save({ data: bytesOf(100) });
  await bed.artifacts.save({ data: bytesOf(100), parentId: root.id });
  await bed.artifacts.save({ data: bytesOf(50), parentId: root.id });
  assertEquals(await bed.artifacts.stats(), {
    total: 3,
    levels: [
      { level: 0, label: "level_0", count: 1 },
      { level: 1, label: "level_1", count: 2 },
    ],
    contents: 2,
    bytes: 150,
  });
});

test("new ArtifactManager() refuses a maxUpload that is no number of bytes", async () => {
  await using database = Database.sqlite(":memory:");
  for (const maxUpload of [-1, 0.5, Number.NaN]) {
    const error = assertThrows(() => new ArtifactManager({ database, maxUpload }), RangeError);
    assert(error.message.includes("maxUpload"));
  }
});
