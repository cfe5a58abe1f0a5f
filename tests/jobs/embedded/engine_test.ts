import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { EmbeddedEngine } from "../../../lib/jobs/embedded/engine.ts";
import { Child } from "../../storage/child.ts";
import { testEngine } from "../engine_suite.ts";
import { EngineWorker, Entries, Listener, TASK } from "../engine_worker.ts";
import { FileBed, HandLeases, MemoryBed } from "./bed.ts";

// Other processes, and the threads of leases, take their time where the machine is busy.
setDefaultTimeout(60_000);

testEngine("in memory", () => MemoryBed.create());
testEngine("in a file", () => FileBed.create());

test("wake() is called when another process has committed, until leave()", async () => {
  await using bed = await FileBed.create();
  const entries = new Entries(bed.clock);
  await using other = await EngineWorker.join(bed);
  await using worker = await EngineWorker.join(bed);
  assertEquals(worker.listener.heard, []);
  await other.enqueue(entries.of("a"));
  await worker.listener.hears("wake");
  await worker.leave();
  const before = worker.listener.heard;
  await using witness = await EngineWorker.join(bed);
  await other.enqueue(entries.of("b"));
  await witness.listener.hears("wake");
  assertEquals(worker.listener.heard, before);
});

test("what a killed process had claimed is taken over", async () => {
  await using bed = await FileBed.create();
  const entries = new Entries(bed.clock);
  await using worker = await EngineWorker.join(bed);
  await worker.enqueue(...entries.many(2, "a"));
  await using child = new Child("../../jobs/embedded/fixtures/claimer.ts", [bed.path]);
  assertEquals(await child.line(), "a000");
  assertEquals(await worker.engine.ended(), []);
  child.kill("SIGKILL");
  await worker.listener.hears("othersEnded");
  assertEquals(await worker.recover(), [{ id: "a000", lost: 1 }]);
  assertEquals(await worker.claimIds(9), ["a000", "a001"]);
});

/** A worker whose leases the test ends, alone on a queue in memory. */
class LosingWorker implements AsyncDisposable {
  readonly bed: MemoryBed;
  readonly leases: HandLeases;
  readonly worker: EngineWorker;
  readonly entries: Entries;

  private constructor(bed: MemoryBed, leases: HandLeases, worker: EngineWorker) {
    this.bed = bed;
    this.leases = leases;
    this.worker = worker;
    this.entries = new Entries(bed.clock);
  }

  static async create(): Promise<LosingWorker> {
    const bed = await MemoryBed.create();
    const leases = new HandLeases(bed.database);
    return new LosingWorker(bed, leases, await EngineWorker.join(bed));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _bed = this.bed;
    await this.worker.leave();
  }
}

test("a lease that can't be had again is tried for once a second", async () => {
  await using losing = await LosingWorker.create();
  const { bed, leases, worker, entries } = losing;
  const { listener } = worker;
  await worker.enqueue(entries.of("a"), entries.of("later", { due: bed.clock.now() + 500 }));
  leases.refusal = new Error("the disk is full");
  await leases.lose();
  await listener.hears("leaseLost");
  await listener.hears("failed");
  for (let tries = 1; tries < 4; tries += 1) {
    assertEquals(listener.errors.length, tries);
    bed.clock.advance(0.999);
    // Meanwhile nothing can be claimed, and so nothing is due.
    assertEquals(await worker.claim(9), []);
    assertEquals(await worker.nextDue(), null);
    assertEquals(await worker.engine.ended(), []);
    assertEquals(listener.heard, []);
    bed.clock.advance(0.001);
    await listener.hears("failed");
  }
  assertStrictEquals(listener.errors[3], leases.refusal);
  leases.refusal = undefined;
  bed.clock.advance(1);
  await listener.hears("othersEnded");
  await listener.hears("wake");
  assertEquals(leases.held.size, 1);
  assertEquals(await worker.claimIds(9), ["a", "later"]);
});

test("leave() ends the search for a lease", async () => {
  await using losing = await LosingWorker.create();
  const { bed, leases, worker } = losing;
  leases.refusal = new Error("the disk is full");
  await leases.lose();
  await worker.listener.hears("failed");
  await worker.leave();
  for (let tries = 0; tries < 3; tries += 1) {
    bed.clock.advance(1);
    await bed.database.transaction(() => {});
  }
  assertEquals(worker.listener.heard, []);
  assertEquals(worker.listener.errors.length, 1);
});

test("leave() gives up a lease that is being acquired again", async () => {
  await using losing = await LosingWorker.create();
  const { bed, leases, worker } = losing;
  const acquire = bed.database.lease;
  const { promise, resolve } = Promise.withResolvers<void>();
  bed.database.lease = async (options) => {
    await promise;
    return await acquire(options);
  };
  await leases.lose();
  await worker.leave();
  resolve();
  await bed.database.transaction(() => {});
  assertEquals(worker.listener.heard, ["leaseLost"]);
  assertEquals(leases.held.size, 0);
});

test("join() that fails leaves no lease behind, and may be tried again", async () => {
  await using bed = await MemoryBed.create();
  const leases = new HandLeases(bed.database);
  const engine = new EmbeddedEngine({
    database: bed.database,
    clock: bed.clock,
    lease: 600,
    suspectAfter: 2,
  });
  const listen = bed.database.onForeignCommit;
  bed.database.onForeignCommit = () => Promise.reject(new RangeError("no"));
  await assertRejects(() => engine.join(new Listener()), RangeError);
  assertEquals(leases.held.size, 0);
  bed.database.onForeignCommit = listen;
  await engine.join(new Listener());
  assertEquals(leases.held.size, 1);
  const entry = new Entries(bed.clock).of("a");
  await bed.database.unit((tx) => engine.enqueue([entry], tx));
  assertEquals((await bed.database.unit((tx) => engine.claim(9, [TASK], tx))).length, 1);
  await engine.leave();
  assertEquals(leases.held.size, 0);
});
