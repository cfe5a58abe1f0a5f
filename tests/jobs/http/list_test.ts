import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import * as v from "valibot";
import { jsonOf, problemOf } from "../../tasks/test_router.ts";
import { JobBench, recordOf, registerGreet } from "./job_bench.ts";

const JOBS = "/api/v1/jobs";

/** What a list answers for a query, as ids. */
async function idsOf(bench: JobBench, query: string): Promise<string[]> {
  const records = await recordOf(await bench.fetch(`${JOBS}${query}`), 200);
  return records.map(({ id }: { id: string }) => id);
}

/** The pages from a path on, following the links to the next one. */
async function pagesFrom(bench: JobBench, path: string, basePath = ""): Promise<string[][]> {
  const pages: string[][] = [];
  let next = path;
  for (;;) {
    const response: Response = await bench.fetch(next);
    const link = response.headers.get("link");
    pages.push((await recordOf(response, 200)).map(({ id }: { id: string }) => id));
    if (link === null) return pages;
    const target: string = /^<([^>]+)>; rel="next"$/.exec(link)?.[1] ?? "";
    assert(target.startsWith(`${basePath}${JOBS}?`), link);
    next = target.slice(basePath.length);
  }
}

test("GET {prefix} answers a plain array, the newest first, without params and results", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  assertEquals(await recordOf(await bench.fetch(JOBS), 200), []);
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) ids.push((await bench.submit("greet")).id);
  for (const id of ids) await bench.scheduler.wait(id);
  const response = await bench.fetch(JOBS);
  assertEquals(response.headers.get("content-type")?.split(";")[0], "application/json");
  assertEquals(response.headers.get("link"), null);
  const list = await jsonOf(response);
  const newest = await bench.record(ids[2] ?? "");
  const { params, result, attempts, ...summary } = newest;
  assertEquals([params, result, attempts.length], [{}, { message: "Hello, World!" }, 1]);
  assertEquals(list[0], summary);
  assertEquals(
    list.map(({ id }: { id: string }) => id),
    ids.toReversed(),
  );
});

test("GET {prefix} filters by status_filter, task and tags, which must all be there", async () => {
  await using bench = new JobBench();
  registerGreet(bench);
  bench.registry.register("fail", {
    run: () => {
      throw new Error("no");
    },
  });
  const { id: a } = await bench.submit("greet", { tags: ["x"] });
  const { id: b } = await bench.submit("fail", { tags: ["x", "y & ü"] });
  await bench.scheduler.wait(a);
  await bench.scheduler.wait(b);
  const { id: c } = await bench.submit("greet", { tags: ["x", "y & ü"], delay: 3_600 });
  const { id: d } = await bench.submit("greet", { delay: 3_600 });
  await bench.scheduler.cancel(d);
  const spawned = await bench.scheduler.spawn(() => 1);
  await bench.scheduler.wait(spawned);
  for (const [query, expected] of [
    ["", [spawned, d, c, b, a]],
    ["?status_filter=pending", [c]],
    ["?status_filter=running", []],
    ["?status_filter=completed", [spawned, a]],
    ["?status_filter=failed", [b]],
    ["?status_filter=canceled", [d]],
    ["?task=greet", [d, c, a]],
    ["?task=nobody", []],
    ["?task=", []],
    ["?tag=x", [c, b, a]],
    ["?tag=x&tag=y+%26+%C3%BC", [c, b]],
    ["?tag=x&tag=none", []],
    ["?status_filter=pending&task=greet&tag=x", [c]],
    ["?status_filter=completed&task=greet", [a]],
    ["?size=2", [spawned, d]],
    [`?before=${c}`, [b, a]],
    [`?before=${c}&status_filter=completed`, [a]],
  ] as const) {
    assertEquals(await idsOf(bench, query), [...expected], query);
  }
});

test("GET {prefix} filters by since, inclusive, and until, exclusive", async () => {
  const noon = Date.UTC(2025, 0, 1, 12);
  let now = noon;
  const clock = { now: () => now, after: () => () => {} };
  await using bench = new JobBench({ clock, maxConcurrency: 0 });
  registerGreet(bench);
  const { id: first } = await bench.submit("greet");
  now = noon + 60_000;
  const { id: second } = await bench.submit("greet");
  for (const [query, expected] of [
    ["?since=2025-01-01T12:00:00Z", [second, first]],
    ["?since=2025-01-01T12:00:00.001Z", [second]],
    ["?since=2025-01-01T12:01:00.000Z", [second]],
    ["?since=2025-01-01T12:01:00.001Z", []],
    ["?until=2025-01-01T12:00:00Z", []],
    ["?until=2025-01-01T12:01:00Z", [first]],
    ["?until=2025-01-01T12:01:00.001Z", [second, first]],
    ["?since=2025-01-01T12:00:00Z&until=2025-01-01T12:01:00Z", [first]],
    ["?since=2025-01-01T13:01:00%2B01:00", [second]],
    ["?since=2025-01-01T13:01:00+01:00", [second]],
    ["?since=2025-01-01T11:01:00-0100", [second]],
    ["?since=2025-01-01", [second, first]],
    ["?until=2025-01-01", []],
    ["?until=9999-12-31&since=0001-01-01", [second, first]],
  ] as const) {
    assertEquals(await idsOf(bench, query), [...expected], query);
  }
});

test("GET {prefix} links to the next page as long as there is one, with the same filters", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  bench.registry.register("other", { run: () => {} });
  const ids: string[] = [];
  for (let count = 0; count < 6; count++) {
    ids.unshift((await bench.submit("greet", { tags: ["a & b", "c"] })).id);
    await bench.submit("other");
  }
  const query = `?size=2&task=greet&tag=a+%26+b&tag=c&since=2001-01-01T00:00:00+02:00&status_filter=pending`;
  const pages = await pagesFrom(bench, `${JOBS}${query}`);
  assertEquals(pages, [ids.slice(0, 2), ids.slice(2, 4), ids.slice(4, 6)]);
  assertEquals(await pagesFrom(bench, `${JOBS}?size=4&task=greet`), [
    ids.slice(0, 4),
    ids.slice(4),
  ]);
  assertEquals(await pagesFrom(bench, `${JOBS}?size=6&task=greet`), [ids]);
});

test("GET {prefix} links under the base path", async () => {
  await using bench = new JobBench({ maxConcurrency: 0, basePath: "/tools" });
  registerGreet(bench);
  const response = await bench.submitTo("greet");
  const location = response.headers.get("location");
  const { id } = await recordOf(response, 202);
  assertEquals(location, `/tools${JOBS}/${id}`);
  const { id: second } = await bench.submit("greet");
  assertEquals(await pagesFrom(bench, `${JOBS}?size=1`, "/tools"), [[second], [id]]);
});

test("GET {prefix} holds 100 where no size is asked for, and at most 1,000", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  bench.registry.register("any", { params: v.looseObject({}), run: () => {} });
  const submissions = Array.from({ length: 1_050 }, () => ({ task: "any" }));
  const ids = (await bench.scheduler.submitMany(submissions)).toReversed();
  assertEquals(await idsOf(bench, ""), ids.slice(0, 100));
  const thousands = await pagesFrom(bench, `${JOBS}?size=1000`);
  assertEquals(thousands, [ids.slice(0, 1_000), ids.slice(1_000)]);
  const pages = await pagesFrom(bench, JOBS);
  assertEquals(pages.flat(), ids);
  assertEquals(pages.length, 11);
});

test("GET {prefix} refuses another query with 422 and the issues", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  const tags = Array.from({ length: 51 }, (_, index) => `tag=${index}`).join("&");
  for (const [query, path] of [
    ["status_filter=done", ["status_filter"]],
    ["status_filter=", ["status_filter"]],
    ["status_filter=failed&status_filter=pending", ["status_filter"]],
    ["status=failed", ["status"]],
    ["task=a&task=b", ["task"]],
    ["tag=", ["tag", 0]],
    [tags, ["tag"]],
    ["since=yesterday", ["since"]],
    ["since=1", ["since"]],
    ["since=2025-01-01T12:00:00", ["since"]],
    ["until=2025-02-30", ["until"]],
    ["until=", ["until"]],
    ["before=1", ["before"]],
    ["before=01arz3ndektsv4rrffq69g5fav", ["before"]],
    ["size=0", ["size"]],
    ["size=1001", ["size"]],
    ["size=-1", ["size"]],
    ["size=1.5", ["size"]],
    ["size=1&size=1", ["size"]],
    ["size=99999999999999999999", ["size"]],
    ["page=2", ["page"]],
    ["__proto__=1", ["__proto__"]],
    ["constructor=1", ["constructor"]],
  ] as const) {
    const problem = await problemOf(await bench.fetch(`${JOBS}?${query}`), 422);
    assertEquals(problem.type, "urn:taskmount:error:invalid-request", query);
    assertEquals(problem.issues[0].path, [...path], query);
  }
});
