import { test } from "bun:test";
import { assert, assertEquals, assertLess } from "@std/assert";
import { ulid } from "../../../lib/storage/mod.ts";
import { recordOf } from "../../jobs/http/job_bench.ts";
import { problemOf } from "../../tasks/test_router.ts";
import { ARTIFACTS, ArtifactBench, idsOf } from "./artifact_bench.ts";

async function saveMany(bench: ArtifactBench, number: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < number; index++) {
    ids.push((await bench.save({ data: index, tags: index % 2 === 0 ? ["even"] : [] })).id);
  }
  return ids.toReversed();
}

function nextOf(response: Response): string | undefined {
  return /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
}

test("GET is a plain array, the newest first, of 100 at most, and links to the rest", async () => {
  await using bench = new ArtifactBench();
  assertEquals(await recordOf(await bench.fetch(ARTIFACTS), 200), []);
  const ids = await saveMany(bench, 101);
  const first = await bench.fetch(ARTIFACTS);
  assertEquals(first.headers.get("content-type"), "application/json");
  assertEquals(nextOf(first), `${ARTIFACTS}?before=${ids[99]}`);
  assertEquals(await idsOf(first), ids.slice(0, 100));
  const rest = await bench.fetch(nextOf(first) ?? "");
  assertEquals([nextOf(rest), await idsOf(rest)], [undefined, ids.slice(100)]);
});

test("the links of a list lead to each artifact once, whatever its filters", async () => {
  await using bench = new ArtifactBench();
  const ids = await saveMany(bench, 10);
  const even = ids.filter((_, index) => index % 2 === 1);
  for (const [query, expected, pages] of [
    ["?size=3", ids, 4],
    ["?size=5", ids, 2],
    ["?size=10", ids, 1],
    ["?size=2&tag=even&level=0", even, 3],
    ["?size=3&page=1", ids, 4],
    ["?page=1&size=5", ids, 2],
    ["?tag=even&page=2&size=2", even.slice(2), 2],
  ] as const) {
    const seen: string[] = [];
    let links = 0;
    for (let next: string | undefined = `${ARTIFACTS}${query}`; next !== undefined; links++) {
      const response = await bench.fetch(next);
      next = nextOf(response);
      const answer = await recordOf(response, 200);
      const items: { id: string }[] = "items" in answer ? answer.items : answer;
      seen.push(...items.map(({ id }) => id));
    }
    assertEquals([seen, links], [expected, pages], query);
  }
});

test("with page it is one page, with how many there are", async () => {
  await using bench = new ArtifactBench();
  assertEquals(await recordOf(await bench.fetch(`${ARTIFACTS}?page=1&size=10`), 200), {
    items: [],
    total: 0,
    page: 1,
    size: 10,
    pages: 0,
  });
  const ids = await saveMany(bench, 5);
  const { items, ...about } = await recordOf(await bench.fetch(`${ARTIFACTS}?page=2&size=2`), 200);
  assertEquals(about, { total: 5, page: 2, size: 2, pages: 3 });
  assertEquals(
    items.map(({ id }: { id: string }) => id),
    ids.slice(2, 4),
  );
  const beyond = await bench.fetch(`${ARTIFACTS}?page=9&size=2`);
  assertEquals(await recordOf(beyond, 200), { items: [], total: 5, page: 9, size: 2, pages: 3 });
});

test("GET filters by all tags, parent and level", async () => {
  await using bench = new ArtifactBench();
  const root = await bench.save({ tags: ["a", "b"] });
  const child = await bench.save({ parentId: root.id, tags: ["a"] });
  const leaf = await bench.save({ parentId: child.id, tags: ["b"] });
  for (const [query, expected] of [
    ["?tag=a", [child.id, root.id]],
    ["?tag=a&tag=b", [root.id]],
    ["?tag=none", []],
    [`?parent_id=${root.id}`, [child.id]],
    ["?level=2", [leaf.id]],
    [`?level=1&parent_id=${child.id}`, []],
    [`?before=${leaf.id}`, [child.id, root.id]],
    [`?parent_id=${ulid()}`, []],
  ] as const) {
    assertEquals(await idsOf(await bench.fetch(`${ARTIFACTS}${query}`)), [...expected], query);
  }
});

test("GET refuses what is no filter with 422", async () => {
  await using bench = new ArtifactBench();
  for (const [query, path] of [
    ["?size=0", ["size"]],
    ["?size=1001", ["size"]],
    ["?size=x", ["size"]],
    ["?size=1&size=2", ["size"]],
    ["?page=0", ["page"]],
    ["?page=-1", ["page"]],
    ["?page=1.5", ["page"]],
    ["?level=-1", ["level"]],
    ["?parent_id=x", ["parent_id"]],
    ["?before=x", ["before"]],
    ["?tag=", ["tag", 0]],
    ["?limit=1", ["limit"]],
    [`?page=1&before=${ulid()}`, []],
  ] as const) {
    const problem = await problemOf(await bench.fetch(`${ARTIFACTS}${query}`), 422);
    assertEquals(problem.issues[0].path, [...path], query);
  }
});

test("a list of much data is read as the client takes it", async () => {
  await using bench = new ArtifactBench();
  const data = "x".repeat(1_000_000);
  for (let index = 0; index < 20; index++) await bench.save({ data });
  let read = 0;
  const { artifacts } = bench;
  const each = artifacts.exact.each.bind(artifacts.exact);
  artifacts.exact.each = async function* (options) {
    for await (const artifact of each(options)) {
      read += 1;
      yield artifact;
    }
  };
  const response = await bench.fetch(ARTIFACTS);
  const reader = response.body?.getReader();
  assert(reader !== undefined);
  await reader.read();
  assertLess(read, 5);
  await reader.cancel();
  const whole = await recordOf(await bench.fetch(ARTIFACTS), 200);
  assertEquals(whole.length, 20);
});
