import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { JobReader } from "../../../lib/jobs/reader.ts";
import { SharedReads } from "../../../lib/jobs/shared_reads.ts";
import type { JobTables } from "../../../lib/jobs/tables.ts";
import { ulid } from "../../../lib/storage/mod.ts";
import { JobBench, registerGreet } from "./job_bench.ts";
import { StreamCosts } from "./stream_costs.ts";

function readsOf({ database }: JobBench): SharedReads {
  return new SharedReads(new JobReader(database.own<JobTables>()));
}

test("find() reads once for all who ask together, each job by itself", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  using costs = new StreamCosts(bench.database);
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const { id: other } = await bench.submit("greet");
  const shared = readsOf(bench);
  const { reads } = costs;
  const [first, second, third, none] = await Promise.all([
    shared.find(id),
    shared.find(id),
    shared.find(other),
    shared.find(ulid()),
  ]);
  assertEquals(costs.reads - reads, 3);
  assert(first !== undefined);
  assertStrictEquals(first, second);
  assertEquals([first.record.id, third?.record.id, none], [id, other, undefined]);
});

test("find() never gives what was read before it was asked", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const reader = new JobReader(bench.database.own<JobTables>());
  const { find } = reader;
  const hasRead = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  reader.find = async (id) => {
    const found = await find.call(reader, id);
    hasRead.resolve();
    await letGo.promise;
    return found;
  };
  const shared = new SharedReads(reader);
  const first = shared.find(id);
  await hasRead.promise;
  await bench.scheduler.cancel(id);
  const second = shared.find(id);
  letGo.resolve();
  const statuses = (await Promise.all([first, second])).map((found) => found?.record.status);
  assertEquals(statuses, ["pending", "canceled"]);
});

test("find() asks again after a read that has failed", async () => {
  await using bench = new JobBench({ maxConcurrency: 0 });
  registerGreet(bench);
  const { id } = await bench.submit("greet");
  const reader = new JobReader(bench.database.own<JobTables>());
  const { find } = reader;
  let failures = 0;
  reader.find = (id) => {
    failures += 1;
    return failures === 1 ? Promise.reject(new Error("no")) : find.call(reader, id);
  };
  const shared = new SharedReads(reader);
  await assertRejects(() => shared.find(id), Error, "no");
  assertEquals((await shared.find(id))?.record.id, id);
});
