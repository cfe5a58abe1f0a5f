import { test } from "bun:test";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import * as z from "zod";
import { ArtifactHierarchy, ArtifactRouter } from "../../../lib/artifacts/mod.ts";
import { ulid } from "../../../lib/storage/mod.ts";
import { recordOf } from "../../jobs/http/job_bench.ts";
import { problemOf } from "../../tasks/test_router.ts";
import { ARTIFACTS, ArtifactBench } from "./artifact_bench.ts";

const SHA256_OF_HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const KEYS = [
  "id",
  "data",
  "metadata",
  "content_type",
  "size",
  "sha256",
  "filename",
  "parent_id",
  "level",
  "tags",
  "created_at",
  "updated_at",
];

test("POST of JSON answers 201 with the artifact and where it is", async () => {
  await using bench = new ArtifactBench();
  const parent = await bench.save();
  const id = ulid();
  const data = {
    n: 0.1,
    text: "ä€😀\u0000\ud800",
    none: null,
    list: [[], {}, ""],
    deep: { a: 1e21 },
  };
  const response = await bench.send({
    id,
    data,
    metadata: { camelCase: 1, snake_case: 2 },
    tags: ["a", "B-2_c"],
    parent_id: parent.id,
    filename: "data.json",
  });
  assertEquals(response.headers.get("location"), `${ARTIFACTS}/${id}`);
  const artifact = await recordOf(response, 201);
  assertEquals(Object.keys(artifact), KEYS);
  const { created_at, updated_at, ...rest } = artifact;
  assertEquals(rest, {
    id,
    data,
    metadata: { camelCase: 1, snake_case: 2 },
    content_type: null,
    size: null,
    sha256: null,
    filename: "data.json",
    parent_id: parent.id,
    level: 1,
    tags: ["a", "B-2_c"],
  });
  assertEquals(new Date(created_at).toISOString(), created_at);
  assertEquals(updated_at, created_at);
  assertEquals(await recordOf(await bench.fetch(`${ARTIFACTS}/${id}`), 200), artifact);
});

test("POST of any JSON value keeps it, and of nothing is null", async () => {
  await using bench = new ArtifactBench();
  for (const data of [null, 0, -1.5e-7, "", "x", true, [], {}, [null, { a: [] }]]) {
    const { id } = await recordOf(await bench.send({ data }), 201);
    assertEquals((await recordOf(await bench.fetch(`${ARTIFACTS}/${id}`), 200)).data, data);
  }
  const empty = await recordOf(await bench.send({}), 201);
  assertEquals([empty.data, empty.metadata, empty.tags, empty.level], [null, null, [], 0]);
});

test("PUT replaces all of an artifact, and what is left out is gone", async () => {
  await using bench = new ArtifactBench();
  const parent = await bench.save();
  const old = await bench.save({
    data: new Blob(["hello"], { type: "text/plain" }),
    filename: "a.txt",
    metadata: { a: 1 },
    tags: ["a"],
    parentId: parent.id,
  });
  const path = `/${old.id}`;
  const bare = await recordOf(await bench.send({ data: [1] }, path, "PUT"), 200);
  const { updated_at, ...rest } = bare;
  assertEquals(rest, {
    id: old.id,
    data: [1],
    metadata: null,
    content_type: null,
    size: null,
    sha256: null,
    filename: null,
    parent_id: null,
    level: 0,
    tags: [],
    created_at: old.createdAt.toISOString(),
  });
  assert(updated_at >= bare.created_at);
  assertEquals((await bench.artifacts.stats()).contents, 0);
  const bytes = await bench.fetch(`${ARTIFACTS}${path}?filename=b.txt&parent_id=${parent.id}`, {
    method: "PUT",
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: "hello",
  });
  const replaced = await recordOf(bytes, 200);
  assertEquals(
    [replaced.data, replaced.content_type, replaced.size, replaced.sha256, replaced.level],
    [null, "text/plain; charset=utf-8", 5, SHA256_OF_HELLO, 1],
  );
  const form = new FormData();
  form.append("file", new File(["{}"], "c.json", { type: "application/json" }));
  const again = await bench.fetch(`${ARTIFACTS}${path}`, { method: "PUT", body: form });
  const { filename, size, level } = await recordOf(again, 200);
  assertEquals([filename, size, level], ["c.json", 2, 0]);
});

test("PUT refuses another id, a cycle and an unknown parent, and changes nothing", async () => {
  await using bench = new ArtifactBench();
  const root = await bench.save({ data: "root" });
  const child = await bench.save({ parentId: root.id });
  const other = await problemOf(await bench.send({ id: child.id }, `/${root.id}`, "PUT"), 422);
  assertEquals(other.issues, [{ path: ["id"], message: "Expected the id of the path, or none" }]);
  const cycle = await problemOf(
    await bench.send({ parent_id: child.id }, `/${root.id}`, "PUT"),
    409,
  );
  assertEquals(cycle.type, "urn:taskmount:error:artifact-cycle");
  assertStringIncludes(cycle.detail, "that one is under it");
  const unknown = await problemOf(
    await bench.send({ parent_id: ulid() }, `/${root.id}`, "PUT"),
    422,
  );
  assertEquals(unknown.type, "urn:taskmount:error:unknown-parent");
  assertEquals(unknown.issues[0].path, ["parent_id"]);
  assertEquals((await bench.artifacts.get(root.id)).data, "root");
  assertEquals(
    (await recordOf(await bench.send({ id: root.id, data: 1 }, `/${root.id}`, "PUT"), 200)).data,
    1,
  );
});

test("DELETE answers 204, 409 where there are children, and with ?recursive=true takes them along", async () => {
  await using bench = new ArtifactBench();
  const root = await bench.save();
  const child = await bench.save({ parentId: root.id, data: new Blob(["hello"]) });
  const path = `${ARTIFACTS}/${root.id}`;
  for (const query of ["", "?recursive=false"]) {
    const problem = await problemOf(
      await bench.fetch(`${path}${query}`, { method: "DELETE" }),
      409,
    );
    assertEquals(problem.type, "urn:taskmount:error:artifact-has-children");
    assertStringIncludes(problem.detail, "?recursive=true");
  }
  for (const query of ["?recursive=yes", "?recursive=true&recursive=true", "?force=true"]) {
    await problemOf(await bench.fetch(`${path}${query}`, { method: "DELETE" }), 422);
  }
  const deleted = await bench.fetch(`${path}?recursive=true`, { method: "DELETE" });
  assertEquals([deleted.status, await deleted.text()], [204, ""]);
  for (const { id } of [root, child]) {
    await problemOf(await bench.fetch(`${ARTIFACTS}/${id}`), 404);
    await problemOf(await bench.fetch(`${ARTIFACTS}/${id}`, { method: "DELETE" }), 404);
  }
  assertEquals((await bench.artifacts.stats()).contents, 0);
  const leaf = await bench.save();
  assertEquals((await bench.fetch(`${ARTIFACTS}/${leaf.id}`, { method: "DELETE" })).status, 204);
});

test("$expand and $tree name the levels, $metadata answers what the user said", async () => {
  const hierarchy = new ArtifactHierarchy({ name: "runs", levelLabels: { 0: "run" } });
  await using bench = new ArtifactBench({ hierarchy });
  const root = await bench.save({ data: 1, metadata: { a: { b: [] } } });
  const first = await bench.save({ parentId: root.id });
  const second = await bench.save({ parentId: root.id });
  const leaf = await bench.save({ parentId: first.id });
  const expanded = await recordOf(await bench.fetch(`${ARTIFACTS}/${root.id}/$expand`), 200);
  assertEquals(Object.keys(expanded), [...KEYS, "level_label", "hierarchy", "children"]);
  assertEquals(
    [expanded.data, expanded.level_label, expanded.hierarchy, expanded.children],
    [1, "run", "runs", null],
  );
  const tree = await recordOf(await bench.fetch(`${ARTIFACTS}/${root.id}/%24tree`), 200);
  assertEquals(Object.keys(tree), [...KEYS, "level_label", "hierarchy", "children"]);
  interface Node {
    id: string;
    level_label: string;
    children: Node[];
  }
  const shape = ({ id, level_label, children }: Node): unknown => [
    id,
    level_label,
    children.map(shape),
  ];
  assertEquals(shape(tree), [
    root.id,
    "run",
    [
      [first.id, "level_1", [[leaf.id, "level_2", []]]],
      [second.id, "level_1", []],
    ],
  ]);
  const metadata = await bench.fetch(`${ARTIFACTS}/${root.id}/$metadata`);
  assertEquals(await recordOf(metadata, 200), { a: { b: [] } });
  assertEquals(await recordOf(await bench.fetch(`${ARTIFACTS}/${leaf.id}/$metadata`), 200), {});
});

test("$tree answers a tree that is deeper than the stack", async () => {
  await using bench = new ArtifactBench();
  const DEPTH = 20_000;
  const root = await bench.save();
  await bench.database.transaction(async (tx) => {
    let parentId = root.id;
    for (let level = 1; level < DEPTH; level++) {
      parentId = (await bench.artifacts.save({ parentId }, { session: tx })).id;
    }
  });
  const text = await (await bench.fetch(`${ARTIFACTS}/${root.id}/$tree`)).text();
  assertEquals(text.split('"children":[').length - 1, DEPTH);
  assertEquals(text.endsWith(`"children":[]${"}]".repeat(DEPTH - 1)}}`), true);
});

test("$stats counts, and $schema describes what every route answers", async () => {
  await using bench = new ArtifactBench();
  assertEquals(await recordOf(await bench.fetch(`${ARTIFACTS}/$stats`), 200), {
    total: 0,
    levels: [],
    contents: 0,
    bytes: 0,
  });
  const root = await bench.save({ data: "hello" });
  const bytes = await bench.save({ data: new Blob(["hello"]), parentId: root.id, tags: ["a"] });
  await bench.save({ data: new Blob(["hello"]), parentId: root.id });
  assertEquals(await recordOf(await bench.fetch(`${ARTIFACTS}/%24stats`), 200), {
    total: 3,
    levels: [
      { level: 0, label: "level_0", count: 1 },
      { level: 1, label: "level_1", count: 2 },
    ],
    contents: 1,
    bytes: 5,
  });
  const schema = await recordOf(await bench.fetch(`${ARTIFACTS}/$schema`), 200);
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assertEquals(schema.required, KEYS);
  const Artifact = z.fromJSONSchema(schema);
  for (const { id } of [root, bytes]) {
    const artifact = await recordOf(await bench.fetch(`${ARTIFACTS}/${id}`), 200);
    assertEquals(Artifact.safeParse(artifact).error, undefined);
    assertEquals(Artifact.safeParse({ ...artifact, id: "x" }).success, false);
    assertEquals(Artifact.safeParse({ ...artifact, more: 1 }).success, false);
  }
});

test("every route of one artifact answers 400 for what is no ULID, and 404 for what is no artifact", async () => {
  await using bench = new ArtifactBench();
  const routes = [
    ["GET", ""],
    ["PUT", ""],
    ["DELETE", ""],
    ["GET", "/$expand"],
    ["GET", "/%24tree"],
    ["GET", "/$metadata"],
    ["GET", "/$download"],
  ] as const;
  const unknown = ulid();
  for (const [method, rest] of routes) {
    for (const id of ["x", unknown.toLowerCase(), `${unknown}0`, "%00", "$other"]) {
      const problem = await problemOf(
        await bench.fetch(`${ARTIFACTS}/${id}${rest}`, { method }),
        400,
      );
      assertEquals(problem.type, "urn:taskmount:error:invalid-id", `${method} ${id}${rest}`);
    }
    const path = `${ARTIFACTS}/${unknown}${rest}`;
    assertEquals(await problemOf(await bench.fetch(path, { method }), 404), {
      type: "urn:taskmount:error:artifact-not-found",
      title: "Not Found",
      status: 404,
      detail: `There is no artifact "${unknown}"`,
      instance: path,
    });
  }
});

test("another method is 405 with what is allowed, OPTIONS says it, and HEAD answers as GET", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save({ data: "x".repeat(200_000) });
  const allowed = [
    [ARTIFACTS, "PUT", "GET, HEAD, OPTIONS, POST"],
    [`${ARTIFACTS}/${id}`, "POST", "DELETE, GET, HEAD, OPTIONS, PUT"],
    [`${ARTIFACTS}/$schema`, "POST", "GET, HEAD, OPTIONS"],
    [`${ARTIFACTS}/$stats`, "DELETE", "GET, HEAD, OPTIONS"],
    [`${ARTIFACTS}/${id}/$expand`, "POST", "GET, HEAD, OPTIONS"],
    [`${ARTIFACTS}/${id}/$tree`, "POST", "GET, HEAD, OPTIONS"],
    [`${ARTIFACTS}/${id}/$metadata`, "PUT", "GET, HEAD, OPTIONS"],
    [`${ARTIFACTS}/${id}/$download`, "POST", "GET, HEAD, OPTIONS"],
  ] as const;
  for (const [path, method, allow] of allowed) {
    const response = await bench.fetch(path, { method });
    assertEquals(response.headers.get("allow"), allow);
    assertEquals((await problemOf(response, 405)).type, "urn:taskmount:error:method-not-allowed");
    const options = await bench.fetch(path, { method: "OPTIONS" });
    assertEquals([options.status, options.headers.get("allow")], [204, allow]);
    const { byteLength } = await (await bench.fetch(path)).arrayBuffer();
    const head = await bench.fetch(path, { method: "HEAD" });
    assertEquals([head.status, await head.text()], [200, ""]);
    assertEquals(head.headers.get("content-length"), `${byteLength}`, path);
  }
});

test("the routes stand at any prefix and under a base path, which links name", async () => {
  await using bench = new ArtifactBench({ basePath: "/tools", prefix: "/things" });
  const response = await bench.fetch("/things", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const { id } = await recordOf(response, 201);
  assertEquals(response.headers.get("location"), `/tools/things/${id}`);
  await bench.save();
  const list = await bench.fetch("/things?size=1");
  assertMatch(list.headers.get("link") ?? "", /^<\/tools\/things\?size=1&before=\w+>; rel="next"$/);
  const root = ArtifactRouter.create({ artifacts: bench.artifacts, prefix: "/" });
  const saved = await root.fetch(
    new Request("http://localhost/", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    }),
  );
  const { id: atRoot } = await recordOf(saved, 201);
  assertEquals(saved.headers.get("location"), `/${atRoot}`);
  assertEquals((await root.fetch(new Request(`http://localhost/${atRoot}`))).status, 200);
});

test("numbers go out with the digits with which they came in", async () => {
  await using bench = new ArtifactBench();
  const sent = '{"big":12345678901234567890,"one":1.0,"huge":1e400,"zero":[-0]}';
  const body = `{"data":${sent},"metadata":{"version":1.10}}`;
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const saved = await bench.fetch(ARTIFACTS, init);
  assertEquals(saved.status, 201);
  const text = await saved.text();
  assertStringIncludes(text, `"data":${sent},"metadata":{"version":1.10}`);
  const { id } = JSON.parse(text);
  const one = `${ARTIFACTS}/${id}`;
  for (const path of [one, `${one}/$expand`, `${one}/$tree`, ARTIFACTS, `${ARTIFACTS}?page=1`]) {
    assertStringIncludes(await (await bench.fetch(path)).text(), `"data":${sent}`, path);
  }
  assertEquals(await (await bench.fetch(`${one}/$download`)).text(), sent);
  assertEquals(await (await bench.fetch(`${one}/$metadata`)).text(), '{"version":1.10}');
  const replaced = await bench.fetch(one, { ...init, method: "PUT", body: '{"data":1.000}' });
  assertStringIncludes(await replaced.text(), '"data":1.000,');
  assertEquals((await bench.artifacts.get(id)).data, 1);
});

test("a number is no metadata, however it is written", async () => {
  await using bench = new ArtifactBench();
  for (const metadata of ["1", "1.0", "12345678901234567890"]) {
    const body = `{"metadata":${metadata}}`;
    const headers = { "content-type": "application/json" };
    const response = await bench.fetch(ARTIFACTS, { method: "POST", headers, body });
    const problem = await problemOf(response, 422);
    assertEquals(problem.issues[0].path, ["metadata"]);
  }
});
