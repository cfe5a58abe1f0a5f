import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { ulid } from "../../../lib/storage/mod.ts";
import { jsonOf, problemOf } from "../../tasks/test_router.ts";
import { JobBench, Puppet, recordOf, registerGreet } from "./job_bench.ts";

const JOBS = "/api/v1/jobs";
const RESTING = { maxConcurrency: 0 };

/** Jobs with tags, all of which wait. */
async function createBench(): Promise<{ bench: JobBench; ids: string[] }> {
  const bench = new JobBench(RESTING);
  registerGreet(bench);
  const ids = await bench.scheduler.submitMany([
    { task: "greet", tags: ["a"] },
    { task: "greet", tags: ["a", "b"] },
    { task: "greet", tags: ["b"] },
    { task: "greet" },
  ]);
  return { bench, ids };
}

async function idsOf(bench: JobBench, query = ""): Promise<string[]> {
  const jobs: { id: string }[] = await jsonOf(await bench.fetch(`${JOBS}${query}`));
  return jobs.map(({ id }) => id).sort();
}

/** The problem document of an answer, of this kind. */
async function refusalOf(response: Response, status: number, kind: string) {
  const problem = await problemOf(response, status);
  assertEquals(problem.type, `urn:taskmount:error:${kind}`);
  return problem;
}

test("POST /$retry queues the failed and canceled jobs of a filter again, and says how many", async () => {
  const { bench, ids } = await createBench();
  await using _ending = bench;
  const [first = "", second = "", third = "", fourth = ""] = ids;
  for (const id of [first, second, third]) await bench.scheduler.cancel(id);
  assertEquals(await recordOf(await bench.post(`${JOBS}/$retry?tag=a&tag=b`), 200), { retried: 1 });
  assertEquals(await idsOf(bench, "?status_filter=pending"), [second, fourth].sort());
  assertEquals(await recordOf(await bench.post(`${JOBS}/$retry`, { tag: "a" }), 200), {
    retried: 1,
  });
  assertEquals(await recordOf(await bench.post(`${JOBS}/%24retry`), 200), { retried: 1 });
  assertEquals(await recordOf(await bench.post(`${JOBS}/$retry`), 200), { retried: 0 });
});

test("POST /$delete deletes the jobs of a filter, and says how many", async () => {
  const { bench, ids } = await createBench();
  await using _ending = bench;
  const [first = "", , third = "", fourth = ""] = ids;
  const body = { tag: ["a", "b"], status_filter: "pending" };
  assertEquals(await recordOf(await bench.post(`${JOBS}/$delete`, body), 200), { deleted: 1 });
  assertEquals(await idsOf(bench), [first, third, fourth].sort());
  assertEquals(await recordOf(await bench.post(`${JOBS}/$delete?tag=b`, {}), 200), { deleted: 1 });
  // What stands in the query and in the body must hold both.
  assertEquals(
    await recordOf(await bench.post(`${JOBS}/$delete?task=greet`, { before: fourth }), 200),
    { deleted: 1 },
  );
  assertEquals(await idsOf(bench), [fourth]);
});

test("POST /$delete takes every filter of the list, as the list does", async () => {
  const { bench, ids } = await createBench();
  await using _ending = bench;
  const newest = ids.at(-1) ?? "";
  const times = "since=2001-01-31&until=2999-01-31T12:00:00%2B01:00";
  for (const query of [`?task=greet&tag=b&${times}`, `?status_filter=pending&before=${newest}`]) {
    const shown = await idsOf(bench, query);
    assert(shown.length > 0);
    const left = (await idsOf(bench)).filter((id) => !shown.includes(id));
    const { deleted } = await recordOf(await bench.post(`${JOBS}/$delete${query}`), 200);
    assertEquals(deleted, shown.length);
    assertEquals(await idsOf(bench), left);
  }
});

test("POST /$delete refuses a request without a filter, and says how to name all jobs", async () => {
  const { bench, ids } = await createBench();
  await using _ending = bench;
  for (const body of [undefined, {}, "null", { tag: [] }]) {
    const problem = await refusalOf(
      await bench.post(`${JOBS}/$delete`, body),
      422,
      "invalid-request",
    );
    assertEquals(
      problem.detail,
      "Nothing is deleted without a filter: to delete all jobs, name them by ?since=1970-01-01",
    );
    assertEquals(problem.issues, [{ path: [], message: "Expected a filter" }]);
  }
  assertEquals((await idsOf(bench)).length, ids.length);
  assertEquals(await recordOf(await bench.post(`${JOBS}/$delete?since=1970-01-01`), 200), {
    deleted: ids.length,
  });
});

test("POST /$delete cancels what runs", async () => {
  await using bench = new JobBench();
  const puppet = new Puppet(bench);
  await bench.submit("follow");
  const { signal } = (await puppet.run()).context;
  const aborting = new Promise((resolve) => signal.addEventListener("abort", resolve));
  assertEquals(await recordOf(await bench.post(`${JOBS}/$delete?status_filter=running`), 200), {
    deleted: 1,
  });
  await aborting;
});

test("POST /$retry and /$delete refuse what is no filter, given twice, or no JSON", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  const detail =
    "The query, or a JSON body, may have status_filter, task, tag, since, until and before, each once but for tag";
  const both = "Expected it in the query or in the body, not in both";
  const before = "Expected the id of a job, a ULID";
  const cases: [string, unknown, { path: string[]; message?: string }][] = [
    ["?status_filter=done", undefined, { path: ["status_filter"] }],
    ["?size=10", undefined, { path: ["size"] }],
    ["?status=failed", undefined, { path: ["status"] }],
    ["?task=a&task=b", undefined, { path: ["task"] }],
    ["?tag=", undefined, { path: ["tag", "0"], message: "Expected a tag" }],
    ["?since=yesterday", undefined, { path: ["since"] }],
    ["?before=1", undefined, { path: ["before"], message: before }],
    ["", { status_filter: "done" }, { path: ["status_filter"] }],
    ["", { size: 10 }, { path: ["size"] }],
    ["", { task: null }, { path: ["task"] }],
    ["", { tag: "" }, { path: ["tag", "0"], message: "Expected a tag" }],
    ["", { tag: [1] }, { path: ["tag", "0"] }],
    ["", { since: 5 }, { path: ["since"] }],
    ["", [], { path: [], message: "Expected an object" }],
    ["?task=greet", { task: "greet" }, { path: ["task"], message: both }],
    ["?tag=a", { tag: "b" }, { path: ["tag"], message: both }],
  ];
  for (const route of ["$retry", "$delete"]) {
    for (const [query, body, { path, message }] of cases) {
      const answer = await bench.post(`${JOBS}/${route}${query}`, body);
      const problem = await refusalOf(answer, 422, "invalid-request");
      assertEquals(problem.detail, detail);
      assertEquals(problem.issues.length, 1);
      const [issue] = problem.issues;
      assertEquals(issue.path.map(String), path, JSON.stringify([query, body, problem.issues]));
      if (message !== undefined) assertEquals(issue.message, message);
    }
    await refusalOf(await bench.post(`${JOBS}/${route}`, "{"), 400, "malformed-json");
    await refusalOf(
      await bench.post(`${JOBS}/${route}`, "a=b", { "content-type": "text/plain" }),
      415,
      "unsupported-media-type",
    );
    const long = { task: "x".repeat(64 * 1024) };
    await refusalOf(await bench.post(`${JOBS}/${route}`, long), 413, "content-too-large");
  }
  assertEquals((await idsOf(bench)).length, 4);
});

test("$retry and $delete are no ids: other methods are not allowed there", async () => {
  await using bench = new JobBench(RESTING);
  for (const route of ["$retry", "$delete", "%24delete"]) {
    for (const method of ["GET", "HEAD", "DELETE", "PUT", "PATCH"]) {
      const response = await bench.fetch(`${JOBS}/${route}`, { method });
      assertEquals([response.status, response.headers.get("allow")], [405, "OPTIONS, POST"]);
    }
    const options = await bench.fetch(`${JOBS}/${route}`, { method: "OPTIONS" });
    assertEquals([options.status, options.headers.get("allow")], [204, "OPTIONS, POST"]);
  }
  await refusalOf(await bench.fetch(`${JOBS}/${ulid()}`), 404, "job-not-found");
});

test("POST /$retry and /$delete of another site's page are refused", async () => {
  const { bench } = await createBench();
  await using _ending = bench;
  for (const route of ["$retry", "$delete?since=1970-01-01"]) {
    const headers = { "sec-fetch-site": "cross-site" };
    assertEquals((await bench.post(`${JOBS}/${route}`, undefined, headers)).status, 403);
  }
  assertEquals((await idsOf(bench)).length, 4);
});
