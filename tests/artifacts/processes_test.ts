import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import type { ArtifactTree } from "../../lib/mod.ts";
import { Child } from "../storage/child.ts";
import { TemporaryFolder } from "../storage/databases.ts";
import { Bed, MEBIBYTE, NOTHING, sha256 } from "./bed.ts";

setDefaultTimeout(60_000);

const FIXTURES = "../../artifacts/fixtures";

test("what a process was uploading that was killed is freed at the next start", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  {
    await using child = new Child(`${FIXTURES}/upload_until_killed.ts`, [path]);
    while ((await child.line()) !== "piece 12") {
      // It goes on until enough is written.
    }
    child.kill("SIGKILL");
    await child.exited;
  }
  await using bed = new Bed({ path });
  const { contents, chunks } = await bed.stored();
  assertEquals(contents, ["uploading"]);
  assert(chunks >= 8, `${chunks}`);
  await bed.artifacts.start();
  await bed.artifacts.sweep();
  assertEquals(await bed.stored(), NOTHING);
  assertEquals(await bed.artifacts.list(), []);
});

test("what a process was uploading that is killed is freed at once by one that uploads too", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using bed = new Bed({ path });
  await using _upload = await bed.artifacts.upload(new Uint8Array(3 * MEBIBYTE));
  await using child = new Child(`${FIXTURES}/upload_until_killed.ts`, [path]);
  while ((await child.line()) !== "piece 12") {
    // It goes on until enough is written.
  }
  assertEquals((await bed.stored()).contents, ["uploading", "uploading"]);
  child.kill("SIGKILL");
  while ((await bed.stored()).contents.length > 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals((await bed.stored()).contents, ["uploading"]);
});

test("a sweep leaves what another process is uploading", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using child = new Child(`${FIXTURES}/upload_until_killed.ts`, [path]);
  while ((await child.line()) !== "piece 4") {
    // Until it is under way.
  }
  await using bed = new Bed({ path });
  await bed.artifacts.sweep();
  assertEquals((await bed.stored()).contents, ["uploading"]);
  // It still goes on.
  while ((await child.line()) !== "piece 12") {
    // Pieces that it has printed before.
  }
  assertEquals((await bed.stored()).contents, ["uploading"]);
});

test("a free that was interrupted goes on with the next sweep", async () => {
  await using bed = new Bed();
  await bed.artifacts.save({ data: new Uint8Array(10 * MEBIBYTE) });
  // As a process leaves it that is killed right after the commit.
  const db = bed.database.kysely<{
    taskmount_artifacts: object;
    taskmount_artifact_contents: { state: string };
  }>();
  await db.deleteFrom("taskmount_artifacts").execute();
  await db.updateTable("taskmount_artifact_contents").set({ state: "garbage" }).execute();
  await bed.artifacts.sweep();
  assertEquals(await bed.stored(), NOTHING);
});

test("three processes that change the same artifacts corrupt and lose nothing", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using bed = new Bed({ path });
  await bed.database.migrate();
  const fixture = `${FIXTURES}/change_at_random.ts`;
  const children = [1, 2, 3].map((seed) => new Child(fixture, [path, `${seed}`, "120"]));
  try {
    for (const child of children) assertEquals(await child.line(), "ready");
    for (const child of children) child.send("go");
    for (const child of children) assertEquals(await child.line(), "done");
    for (const child of children) assertEquals(await child.exited, 0);
  } finally {
    for (const child of children) await child[Symbol.asyncDispose]();
  }
  await bed.artifacts.sweep();
  const all = await bed.artifacts.list({ limit: 1_000 });
  const used = new Set<string>();
  const seen: string[] = [];
  const walk = ({ id, children, level }: ArtifactTree) => {
    seen.push(id);
    for (const child of children) {
      assertEquals([child.parentId, child.level], [id, level + 1]);
      walk(child);
    }
  };
  for (const artifact of all) {
    if (artifact.parentId === null) walk(await bed.artifacts.tree(artifact.id));
    const bytes = new Uint8Array(await bed.read(artifact.id));
    assertEquals([bytes.length, await sha256(bytes)], [artifact.size ?? 0, artifact.sha256 ?? ""]);
    used.add(artifact.sha256 ?? "");
  }
  // Each is under a root, so there is no cycle.
  assertEquals(seen.sort(), all.map(({ id }) => id).sort());
  assertEquals((await bed.stored()).contents, Array(used.size).fill("stored"));
});

test("300 MiB go in and out in little memory", async () => {
  await using folder = await TemporaryFolder.create();
  const args = [folder.file("app.db"), "300"];
  await using child = new Child(`${FIXTURES}/pass_through.ts`, args);
  const { size, intact, peak } = JSON.parse(await child.line());
  assertEquals([size, intact], [300 * MEBIBYTE, true]);
  assert(peak < 150_000_000, `${peak / MEBIBYTE} MiB`);
});
