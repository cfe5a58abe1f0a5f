import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { LeaseLostError } from "../../lib/storage/mod.ts";
import { EngineWorker, TASK, type TestWithWorkers } from "./engine_worker.ts";

/** Declares the tests of workers that come, go and die. */
export function testLeases(testWithWorkers: TestWithWorkers): void {
  testWithWorkers("a worker without a lease claims nothing", async (workers) => {
    const { bed, first, second, entries, at } = workers;
    const process = bed.open();
    await first.enqueue(...entries.many(2, "a"), entries.of("later", { due: at(60) }));
    const claim = () => process.transact((tx) => process.engine.claim(2, [TASK], tx));
    const take = () => process.transact((tx) => process.engine.take([entries.of("b")], tx));
    const nextDue = () => process.transact((tx) => process.engine.nextDue(tx));
    assertEquals(await claim(), []);
    assertEquals(await nextDue(), null);
    await assertRejects(take, LeaseLostError);
    await second.leave();
    assertEquals(await second.claim(2), []);
    await assertRejects(() => second.take(entries.of("b")), LeaseLostError);
    assertEquals(await first.claimIds(9), ["a000", "a001"]);
  });

  testWithWorkers("a worker that lives has not ended", async ({ first, second, entries }) => {
    await first.enqueue(...entries.many(4, "a"));
    await first.claim(1);
    await second.claim(1);
    assertEquals(await first.engine.ended(), []);
    assertEquals(await second.engine.ended(), []);
  });

  testWithWorkers("of some workers it says which have ended", async ({ first, second }) => {
    const [one = "", two = ""] = [first.engine.worker, second.engine.worker];
    assertEquals(await first.engine.endedAmong([one, two]), []);
    assertEquals(await first.engine.endedAmong([]), []);
    await second.leave();
    assertEquals(second.engine.worker, undefined);
    assertEquals(await first.engine.endedAmong([one, two]), [two]);
    // Who has no lease knows nothing of others'.
    assertEquals(await second.engine.endedAmong([one, two]), []);
  });

  testWithWorkers("recover() queues again what a worker left", async (workers) => {
    const { first, second, entries, at } = workers;
    await first.enqueue(
      entries.of("a", { priority: 1 }),
      entries.of("b", { due: at(-1) }),
      entries.of("c"),
    );
    assertEquals(await second.claimInTurn(2), ["a", "b"]);
    assertEquals(await first.claimInTurn(9), ["c"]);
    // Who has seen that a worker lives hears of its end.
    assertEquals(await first.engine.ended(), []);
    await second.leave();
    await first.listener.hears("othersEnded");
    assertEquals((await first.engine.ended()).length, 1);
    assertEquals(await first.recover(), [
      { id: "a", lost: 1 },
      { id: "b", lost: 1 },
    ]);
    assertEquals(await first.engine.ended(), []);
    assertEquals(await first.recover(), []);
    const claims = [await first.claimOne(), await first.claimOne()];
    assertEquals(
      claims.map(({ id, lost }) => ({ id, lost })),
      [
        { id: "a", lost: 1 },
        { id: "b", lost: 1 },
      ],
    );
  });

  testWithWorkers("an entry counts how many workers it has lost", async (workers) => {
    const { first, second, entries, at } = workers;
    await first.enqueue(entries.of("a"));
    for (const lost of [1, 2, 3]) {
      await second.claimOne();
      await second.leave();
      assertEquals(await first.recover(), [{ id: "a", lost }]);
      await second.join();
    }
    const claimed = await first.claimOne();
    assertEquals(claimed.lost, 3);
    await first.release(at(0), claimed);
    const again = await second.claimOne();
    assertEquals(again.lost, 3);
    await second.ack(again);
    await first.enqueue(entries.of("a"));
    assertEquals((await first.claimOne()).lost, 0);
  });

  testWithWorkers("claims of a worker that has ended are out of date", async (workers) => {
    const { first, second, entries, at } = workers;
    await first.enqueue(entries.of("a"));
    const outdated = await second.claimOne();
    await second.leave();
    await first.recover();
    await second.ack(outdated);
    await second.release(at(60), outdated);
    const current = await first.claimOne();
    await second.ack(outdated);
    await second.release(at(0), outdated);
    assertEquals(await first.claim(9), []);
    await first.release(at(0), current);
    assertEquals(await first.claimIds(9), ["a"]);
  });

  testWithWorkers("recover() leaves what others have claimed", async (workers) => {
    const { bed, first, second, entries } = workers;
    await using third = await EngineWorker.join(bed);
    await first.enqueue(...entries.many(3, "a"));
    for (const worker of [first, second, third]) await worker.claimOne();
    await second.leave();
    assertEquals(await first.recover(), [{ id: "a001", lost: 1 }]);
    assertEquals(await third.claimIds(9), ["a001"]);
    await third.leave();
    assertEquals(
      (await first.recover()).map(({ id }) => id),
      ["a001", "a002"],
    );
  });

  testWithWorkers("a worker that joins again finds what it had left", async (workers) => {
    const { first, entries } = workers;
    await first.enqueue(...entries.many(2, "a"));
    const outdated = await first.claimOne();
    await first.leave();
    await first.join();
    assertEquals(await first.claimIds(9), ["a001"]);
    assertEquals((await first.engine.ended()).length, 1);
    assertEquals(await first.recover(), [{ id: "a000", lost: 1 }]);
    assertLess(outdated.fence, (await first.claimOne()).fence);
  });

  testWithWorkers("leave() may be called twice, and without join()", async ({ bed, first }) => {
    await first.leave();
    await first.leave();
    await bed.open().engine.leave();
  });

  testWithWorkers("a worker whose lease was lost hears of it and goes on", async (workers) => {
    const { bed, first, second, entries } = workers;
    if (bed.endLeaseOf === undefined) return;
    await first.enqueue(...entries.many(3, "a"));
    const outdated = await first.claimOne();
    await bed.endLeaseOf(outdated.id);
    await first.listener.hears("leaseLost");
    // With a lease again.
    await first.listener.hears("wake");
    assertEquals((await second.engine.ended()).length, 1);
    assertEquals(await second.recover(), [{ id: "a000", lost: 1 }]);
    await first.ack(outdated);
    assertEquals(await first.claimIds(9), ["a000", "a001", "a002"]);
    assertEquals(await second.engine.ended(), []);
  });

  testWithWorkers("a worker takes over what it had under a lost lease", async (workers) => {
    const { bed, first, second, entries } = workers;
    if (bed.endLeaseOf === undefined) return;
    await second.leave();
    await first.enqueue(entries.of("a"));
    const outdated = await first.claimOne();
    await bed.endLeaseOf(outdated.id);
    await first.listener.hears("leaseLost");
    await first.listener.hears("othersEnded");
    assertEquals(await first.recover(), [{ id: "a", lost: 1 }]);
    assertLess(outdated.fence, (await first.claimOne()).fence);
  });
}
