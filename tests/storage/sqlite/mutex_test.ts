import { test } from "bun:test";
import { assertEquals, assertLess } from "@std/assert";
import { Mutex } from "../../../lib/storage/sqlite/mutex.ts";

test("acquire() grants the lock in the order in which it was asked for", async () => {
  const mutex = new Mutex();
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (turn) => {
      await mutex.acquire();
      order.push(turn);
      await Promise.resolve();
      assertEquals(order.at(-1), turn);
      mutex.release();
    }),
  );
  assertEquals(order, [1, 2, 3, 4]);
});

test("acquire() takes a free lock at once", () => {
  const mutex = new Mutex();
  assertEquals(mutex.acquire(), undefined);
  mutex.release();
  assertEquals(mutex.acquire(), undefined);
});

test("acquire() waits in line behind those who came after the queue was empty once", async () => {
  const mutex = new Mutex();
  const order: string[] = [];
  const enter = async (name: string) => {
    await mutex.acquire();
    order.push(name);
    mutex.release();
  };
  await Promise.all([enter("a"), enter("b")]);
  await Promise.all([enter("c"), enter("d"), enter("e")]);
  assertEquals(order, ["a", "b", "c", "d", "e"]);
});

test("release() takes the same time however many wait", async () => {
  const timeFor = async (waiters: number) => {
    const mutex = new Mutex();
    await mutex.acquire();
    const turns = Array.from({ length: waiters }, async () => {
      await mutex.acquire();
      mutex.release();
    });
    const start = performance.now();
    mutex.release();
    await Promise.all(turns);
    return performance.now() - start;
  };
  await timeFor(1_000);
  // A queue that moves every waiter for each release takes minutes.
  assertLess(await timeFor(200_000), 5_000);
});
