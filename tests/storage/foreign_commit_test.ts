import { setDefaultTimeout, test } from "bun:test";
import { assertEquals, assertRejects } from "@std/assert";
import { Database, DatabaseClosedError } from "../../lib/storage/mod.ts";
import { createEntries, insert, type Tables, TemporaryFolder } from "./databases.ts";

// The system may take its time to tell of a write, where the machine is busy.
setDefaultTimeout(60_000);

/** Two processes' handles on one file, as far as commits go. */
class Bed implements AsyncDisposable {
  readonly own: Database;
  readonly foreign: Database;
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.own = Database.sqlite(folder.file("app.db"));
    this.foreign = Database.sqlite(folder.file("app.db"));
  }

  static async create(): Promise<Bed> {
    const bed = new Bed(await TemporaryFolder.create());
    await createEntries(bed.own);
    // Opened, so that opening it commits nothing later.
    await bed.foreign.kysely<Tables>().selectFrom("entries").selectAll().execute();
    return bed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _folder = this.#folder;
    await this.own.close();
    await this.foreign.close();
  }
}

/** A listener that counts its calls, and can be waited for. */
class Listener {
  calls = 0;
  #next = Promise.withResolvers<void>();
  readonly call = (): void => {
    this.calls += 1;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  };

  /** The next call. */
  get next(): Promise<void> {
    return this.#next.promise;
  }
}

test("onForeignCommit() tells of others' commits, not of its own", async () => {
  await using bed = await Bed.create();
  const listener = new Listener();
  using _listening = await bed.own.onForeignCommit(listener.call);
  await insert(bed.own, "own");
  await bed.own.unit(() => {});
  await bed.own.transaction((tx) => insert(tx, "own too"));
  assertEquals(listener.calls, 0);
  const heard = listener.next;
  await insert(bed.foreign, "foreign");
  await heard;
  assertEquals(listener.calls, 1);
});

test("onForeignCommit() tells every listener, one that was added twice too", async () => {
  await using bed = await Bed.create();
  const [first, second] = [new Listener(), new Listener()];
  const once = await bed.own.onForeignCommit(first.call);
  const again = await bed.own.onForeignCommit(first.call);
  using _second = await bed.own.onForeignCommit(second.call);
  const commit = async (name: string) => {
    const heard = second.next;
    await insert(bed.foreign, name);
    await heard;
  };
  await commit("a");
  assertEquals([first.calls, second.calls], [2, 1]);
  once[Symbol.dispose]();
  once[Symbol.dispose]();
  await commit("b");
  assertEquals([first.calls, second.calls], [3, 2]);
  again[Symbol.dispose]();
  await commit("c");
  assertEquals([first.calls, second.calls], [3, 3]);
});

test("onForeignCommit() listens anew when all have gone", async () => {
  await using bed = await Bed.create();
  const [first, second] = [new Listener(), new Listener()];
  (await bed.own.onForeignCommit(first.call))[Symbol.dispose]();
  using _second = await bed.own.onForeignCommit(second.call);
  const heard = second.next;
  await insert(bed.foreign, "a");
  await heard;
  assertEquals([first.calls, second.calls], [0, 1]);
});

test("onForeignCommit() tells nothing after close(), and refuses then", async () => {
  await using bed = await Bed.create();
  const [closed, witness] = [new Listener(), new Listener()];
  using _closed = await bed.own.onForeignCommit(closed.call);
  using _witness = await bed.foreign.onForeignCommit(witness.call);
  await bed.own.close();
  await assertRejects(() => bed.own.onForeignCommit(closed.call), DatabaseClosedError);
  await using other = Database.open(bed.foreign.url);
  const heard = witness.next;
  await insert(other, "a");
  await heard;
  assertEquals(closed.calls, 0);
});

/** Knows which intervals are running of those that were set while it is in use. */
class RunningIntervals implements Disposable {
  readonly running = new Set<unknown>();
  readonly #set = globalThis.setInterval;
  readonly #clear = globalThis.clearInterval;

  constructor() {
    const set = (...args: Parameters<typeof setInterval>) => {
      const timer = this.#set(...args);
      this.running.add(timer);
      return timer;
    };
    globalThis.setInterval = Object.assign(set as typeof setInterval, this.#set);
    const clear = (timer: Timer | undefined) => {
      this.running.delete(timer);
      this.#clear(timer);
    };
    globalThis.clearInterval = clear as typeof clearInterval;
  }

  [Symbol.dispose](): void {
    globalThis.setInterval = this.#set;
    globalThis.clearInterval = this.#clear;
  }
}

test("close() ends what listens", async () => {
  using intervals = new RunningIntervals();
  await using database = Database.sqlite(":memory:");
  const listening = await database.onForeignCommit(() => {});
  assertEquals(intervals.running.size, 1);
  await database.close();
  assertEquals(intervals.running.size, 0);
  listening[Symbol.dispose]();
});

test("onForeignCommit() refuses where the database is closed meanwhile", async () => {
  using intervals = new RunningIntervals();
  const database = Database.sqlite(":memory:");
  const listening = database.onForeignCommit(() => {});
  const closing = database.close();
  await assertRejects(() => listening, DatabaseClosedError);
  await closing;
  assertEquals(intervals.running.size, 0);
});

test("a database in memory has no commits but its own", async () => {
  await using database = Database.sqlite(":memory:");
  const listener = new Listener();
  using _listening = await database.onForeignCommit(listener.call);
  await createEntries(database);
  await insert(database, "a");
  assertEquals(listener.calls, 0);
});
