import { assert, assertEquals } from "@std/assert";
import type { ClaimableTask } from "../../lib/jobs/engine.ts";
import { EngineWorker, idsOf, TASK, type TestWithWorkers } from "./engine_worker.ts";

/** A task of which three run at once, of each key. */
const THREE: ClaimableTask = { name: "three", concurrency: 3 };
const KEY = { concurrencyKey: "k" };

/** Declares the tests of `concurrency` and `concurrencyKey`. */
export function testGroups(testWithWorkers: TestWithWorkers): void {
  testLimits(testWithWorkers);
  testRoom(testWithWorkers);
  testHeldOrder(testWithWorkers);
}

function testLimits(testWithWorkers: TestWithWorkers): void {
  for (const { key, concurrency, together } of [
    { key: null, concurrency: null, together: 5 },
    { key: null, concurrency: 1, together: 1 },
    { key: null, concurrency: 3, together: 3 },
    { key: "k", concurrency: null, together: 1 },
    { key: "k", concurrency: 1, together: 1 },
    { key: "k", concurrency: 3, together: 3 },
  ]) {
    const group = `${key === null ? "no key" : "a key"} and a concurrency of ${concurrency}`;
    testWithWorkers(`${together} of 5 entries run at once with ${group}`, async (workers) => {
      const { first, second, entries } = workers;
      const task = { name: TASK.name, concurrency };
      await first.enqueue(...entries.many(5, "a", { concurrencyKey: key }));
      // All at once, and one by one by either worker.
      const claims = await first.claim(together - 1, task);
      claims.push(...(await second.claim(9, task)), ...(await first.claim(9, task)));
      assertEquals(idsOf(claims), idsOf(entries.many(together, "a")));
      while (claims.length > 0) {
        const claim = claims.shift();
        assert(claim !== undefined);
        await first.ack(claim);
        claims.push(...(await second.claim(9, task)));
      }
      assertEquals(await first.waiting(TASK.name, 9), 0);
    });
  }

  testWithWorkers("each key of each task has its own room", async (workers) => {
    const { first, entries } = workers;
    const tasks = [TASK, { name: "other", concurrency: null }, THREE];
    for (const { name } of tasks) {
      await first.enqueue(
        ...entries.many(5, `${name} a`, { task: name, concurrencyKey: "a" }),
        ...entries.many(5, `${name} b`, { task: name, concurrencyKey: "b" }),
        // No key is not a key of its name.
        ...entries.many(5, `${name} null`, { task: name, concurrencyKey: "null" }),
        ...entries.many(5, `${name} none`, { task: name }),
      );
    }
    const counts = new Map<string, number>();
    for (const id of await first.claimIds(100, ...tasks)) {
      const group = id.slice(0, -3);
      counts.set(group, (counts.get(group) ?? 0) + 1);
    }
    assertEquals(
      counts,
      new Map([
        ["other a", 1],
        ["other b", 1],
        ["other none", 5],
        ["other null", 1],
        ["task a", 1],
        ["task b", 1],
        ["task none", 5],
        ["task null", 1],
        ["three a", 3],
        ["three b", 3],
        ["three none", 3],
        ["three null", 3],
      ]),
    );
  });

  testWithWorkers("workers that claim at the same time overfill no group", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(
      ...entries.many(50, "a", { ...KEY, task: "three" }),
      ...entries.many(50, "b", KEY),
    );
    let rounds = 0;
    for (let left = 100; left > 0; rounds += 1) {
      const claims = await Promise.all(
        [first, second, first, second].map((worker) => worker.claim(2, TASK, THREE)),
      );
      const claimed = claims.flat();
      const ofKey = claimed.filter(({ id }) => id.startsWith("b"));
      assert(ofKey.length <= 1 && claimed.length - ofKey.length <= 3, "a group is overfull");
      await second.ack(...claimed);
      left -= claimed.length;
    }
    assertEquals(rounds, 50);
  });

  testWithWorkers("claim() finds what stands behind 2,000 of one full key", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(
      ...entries.many(2_000, "k", { ...KEY, priority: 9 }),
      ...entries.many(5, "z"),
      ...entries.many(5, "y", { concurrencyKey: "y", priority: 8 }),
    );
    assertEquals(await first.claimInTurn(2), ["k000", "y000"]);
    assertEquals(await second.claimIds(3), ["z000", "z001", "z002"]);
    assertEquals(await first.claimIds(9), ["z003", "z004"]);
    assertEquals(await second.claimIds(9), []);
    assertEquals(await first.waiting(TASK.name, 5_000), 2_003);
  });

  testWithWorkers("a taken entry has no part in what its task may run", async (workers) => {
    const { first, entries } = workers;
    const closures = { name: "closures", concurrency: 1 };
    await first.take(entries.of("taken", { task: "" }));
    await first.enqueue(entries.of("a", { task: "closures" }));
    assertEquals(await first.claimIds(9, closures), ["a"]);
  });
}

function testRoom(testWithWorkers: TestWithWorkers): void {
  testWithWorkers("what is released leaves its room to others until then", async (workers) => {
    const { bed, first, entries, at } = workers;
    await first.enqueue(...entries.many(3, "a", KEY));
    await first.release(at(60), await first.claimOne());
    const next = await first.claimOne();
    assertEquals(next.id, "a001");
    bed.clock.advance(60);
    assertEquals(await first.claim(9), []);
    await first.ack(next);
    assertEquals(await first.claimInTurn(9), ["a002"]);
  });

  testWithWorkers("what is removed from a group keeps nobody waiting", async (workers) => {
    const { first, entries } = workers;
    await first.enqueue(...entries.many(5, "a", KEY));
    const running = await first.claimOne();
    // By now it is known of the others that they have to wait.
    assertEquals(await first.claim(9), []);
    await first.ack(running);
    await first.remove("a001", "a002");
    const next = await first.claimOne();
    assertEquals(next.id, "a003");
    await first.remove("a004");
    await first.enqueue(entries.of("b", KEY));
    assertEquals(await first.claim(9), []);
    await first.ack(next);
    assertEquals(await first.claimIds(9), ["b"]);
  });

  testWithWorkers("what a worker left frees its room", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(...entries.many(6, "a", { ...KEY, task: "three" }));
    assertEquals(await second.claimIds(9, THREE), ["a000", "a001", "a002"]);
    assertEquals(await first.claim(9, THREE), []);
    await second.leave();
    await first.recover();
    assertEquals(await first.claimIds(9, THREE), ["a000", "a001", "a002"]);
    assertEquals(await first.claim(9, THREE), []);
  });

  testWithWorkers("a delayed entry of a full group waits for room", async (workers) => {
    const { bed, first, entries, at } = workers;
    await first.enqueue(entries.of("a", KEY), entries.of("later", { ...KEY, due: at(60) }));
    const running = await first.claimOne();
    bed.clock.advance(60);
    assertEquals(await first.claim(9), []);
    await first.ack(running);
    assertEquals(await first.claimIds(9), ["later"]);
  });

  testWithWorkers("a claim in a transaction that fails takes no room", async (workers) => {
    const { first, entries } = workers;
    await first.enqueue(...entries.many(3, "a", KEY));
    const failed = first.transact(async (tx) => {
      await first.engine.claim(9, [TASK], tx);
      throw new RangeError("no");
    });
    await failed.catch(() => {});
    assertEquals(await first.claimIds(9), ["a000"]);
  });

  testWithWorkers("a worker that allows more makes use of it at once", async (workers) => {
    const { bed, first, second, entries } = workers;
    await second.leave();
    await first.enqueue(...entries.many(5, "a", { ...KEY, task: "three" }));
    assertEquals(await first.claimIds(9, { name: "three", concurrency: 1 }), ["a000"]);
    await using later = await EngineWorker.join(bed);
    assertEquals(await later.claimIds(9, THREE), ["a001", "a002"]);
  });
}

function testHeldOrder(testWithWorkers: TestWithWorkers): void {
  testWithWorkers("entries that wait for their key go by the same order", async (workers) => {
    const { first, entries, at } = workers;
    await first.enqueue(entries.of("first", KEY));
    let running = await first.claimOne();
    await first.enqueue(
      entries.of("d", KEY),
      entries.of("c", { ...KEY, due: at(-1) }),
      entries.of("e", { ...KEY, priority: -1, due: at(-2) }),
      entries.of("b", { ...KEY, priority: 1 }),
    );
    assertEquals(await first.claim(9), []);
    // One that comes after the others were set aside.
    await first.enqueue(entries.of("a", { ...KEY, priority: 2 }), entries.of("f", { ...KEY }));
    const order: string[] = [];
    for (let i = 0; i < 6; i += 1) {
      await first.ack(running);
      running = await first.claimOne();
      order.push(running.id);
    }
    assertEquals(order, ["a", "b", "c", "d", "f", "e"]);
  });

  testWithWorkers("what is released goes behind what is more urgent", async (workers) => {
    const { first, entries, at } = workers;
    await first.enqueue(entries.of("low", KEY));
    const low = await first.claimOne();
    await first.enqueue(entries.of("high", { ...KEY, priority: 1 }));
    assertEquals(await first.claim(9), []);
    await first.release(at(0), low);
    assertEquals(await first.claimIds(9), ["high"]);
  });

  testWithWorkers("what a worker left goes behind what is more urgent", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(entries.of("low", KEY));
    await second.claimOne();
    await first.enqueue(entries.of("high", { ...KEY, priority: 1 }));
    assertEquals(await first.claim(9), []);
    await second.leave();
    await first.recover();
    assertEquals(await first.claimIds(9), ["high"]);
  });
}
