import { setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { testGroups } from "./engine_groups.ts";
import { testLeases } from "./engine_leases.ts";
import { testAgainstModel } from "./engine_model.ts";
import { type EngineBed, idsOf, TASK, type TestWithWorkers, TwoWorkers } from "./engine_worker.ts";

// A lease on a file has a thread, whose start takes its time where the machine is busy.
setDefaultTimeout(30_000);

const OTHER = { name: "other", concurrency: null };

/**
 * Declares the tests that every engine must pass. `create` makes an empty
 * queue, for each test anew.
 */
export function testEngine(name: string, create: () => Promise<EngineBed>): void {
  const testWithWorkers: TestWithWorkers = (what, fn) => {
    test(`${what}, ${name}`, async () => {
      await using workers = await TwoWorkers.on(await create());
      await fn(workers);
    });
  };
  testOrder(testWithWorkers);
  testClaims(testWithWorkers);
  testQueue(testWithWorkers);
  testLeases(testWithWorkers);
  testGroups(testWithWorkers);
  testAgainstModel(testWithWorkers);
}

function testOrder(testWithWorkers: TestWithWorkers): void {
  testWithWorkers(
    "claim() goes by priority, then by due, then by id",
    async ({ first, entries, at }) => {
      await first.enqueue(
        entries.of("d", { due: at(-1) }),
        entries.of("c", { due: at(-1) }),
        entries.of("e", { due: at(-2) }),
        entries.of("b", { priority: 1 }),
        entries.of("f", { priority: -1, due: at(-9) }),
        entries.of("a", { priority: 1, due: at(0) }),
      );
      assertEquals(await first.claimInTurn(9), ["a", "b", "e", "c", "d", "f"]);
    },
  );

  testWithWorkers("claim() has one order for all tasks", async ({ first, entries, at }) => {
    await first.enqueue(
      entries.of("a", { due: at(-1) }),
      entries.of("b", { task: "other", due: at(-2) }),
      entries.of("c", { due: at(-3) }),
      entries.of("d", { task: "other", priority: 1 }),
    );
    assertEquals(await first.claimInTurn(9, TASK, OTHER), ["d", "c", "b", "a"]);
  });

  testWithWorkers("claim() of several takes the first ones", async ({ first, entries, at }) => {
    await first.enqueue(
      entries.of("a", { due: at(-1) }),
      entries.of("b", { task: "other", due: at(-2) }),
      entries.of("c", { due: at(-3) }),
      entries.of("d", { task: "other", priority: 1 }),
    );
    assertEquals(await first.claimIds(2, TASK, OTHER), ["c", "d"]);
    assertEquals(await first.claimIds(0, TASK, OTHER), []);
    assertEquals(await first.claimIds(9, TASK, OTHER), ["a", "b"]);
  });

  testWithWorkers("claim() passes over tasks that it wasn't given", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(
      entries.of("a", { priority: 9 }),
      entries.of("b", { task: "other" }),
      entries.of("c", { task: "othe" }),
      entries.of("d", { task: "others" }),
    );
    assertEquals(await first.claimIds(9, OTHER), ["b"]);
    assertEquals(await first.claimIds(9, { name: "none", concurrency: null }), []);
    assertEquals(await second.claimIds(9), ["a"]);
  });

  testWithWorkers("claim() leaves an entry until its time has come", async (workers) => {
    const { bed, first, entries, at } = workers;
    await first.enqueue(entries.of("later", { due: at(60), priority: 9 }), entries.of("now"));
    assertEquals(await first.claimInTurn(9), ["now"]);
    bed.clock.advance(59.999);
    assertEquals(await first.claimInTurn(9), []);
    bed.clock.advance(0.001);
    assertEquals(await first.claimInTurn(9), ["later"]);
  });

  testWithWorkers("an entry whose time has come takes its place in the order", async (workers) => {
    const { bed, first, entries, at } = workers;
    await first.enqueue(
      entries.of("a", { due: at(20) }),
      entries.of("b", { due: at(10) }),
      entries.of("c", { due: at(30), priority: 1 }),
      entries.of("d", { due: at(31), priority: 2 }),
    );
    bed.clock.advance(30);
    await first.enqueue(entries.of("e"));
    assertEquals(await first.claimInTurn(9), ["c", "b", "a", "e"]);
  });
}

function testClaims(testWithWorkers: TestWithWorkers): void {
  testWithWorkers("an entry is claimed by one worker only", async ({ first, second, entries }) => {
    await first.enqueue(...entries.many(10, "a"));
    const claims = [await first.claim(4), await second.claim(4), await first.claim(4)];
    assertEquals(
      claims.map(({ length }) => length),
      [4, 4, 2],
    );
    assertEquals(idsOf(claims.flat()), idsOf(entries.many(10, "a")));
    assertEquals(await second.claim(1), []);
  });

  testWithWorkers("workers that claim at the same time share what there is", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(...entries.many(400, "a"));
    const claims = await Promise.all(
      Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? first : second).claim(7)),
    );
    assertEquals(idsOf(claims.flat()), idsOf(entries.many(400, "a")));
  });

  testWithWorkers("a fence is higher than all before it", async (workers) => {
    const { bed, first, second, entries } = workers;
    const fences: number[] = [];
    for (const id of ["a", "b", "c"]) {
      await first.enqueue(entries.of(id));
      for (const worker of [first, second, first]) {
        const claimed = await worker.claimOne();
        assertEquals(claimed.id, id);
        fences.push(claimed.fence);
        await worker.release(bed.clock.now(), claimed);
      }
      const last = await second.claimOne();
      fences.push(last.fence);
      await second.ack(last);
    }
    const [taken] = await first.take(entries.of("taken"));
    fences.push(taken?.fence ?? 0);
    for (const [index, fence] of fences.entries()) assertLess(fences[index - 1] ?? 0, fence);
  });

  testWithWorkers("a claim in a transaction that fails is none", async ({ first, entries }) => {
    await first.enqueue(entries.of("a"));
    await assertRejects(
      () =>
        first.transact(async (tx) => {
          assertEquals(idsOf(await first.engine.claim(1, [TASK], tx)), ["a"]);
          throw new RangeError("no");
        }),
      RangeError,
    );
    assertEquals(await first.claimIds(1), ["a"]);
  });

  testWithWorkers("release() queues a claimed entry again at once", async (workers) => {
    const { first, second, entries, at } = workers;
    await first.enqueue(entries.of("a"), entries.of("b", { priority: 1 }));
    const b = await first.claimOne();
    await first.release(at(0), b);
    const again = await second.claimOne();
    assertEquals({ ...again, fence: 0 }, { id: "b", fence: 0, lost: 0 });
    assertLess(b.fence, again.fence);
  });

  testWithWorkers("release() queues a claimed entry for later", async (workers) => {
    const { bed, first, second, entries, at } = workers;
    await first.enqueue(...entries.many(3, "a"));
    await first.release(at(60), ...(await first.claim(2)));
    assertEquals(await second.claimInTurn(9), ["a002"]);
    assertEquals(await second.nextDue(), at(60));
    bed.clock.advance(60);
    assertEquals(await second.claimInTurn(9), ["a000", "a001"]);
  });

  testWithWorkers("ack() ends a claim", async ({ first, second, entries }) => {
    await first.enqueue(entries.of("a"), entries.of("b"));
    const [a, b] = await first.claim(2);
    assert(a !== undefined && b !== undefined);
    await first.ack(a);
    await second.leave();
    await first.release(0, b);
    assertEquals(await first.claimIds(9), ["b"]);
    await first.enqueue(entries.of("a"));
    assertEquals(await first.claimIds(9), ["a"]);
  });

  testWithWorkers("claims that are out of date change nothing", async (workers) => {
    const { first, second, entries, at } = workers;
    await first.enqueue(entries.of("a"));
    const outdated = await first.claimOne();
    await first.release(at(0), outdated);
    // Queued, and claimed by nobody.
    await first.ack(outdated);
    await first.release(at(60), outdated);
    const current = await second.claimOne();
    await first.ack(outdated);
    await first.release(at(0), outdated, { id: "never queued", fence: 1 });
    assertEquals(await first.claim(9), []);
    assertEquals(await first.waiting(TASK.name, 9), 0);
    await second.ack(outdated, current);
    await first.release(at(0), current);
    assertEquals(await first.claim(9), []);
  });

  testWithWorkers("take() queues an entry as claimed already", async (workers) => {
    const { first, second, entries, at } = workers;
    const taken = await first.take(entries.of("a"), entries.of("b"), entries.of("c"));
    assertEquals(
      taken.map(({ id, lost }) => ({ id, lost })),
      ["a", "b", "c"].map((id) => ({ id, lost: 0 })),
    );
    const [a, b] = taken;
    assert(a !== undefined && b !== undefined);
    assertEquals(await second.claim(9), []);
    await first.remove("a", "b", "c");
    await first.ack(a);
    await first.release(at(0), b);
    assertEquals(await second.claimIds(9), ["b"]);
    await first.leave();
    assertEquals(await second.recover(), [{ id: "c", lost: 1 }]);
  });
}

function testQueue(testWithWorkers: TestWithWorkers): void {
  testWithWorkers("enqueue() in a transaction that fails queues nothing", async (workers) => {
    const { first, entries } = workers;
    await assertRejects(
      () =>
        first.transact(async (tx) => {
          await first.engine.enqueue([entries.of("a")], tx);
          throw new RangeError("no");
        }),
      RangeError,
    );
    assertEquals(await first.claim(1), []);
  });

  testWithWorkers("enqueue() leaves an entry that is queued already", async (workers) => {
    const { bed, first, entries, at } = workers;
    await first.enqueue(entries.of("a", { priority: 1 }), entries.of("later", { due: at(60) }));
    await first.enqueue(entries.of("a", { task: "other" }), entries.of("later"), entries.of("b"));
    assertEquals(await first.claimInTurn(9, TASK, OTHER), ["a", "b"]);
    bed.clock.advance(60);
    assertEquals(await first.claimInTurn(9), ["later"]);
  });

  testWithWorkers("enqueue() leaves an entry that is claimed", async (workers) => {
    const { first, second, entries } = workers;
    await first.enqueue(entries.of("a"));
    const claimed = await first.claimOne();
    await second.enqueue(entries.of("a"));
    assertEquals(await second.claim(9), []);
    await first.ack(claimed);
    assertEquals(await second.claim(9), []);
  });

  testWithWorkers("remove() takes out what is queued", async ({ bed, first, entries, at }) => {
    await first.enqueue(
      entries.of("a"),
      entries.of("b"),
      entries.of("later", { due: at(60) }),
      entries.of("still later", { due: at(61) }),
    );
    await first.remove("a", "later", "never queued");
    await first.remove();
    assertEquals(await first.claimIds(9), ["b"]);
    assertEquals(await first.nextDue(), at(61));
    bed.clock.advance(61);
    assertEquals(await first.claimIds(9), ["still later"]);
  });

  testWithWorkers("remove() leaves what is claimed", async ({ first, second, entries, at }) => {
    await first.enqueue(entries.of("a"));
    const claimed = await first.claimOne();
    await second.remove("a");
    await first.release(at(0), claimed);
    assertEquals(await second.claimIds(9), ["a"]);
  });

  testWithWorkers("waiting() counts what isn't claimed of a task", async (workers) => {
    const { first, entries, at } = workers;
    await first.enqueue(
      ...entries.many(2, "a"),
      ...entries.many(3, "later", { due: at(60) }),
      ...entries.many(3, "key", { concurrencyKey: "k" }),
      ...entries.many(7, "other", { task: "other" }),
    );
    assertEquals(await first.waiting(TASK.name, 100), 8);
    // One of the key; the other two are in nobody's way.
    assertEquals((await first.claim(9)).length, 3);
    assertEquals(await first.waiting(TASK.name, 100), 5);
    assertEquals(await first.waiting(TASK.name, 5), 5);
    assertEquals(await first.waiting(TASK.name, 4), 4);
    assertEquals(await first.waiting("other", 100), 7);
    assertEquals(await first.waiting("none", 100), 0);
  });

  testWithWorkers("nextDue() is the time of what must wait", async (workers) => {
    const { bed, first, entries, at } = workers;
    assertEquals(await first.nextDue(), null);
    await first.enqueue(entries.of("a"));
    assertEquals(await first.nextDue(), null);
    await first.enqueue(
      entries.of("b", { due: at(60) }),
      entries.of("c", { due: at(30), task: "other" }),
    );
    assertEquals(await first.nextDue(), at(30));
    bed.clock.advance(30);
    await first.claim(9);
    assertEquals(await first.nextDue(), at(30));
    bed.clock.advance(30);
    await first.claim(9);
    assertEquals(await first.nextDue(), null);
  });

  testWithWorkers("hasDue() tells whether something may be claimed", async (workers) => {
    const { bed, first, second, entries, at } = workers;
    assertEquals(await second.engine.hasDue(), false);
    await first.enqueue(entries.of("later", { due: at(60) }));
    assertEquals(await second.engine.hasDue(), false);
    bed.clock.advance(60);
    assertEquals(await second.engine.hasDue(), true);
    const claimed = await first.claimOne();
    assertEquals(await second.engine.hasDue(), false);
    await first.enqueue(entries.of("a"));
    assertEquals(await second.engine.hasDue(), true);
    await first.ack(claimed, await first.claimOne());
    await first.enqueue(...entries.many(3, "key", { concurrencyKey: "k" }));
    await first.claim(3);
    // The rest waits for its key.
    assertEquals(await second.engine.hasDue(), false);
  });
}
