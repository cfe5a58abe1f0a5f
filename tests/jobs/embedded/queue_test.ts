import { Database as File } from "bun:sqlite";
import { test } from "bun:test";
import { assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { CompiledQuery } from "kysely";
import { createQueue } from "../../../lib/jobs/embedded/queue.ts";
import type { QueueTables } from "../../../lib/jobs/embedded/tables.ts";
import type { Statements } from "../../../lib/storage/mod.ts";
import { Prepared, PreparedInsert } from "../../../lib/storage/prepared.ts";
import { EngineWorker, Entries, TASK } from "../engine_worker.ts";
import { FileBed, MemoryBed } from "./bed.ts";

/** The SQL of each statement of the queue, by its name. */
async function statements(bed: FileBed): Promise<Map<string, string>> {
  const queue = createQueue(bed.openDatabase().own<QueueTables>());
  const found = new Map<string, string>();
  for (const [name, statement] of Object.entries(queue)) {
    const note = (query: CompiledQuery) => {
      found.set(name, query.sql);
      return [];
    };
    if (statement instanceof Prepared) {
      await statement.all({ all: note }, {} as never);
    } else if (statement instanceof PreparedInsert) {
      await statement.run({ all: note }, [{} as never]);
    } else {
      found.set(name, statement.compile().sql);
    }
  }
  return found;
}

/** How SQLite goes about a statement, a step a line. */
function planOf(file: File, statement: string): string {
  return file
    .query<{ detail: string }, []>(`EXPLAIN QUERY PLAN ${statement}`)
    .all()
    .map(({ detail }) => detail)
    .join("\n");
}

test("no statement of the queue looks at all entries", async () => {
  await using bed = await FileBed.create();
  using file = new File(bed.path);
  const found = await statements(bed);
  assertGreater(found.size, 15);
  const scans = new Map<string, string[]>();
  for (const [name, statement] of found) {
    const lines = planOf(file, statement).split("\n");
    // An index of one state holds no others.
    const ofAll = lines.filter(
      (line) =>
        /^(SCAN|SEARCH) taskmount_job_queue/.test(line) &&
        !/USING PRIMARY KEY \(id=\?\)/.test(line) &&
        !/USING (COVERING )?INDEX taskmount_job_queue_(claimed|delayed|held|ready|running|suspect)/.test(
          line,
        ),
    );
    if (ofAll.length > 0) scans.set(name, ofAll);
  }
  assertEquals(scans, new Map());
});

test("what a claim does for each entry or task is one look-up", async () => {
  await using bed = await FileBed.create();
  using file = new File(bed.path);
  const found = await statements(bed);
  for (const [name, plan] of Object.entries({
    ready: /^SEARCH taskmount_job_queue USING INDEX taskmount_job_queue_ready \(task=\?\)$/,
    countClaimed: /INDEX taskmount_job_queue_running \(task=\? AND concurrency_key=\?\)$/,
    unhold: /INDEX taskmount_job_queue_held \(task=\? AND concurrency_key=\?\)$/,
    promote: /^SEARCH taskmount_job_queue USING INDEX taskmount_job_queue_delayed \(due<\?\)$/,
    waiting: /SEARCH taskmount_job_queue USING (COVERING )?INDEX .*_delayed_of_task \(task=\?\)/,
    readyTasks: /SEARCH taskmount_job_queue USING COVERING INDEX .*_ready \(task>\?\)/,
  })) {
    const actual = planOf(file, found.get(name) ?? "");
    assertMatch(actual, plan, `${name}: ${actual}`);
    // Sorted by the index already.
    assertEquals(actual.includes("TEMP B-TREE"), false, `${name}: ${actual}`);
  }
});

/** Counts the statements that run in one transaction, and the rows that they give. */
class CountedStatements implements Statements {
  statements = 0;
  rows = 0;
  readonly #tx: Statements;

  constructor(tx: Statements) {
    this.#tx = tx;
  }

  async all<Row>(
    query: CompiledQuery<Row>,
    parameters?: readonly unknown[],
  ): Promise<readonly Row[]> {
    const rows = await this.#tx.all(query, parameters);
    this.statements += 1;
    this.rows += rows.length;
    return rows;
  }
}

test("what waits for its key costs a claim nothing", async () => {
  await using bed = await MemoryBed.create();
  await using worker = await EngineWorker.join(bed);
  const entries = new Entries(bed.clock);
  /** What claims one entry that is there. */
  const count = async (id: string) => {
    await worker.enqueue(entries.of(id));
    return await worker.transact(async (tx) => {
      const counted = new CountedStatements(tx);
      const claims = await worker.engine.claim(10, [TASK], counted);
      assertEquals(
        claims.map((claim) => claim.id),
        [id],
      );
      return { statements: counted.statements, rows: counted.rows };
    });
  };
  await worker.enqueue(entries.of("first", { concurrencyKey: "k" }));
  await worker.claimOne();
  const alone = await count("a");
  await worker.enqueue(...entries.many(2_000, "k", { concurrencyKey: "k", priority: 9 }));
  assertEquals(await worker.claimIds(1), []);
  assertEquals(await count("b"), alone);
});

test("an entry that leaves its group brings one other back, not all", async () => {
  await using bed = await MemoryBed.create();
  await using worker = await EngineWorker.join(bed);
  const entries = new Entries(bed.clock);
  await worker.enqueue(...entries.many(2_000, "k", { concurrencyKey: "k" }));
  const running = await worker.claimOne();
  assertEquals(await worker.claim(10), []);
  await worker.ack(running);
  const ready = await bed.database
    .own<QueueTables>()
    .selectFrom("job_queue")
    .select("id")
    .where("state", "=", "ready")
    .execute();
  assertEquals(ready, [{ id: "k001" }]);
});
