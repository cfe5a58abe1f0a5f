import { test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ulid } from "../../../lib/storage/mod.ts";
import { recordOf } from "../../jobs/http/job_bench.ts";
import { problemOf } from "../../tasks/test_router.ts";
import { ARTIFACTS, ArtifactBench } from "./artifact_bench.ts";

/** A body that gives these pieces, then waits to be ended or broken off. */
function openBody(...pieces: string[]) {
  const { writable, readable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const written = Promise.all(pieces.map((piece) => writer.write(encoder.encode(piece))));
  return { body: readable, written, writer };
}

/** What is left of artifacts and their bytes. */
async function leftIn({ artifacts, database }: ArtifactBench) {
  const { total } = await artifacts.stats();
  const chunks = await database
    .own<{ artifact_chunks: { content_id: string } }>()
    .selectFrom("artifact_chunks")
    .select("content_id")
    .execute();
  return { total, chunks: chunks.length };
}

test("POST of bytes keeps them under their content type, described by the query", async () => {
  await using bench = new ArtifactBench();
  const parent = await bench.save();
  const id = ulid();
  const query = new URLSearchParams([
    ["id", id],
    ["filename", "naïve €.csv"],
    ["parent_id", parent.id],
    ["tag", "a"],
    ["tag", "b"],
    ["tags", "c"],
    ["metadata", '{"pages":3}'],
  ]);
  const response = await bench.upload("x,y\n", "text/csv; charset=utf-8", `?${query}`);
  assertEquals(response.headers.get("location"), `${ARTIFACTS}/${id}`);
  const artifact = await recordOf(response, 201);
  assertEquals(
    [artifact.id, artifact.data, artifact.content_type, artifact.size, artifact.filename],
    [id, null, "text/csv; charset=utf-8", 4, "naïve €.csv"],
  );
  assertEquals(
    [artifact.parent_id, artifact.level, artifact.tags, artifact.metadata],
    [parent.id, 1, ["a", "b", "c"], { pages: 3 }],
  );
  assertEquals(await (await bench.download(id)).text(), "x,y\n");
});

test("POST takes bytes without a content type, and none at all with one", async () => {
  await using bench = new ArtifactBench();
  const bytes = await bench.fetch(ARTIFACTS, { method: "POST", body: new Uint8Array([0, 255]) });
  const { content_type, size } = await recordOf(bytes, 201);
  assertEquals([content_type, size], ["application/octet-stream", 2]);
  const empty = await recordOf(await bench.upload(null, "text/plain"), 201);
  assertEquals([empty.content_type, empty.size], ["text/plain", 0]);
  assertEquals(await (await bench.download(empty.id)).text(), "");
  const nothing = await problemOf(await bench.fetch(ARTIFACTS, { method: "POST" }), 422);
  assertEquals(nothing.issues, [{ path: [], message: "Expected JSON, bytes or a form" }]);
});

test("POST of a form takes its file, and fields before and behind it", async () => {
  await using bench = new ArtifactBench();
  const parent = await bench.save();
  const id = ulid();
  const form = new FormData();
  form.append("tag", "a");
  form.append("file", new File(["hello"], "naïve.txt", { type: "text/plain" }));
  form.append("tag", "b");
  form.append("id", id);
  form.append("parent_id", parent.id);
  form.append("metadata", '{"a":[1]}');
  const response = await bench.post(form);
  assertEquals(response.headers.get("location"), `${ARTIFACTS}/${id}`);
  const artifact = await recordOf(response, 201);
  assertEquals(
    [artifact.id, artifact.filename, artifact.content_type, artifact.size, artifact.level],
    [id, "naïve.txt", "text/plain", 5, 1],
  );
  assertEquals([artifact.tags, artifact.metadata], [["a", "b"], { a: [1] }]);
  const named = new FormData();
  named.append("file", new File(["hello"], "a.txt"));
  named.append("filename", "b.txt");
  assertEquals((await recordOf(await bench.post(named), 201)).filename, "b.txt");
  assertEquals((await leftIn(bench)).chunks, 1);
});

test("POST refuses what is no artifact with 422 and where it is wrong, and keeps nothing", async () => {
  await using bench = new ArtifactBench();
  const unknown = ulid();
  const cases: [unknown, (string | number)[]][] = [
    [[], []],
    ["text", []],
    [{ level: 1 }, ["level"]],
    [{ tags: "a" }, ["tags"]],
    [{ tags: ["a b"] }, ["tags", 0]],
    [{ tags: ["ok", "x".repeat(101)] }, ["tags", 1]],
    [{ tags: Array.from({ length: 51 }, (_, index) => `t${index}`) }, ["tags"]],
    [{ metadata: [] }, ["metadata"]],
    [{ metadata: "x" }, ["metadata"]],
    [{ id: "x" }, ["id"]],
    [{ parent_id: "x" }, ["parent_id"]],
    [{ parent_id: unknown }, ["parent_id"]],
    [{ filename: "a\nb" }, ["filename"]],
  ];
  for (const [body, path] of cases) {
    const problem = await problemOf(await bench.send(JSON.stringify(body)), 422);
    assertEquals(problem.issues?.[0]?.path, path, JSON.stringify(body));
  }
  const queries: [string, (string | number)[]][] = [
    ["?metadata=x", ["metadata"]],
    ["?metadata=[]", ["metadata"]],
    [`?metadata=${"[".repeat(600)}${"]".repeat(600)}`, ["metadata"]],
    ["?filename=a&filename=b", ["filename"]],
    ["?filename=", ["filename"]],
    ["?other=1", ["other"]],
    ["?tag=a%20b", ["tags", 0]],
    [`?parent_id=${unknown}`, ["parent_id"]],
  ];
  for (const [query, path] of queries) {
    const problem = await problemOf(await bench.upload("hello", "text/plain", query), 422);
    assertEquals(problem.issues?.[0]?.path, path, query);
    const form = new FormData();
    form.append("file", new File(["hello"], "a.txt"));
    for (const [name, value] of new URLSearchParams(query)) form.append(name, value);
    const formProblem = await problemOf(await bench.post(form), 422);
    assertEquals(formProblem.issues?.[0]?.path, path, query);
  }
  const empty = new FormData();
  empty.append("tag", "a");
  assertEquals((await problemOf(await bench.post(empty), 422)).issues[0].path, ["file"]);
  const typed = await problemOf(await bench.upload("hello", "nonsense"), 422);
  assertEquals(typed.issues[0].path, ["content_type"]);
  const queried = await problemOf(
    await bench.fetch(`${ARTIFACTS}?tag=a`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    }),
    422,
  );
  assertEquals(queried.issues, [{ path: ["tag"], message: "Expected no query" }]);
  assertEquals(await leftIn(bench), { total: 0, chunks: 0 });
});

test("POST refuses an id that is taken with 409, and keeps no bytes", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save();
  for (const response of [
    await bench.send({ id }),
    await bench.upload("hello", "text/plain", `?id=${id}`),
  ]) {
    assertEquals((await problemOf(response, 409)).type, "urn:taskmount:error:artifact-exists");
  }
  assertEquals(await leftIn(bench), { total: 1, chunks: 0 });
});

test("POST refuses malformed JSON, and types and codings that would be kept as something else", async () => {
  await using bench = new ArtifactBench();
  assertEquals(
    (await problemOf(await bench.send("{"), 400)).type,
    "urn:taskmount:error:malformed-json",
  );
  const curl = await bench.upload("hello", "application/x-www-form-urlencoded");
  assertStringIncludes((await problemOf(curl, 415)).detail, "multipart/form-data");
  const coded = await bench.fetch(ARTIFACTS, {
    method: "POST",
    headers: { "content-type": "text/plain", "content-encoding": "gzip" },
    body: "hello",
  });
  assertEquals(coded.headers.get("accept-encoding"), "identity");
  await problemOf(coded, 415);
  await problemOf(await bench.upload("hello", "multipart/form-data"), 400);
  const site = await bench.fetch(ARTIFACTS, {
    method: "POST",
    headers: { "content-type": "text/plain", "sec-fetch-site": "cross-site" },
    body: "hello",
  });
  await problemOf(site, 403);
  assertEquals(await leftIn(bench), { total: 0, chunks: 0 });
});

test("POST refuses more than maxUpload and maxBody with 413, before or while it comes, and keeps nothing", async () => {
  const maxUpload = 3_000_000;
  await using bench = new ArtifactBench({ maxUpload, maxBody: 1_000 });
  const large = new Uint8Array(maxUpload + 1);
  const said = await bench.fetch(ARTIFACTS, {
    method: "POST",
    headers: { "content-type": "text/plain", "content-length": String(maxUpload + 1) },
    body: openBody().body,
  });
  await problemOf(said, 413);
  const unsaid = await bench.upload(new Blob([large]).stream(), "text/plain");
  assertEquals((await problemOf(unsaid, 413)).type, "urn:taskmount:error:content-too-large");
  const form = new FormData();
  form.append("file", new File([large], "a"));
  await problemOf(await bench.post(form), 413);
  const fields = new FormData();
  fields.append("file", new File(["a"], "a"));
  fields.append("metadata", JSON.stringify({ text: "x".repeat(1_000) }));
  await problemOf(await bench.post(fields), 413);
  await problemOf(await bench.send({ data: "x".repeat(1_000) }), 413);
  assertEquals(await leftIn(bench), { total: 0, chunks: 0 });
  const whole = await bench.upload(large.subarray(1), "text/plain");
  assertEquals((await recordOf(whole, 201)).size, maxUpload);
});

test("an upload that breaks off leaves nothing, as bytes, as a form or as JSON", async () => {
  await using bench = new ArtifactBench();
  const large = "x".repeat(2_500_000);
  const boundary = "XyZ";
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`;
  for (const [type, text] of [
    ["text/plain", large],
    [`multipart/form-data; boundary=${boundary}`, head + large],
    ["application/json", `{"data":"${large}`],
  ] as const) {
    const { body, written, writer } = openBody(text);
    const answering = bench.upload(body, type);
    await written;
    await writer.abort(new DOMException("The connection was closed", "AbortError"));
    const problem = await problemOf(await answering, 400);
    assertEquals(problem.type, "urn:taskmount:error:incomplete-body", type);
    assertEquals(await leftIn(bench), { total: 0, chunks: 0 });
  }
});

test("a form whose fields are wrong behind its file leaves nothing of the file", async () => {
  await using bench = new ArtifactBench();
  const form = new FormData();
  form.append("file", new File(["x".repeat(2_500_000)], "a"));
  form.append("parent_id", ulid());
  await problemOf(await bench.post(form), 422);
  form.set("parent_id", "x");
  await problemOf(await bench.post(form), 422);
  form.append("other", "x");
  await problemOf(await bench.post(form), 422);
  assertEquals(await leftIn(bench), { total: 0, chunks: 0 });
});
