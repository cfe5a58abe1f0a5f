import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { Changes } from "../../lib/jobs/changes.ts";

/** Changes whose database is the test. */
class Bed {
  readonly revisions = new Map<string, number>();
  /** The ids for whose revisions it was asked, each time. */
  readonly asked: string[][] = [];
  /** How often it has begun to listen. */
  began = 0;
  /** Those who listen now. */
  readonly listening = new Set<() => void>();
  /** Why nobody can listen, or nothing be read. */
  failure: Error | undefined;
  /** What reading the revisions waits for. */
  gate: Promise<void> = Promise.resolve();
  /** The ids of those that were woken since they were taken last. */
  readonly #woken: string[] = [];
  readonly changes = new Changes({
    listen: async (onChange) => {
      this.began += 1;
      if (this.failure !== undefined) throw this.failure;
      const listener = () => onChange();
      this.listening.add(listener);
      return { [Symbol.dispose]: () => void this.listening.delete(listener) };
    },
    revisions: async (ids) => {
      this.asked.push([...ids]);
      await this.gate;
      if (this.failure !== undefined) throw this.failure;
      return new Map(
        ids.flatMap((id) => {
          const revision = this.revisions.get(id);
          return revision === undefined ? [] : [[id, revision]];
        }),
      );
    },
  });

  constructor(revisions: Readonly<Record<string, number>> = {}) {
    for (const [id, revision] of Object.entries(revisions)) this.revisions.set(id, revision);
  }

  watch(id: string, name = id): Disposable {
    return this.changes.watch(id, () => this.#woken.push(name));
  }

  /** Those that were woken since the last time. */
  takeWoken(): string[] {
    return this.#woken.splice(0).toSorted();
  }

  /** Another process has changed something; resolves once all has followed that does. */
  async change(): Promise<void> {
    for (const listener of this.listening) listener();
    await settled();
  }
}

/** Resolves when all has happened that needs no event from outside. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("notify() wakes those who watch one of these jobs", () => {
  const bed = new Bed();
  using _a = bed.watch("a", "a1");
  using _again = bed.watch("a", "a2");
  using _b = bed.watch("b");
  bed.changes.notify(["a", "c"]);
  assertEquals(bed.takeWoken(), ["a1", "a2"]);
  bed.changes.notify(new Set(["a", "b"]));
  assertEquals(bed.takeWoken(), ["a1", "a2", "b"]);
  bed.changes.notify([]);
  assertEquals(bed.takeWoken(), []);
});

test("who watches no more is not woken", async () => {
  const bed = new Bed({ a: 1 });
  const first = bed.watch("a", "a1");
  using _second = bed.watch("a", "a2");
  await settled();
  first[Symbol.dispose]();
  bed.changes.notify(["a"]);
  await bed.change();
  assertEquals(bed.takeWoken(), ["a2", "a2"]);
});

test("watching may end twice, and others go on", () => {
  const bed = new Bed();
  const first = bed.watch("a", "a1");
  first[Symbol.dispose]();
  using _second = bed.watch("a", "a2");
  first[Symbol.dispose]();
  bed.changes.notify(["a"]);
  assertEquals(bed.takeWoken(), ["a2"]);
});

test("who is woken may watch no more, and others are woken all the same", () => {
  const bed = new Bed();
  const woken: string[] = [];
  const watch = (name: string) => {
    const watching = bed.changes.watch("a", () => {
      woken.push(name);
      watching[Symbol.dispose]();
    });
  };
  for (const name of ["1", "2", "3"]) watch(name);
  bed.changes.notify(["a"]);
  bed.changes.notify(["a"]);
  assertEquals(woken, ["1", "2", "3"]);
});

test("it listens to other processes while somebody watches, once", async () => {
  const bed = new Bed();
  assertEquals(bed.began, 0);
  const watching = [bed.watch("a"), bed.watch("a"), bed.watch("b")];
  await settled();
  assertEquals({ began: bed.began, listening: bed.listening.size }, { began: 1, listening: 1 });
  for (const each of watching.slice(1)) each[Symbol.dispose]();
  await settled();
  assertEquals(bed.listening.size, 1);
  watching[0]?.[Symbol.dispose]();
  await settled();
  assertEquals(bed.listening.size, 0);
  using _again = bed.watch("a");
  await settled();
  assertEquals({ began: bed.began, listening: bed.listening.size }, { began: 2, listening: 1 });
});

test("it listens no more where watching ended before it could begin", async () => {
  const bed = new Bed();
  bed.watch("a")[Symbol.dispose]();
  using _next = bed.watch("a");
  await settled();
  assertEquals({ began: bed.began, listening: bed.listening.size }, { began: 2, listening: 1 });
});

test("another process's change wakes whose revision it has changed", async () => {
  const bed = new Bed({ a: 1, b: 1 });
  using _a = bed.watch("a");
  using _b = bed.watch("b");
  await settled();
  // What it was when the watching began nobody knows.
  await bed.change();
  assertEquals(bed.takeWoken(), ["a", "b"]);
  await bed.change();
  assertEquals(bed.takeWoken(), []);
  bed.revisions.set("b", 2);
  await bed.change();
  assertEquals(bed.takeWoken(), ["b"]);
  assertEquals(bed.asked, Array(3).fill(["a", "b"]));
});

test("another process's change wakes who watches a job that is gone", async () => {
  const bed = new Bed({ a: 1, b: 1 });
  using _a = bed.watch("a");
  using _b = bed.watch("b");
  await settled();
  await bed.change();
  bed.takeWoken();
  bed.revisions.delete("a");
  await bed.change();
  assertEquals(bed.takeWoken(), ["a"]);
});

test("a change that is heard during a look is looked for once more", async () => {
  const bed = new Bed({ a: 1 });
  using _a = bed.watch("a");
  await settled();
  const { promise, resolve } = Promise.withResolvers<void>();
  bed.gate = promise;
  for (let i = 0; i < 3; i += 1) await bed.change();
  assertEquals(bed.asked.length, 1);
  resolve();
  await settled();
  assertEquals(bed.asked.length, 2);
});

test("who begins to watch during a look is woken by it", async () => {
  const bed = new Bed({ a: 1, b: 1 });
  using _a = bed.watch("a");
  await settled();
  const { promise, resolve } = Promise.withResolvers<void>();
  bed.gate = promise;
  await bed.change();
  using _b = bed.watch("b");
  resolve();
  await settled();
  assertEquals(bed.takeWoken(), ["a", "b"]);
});

test("all are woken where the revisions can't be read", async () => {
  const bed = new Bed({ a: 1, b: 1 });
  using _a = bed.watch("a");
  using _b = bed.watch("b");
  await settled();
  await bed.change();
  bed.takeWoken();
  bed.failure = new Error("the disk is full");
  await bed.change();
  assertEquals(bed.takeWoken(), ["a", "b"]);
  bed.failure = undefined;
  await bed.change();
  // From nothing to 1 again.
  assertEquals(bed.takeWoken(), ["a", "b"]);
});

test("changes of this process are told where others can't be heard", async () => {
  const bed = new Bed();
  bed.failure = new Error("closed");
  const watching = bed.watch("a");
  await settled();
  bed.changes.notify(["a"]);
  assertEquals(bed.takeWoken(), ["a"]);
  watching[Symbol.dispose]();
  bed.failure = undefined;
  using _next = bed.watch("a");
  await settled();
  assertEquals({ began: bed.began, listening: bed.listening.size }, { began: 2, listening: 1 });
});
