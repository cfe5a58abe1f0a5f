import { test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { sql } from "kysely";
import { firstUlid, ulid } from "../../../lib/storage/mod.ts";
import { WrittenJobs } from "./written_jobs.ts";

const DAY = 24 * 60 * 60 * 1_000;

test("list() walks an index from the newest id down, whatever is asked for", async () => {
  await using jobs = await WrittenJobs.create();
  await assertAllWalk(jobs);
  // What SQLite then knows of the tables makes no difference.
  await jobs.add(500, { status: "completed", task: "common", tags: ["a", "b"] });
  await jobs.add(5, { status: "failed", task: "rare", tags: ["c"] });
  await sql`analyze`.execute(jobs.db);
  await assertAllWalk(jobs);
});

async function assertAllWalk(jobs: WrittenJobs): Promise<void> {
  const before = ulid();
  const since = new Date(Date.now() - DAY);
  const until = new Date();
  for (const status of [undefined, "completed", "failed"] as const) {
    for (const task of [undefined, "common"]) {
      for (const tags of [[], ["a"], ["a", "b", "c"]]) {
        for (const range of [{}, { before }, { since }, { until }, { before, since, until }]) {
          const options = { status, task, tags, ...range };
          const [first = "", ...rest] = await jobs.plan(options);
          const what = `${JSON.stringify(options)}: ${[first, ...rest].join("; ")}`;
          const asked = [status, task, ...tags].some((each) => each !== undefined);
          // Of everything without bounds there is nothing to search for.
          const isAll = !asked && Object.keys(range).length === 0;
          assertEquals(first.split(" ")[0], isAll ? "SCAN" : "SEARCH", what);
          assert(!rest.some((step) => /SCAN|TEMP B-TREE/.test(step)), what);
          // Records are looked at one by one, when it is known which.
          assertEquals(rest.pop(), "SEARCH taskmount_jobs USING PRIMARY KEY (id=?)", what);
          const walked = asked ? [first, ...rest] : rest;
          assert(
            walked.every((step) => /COVERING|\(tag=/.test(step)),
            what,
          );
        }
      }
    }
  }
}

test("list() walks the way on which the fewest jobs are", async () => {
  await using jobs = await WrittenJobs.create();
  await jobs.add(50, { status: "completed", task: "common", tags: ["all"] });
  await jobs.add(20, { status: "failed", task: "common", tags: ["all", "some"] });
  await jobs.add(5, { status: "completed", task: "rare", tags: ["all"] });
  const cases: [Parameters<typeof jobs.plan>[0], RegExp][] = [
    [{ status: "failed", task: "common" }, /jobs_of_status/],
    [{ status: "pending", task: "common" }, /jobs_of_status/],
    [{ status: "completed", task: "rare" }, /jobs_of_task/],
    [{ status: "failed", task: "rare" }, /jobs_of_task/],
    [{ status: "failed", tags: ["all"] }, /jobs_of_status/],
    [{ status: "completed", tags: ["some"] }, /\(tag=/],
    [{ task: "rare", tags: ["all"] }, /jobs_of_task/],
    [{ task: "common", tags: ["some"] }, /\(tag=/],
    [{ status: "completed", task: "common", tags: ["all", "some"] }, /\(tag=/],
    [{ status: "failed", task: "common", tags: ["none"] }, /\(tag=/],
  ];
  for (const [options, way] of cases) {
    const [first = ""] = await jobs.plan(options);
    assert(way.test(first), `${JSON.stringify(options)}: ${first}`);
  }
});

test("list() prefers, among ways as long, what is most likely rare where it ends", async () => {
  await using jobs = await WrittenJobs.create();
  await jobs.add(5, { status: "completed", task: "a", tags: ["x"] });
  await jobs.add(5, { status: "failed", task: "b", tags: ["y"] });
  for (const [options, way] of [
    [{ status: "completed", task: "a" }, /jobs_of_task/],
    [{ status: "completed", tags: ["x"] }, /\(tag=/],
    [{ status: "failed", task: "b", tags: ["y"] }, /jobs_of_status/],
    [{ task: "b", tags: ["y"] }, /\(tag=/],
  ] as const) {
    const [first = ""] = await jobs.plan(options);
    assert(way.test(first), `${JSON.stringify(options)}: ${first}`);
  }
});

test("list() counts along a way only what lies in the range", async () => {
  await using jobs = await WrittenJobs.create();
  await jobs.add(50, { status: "failed", task: "old" });
  await jobs.add(5, { status: "failed", task: "new" });
  const before = ulid();
  await jobs.add(100, { status: "completed", task: "new" });
  const [all = ""] = await jobs.plan({ status: "failed", task: "new" });
  assert(/jobs_of_status/.test(all), all);
  const [early = ""] = await jobs.plan({ status: "failed", task: "new", before });
  assert(/jobs_of_task/.test(early), early);
});

test("list() keeps what every filter asks for, whichever way it walks", async () => {
  await using jobs = await WrittenJobs.create();
  for (const status of ["completed", "failed", "pending"] as const) {
    for (const task of ["a", "b"]) {
      for (const tags of [[], ["x"], ["x", "y"]]) await jobs.add(2, { status, task, tags });
    }
  }
  for (const status of ["completed", "failed"] as const) {
    assertEquals((await jobs.list({ status })).length, 12);
    for (const task of ["a", "b"]) {
      assertEquals((await jobs.list({ task })).length, 18);
      assertEquals((await jobs.list({ status, task })).length, 6);
      for (const [tags, count] of [
        [["x"], 4],
        [["y"], 2],
        [["y", "x", "x"], 2],
        [["z"], 0],
      ] as const) {
        const kept = await jobs.list({ status, task, tags });
        assertEquals(kept.length, count);
        assertEquals(kept, kept.toSorted().reverse());
      }
    }
  }
});

test("list() finds by since and until what was submitted then, also after the clock was set back", async () => {
  await using jobs = await WrittenJobs.create();
  const noon = Date.UTC(2030, 0, 1, 12);
  let number = 0;
  const idAt = (time: number) => firstUlid(time).slice(0, 10) + String(++number).padStart(16, "0");
  const add = async (submittedAt: number, time = submittedAt) => {
    const id = idAt(time);
    await jobs.add(1, { id: () => id, submittedAt });
    return id;
  };
  const first = await add(noon);
  const second = await add(noon + 1);
  const third = await add(noon + 2);
  const at = (milliseconds: number) => new Date(noon + milliseconds);
  assertEquals(await jobs.list({ since: at(1) }), [third, second]);
  assertEquals(await jobs.list({ until: at(1) }), [first]);
  assertEquals(await jobs.list({ since: at(1), until: at(2) }), [second]);
  assertEquals(await jobs.list({ since: new Date(8.64e15) }), []);
  assertEquals(await jobs.list({ until: new Date(-8.64e15) }), []);
  assertEquals((await jobs.list({ since: new Date(-1), until: new Date(8.64e15) })).length, 3);
  // Ids never go back: this one still has the time of the last.
  const late = await add(noon - 1, noon + 2);
  assertEquals(await jobs.list({ until: at(0) }), [late]);
  assertEquals(await jobs.list({ since: at(0) }), [third, second, first]);
});
