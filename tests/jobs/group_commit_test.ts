import { test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { GroupCommit, type Work } from "../../lib/jobs/group_commit.ts";
import {
  Database,
  DatabaseBusyError,
  DatabaseClosedError,
  prepare,
  type Statements,
} from "../../lib/storage/mod.ts";
import { createEntries, type Tables, texts } from "../storage/databases.ts";

/** A database whose transactions are counted. */
class Bed implements AsyncDisposable {
  readonly database = Database.sqlite(":memory:");
  readonly commits: GroupCommit;
  /** Those that were begun, failed ones too. */
  transactions = 0;
  readonly #insert;

  constructor() {
    const unit = this.database.unit.bind(this.database);
    this.database.unit = (work) => {
      this.transactions += 1;
      return unit(work);
    };
    this.commits = new GroupCommit(this.database);
    this.#insert = prepare<Tables, { text: string }>(this.database.kysely<Tables>())(
      (db, parameter) => db.insertInto("entries").values({ text: parameter("text") }),
    );
  }

  static async create(): Promise<Bed> {
    const bed = new Bed();
    await createEntries(bed.database);
    return bed;
  }

  /** Work that inserts a text, and gives it. */
  insert(text: string): Work<string> {
    return async (tx) => {
      await this.#insert.all(tx, { text });
      return text;
    };
  }

  texts(): Promise<string[]> {
    return texts(this.database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
  }
}

test("run() commits together what arrives together, in order", async () => {
  await using bed = await Bed.create();
  const all = ["c", "a", "b"];
  const results = await Promise.all(all.map((text) => bed.commits.run(bed.insert(text))));
  assertEquals(results, all);
  assertEquals(await bed.texts(), all);
  assertEquals(bed.transactions, 1);
});

test("run() commits together what arrives while a commit goes on", async () => {
  await using bed = await Bed.create();
  const arriving: Promise<string>[] = [];
  await bed.commits.run(async (tx) => {
    for (const text of ["b", "c", "d"]) arriving.push(bed.commits.run(bed.insert(text)));
    return await bed.insert("a")(tx);
  });
  await Promise.all(arriving);
  assertEquals(await bed.texts(), ["a", "b", "c", "d"]);
  assertEquals(bed.transactions, 2);
});

test("run() commits together what those write next who were answered together", async () => {
  await using bed = await Bed.create();
  await Promise.all(
    ["a", "b", "c"].map(async (text) => {
      for (const round of [1, 2, 3, 4]) await bed.commits.run(bed.insert(`${text}${round}`));
    }),
  );
  assertEquals(bed.transactions, 4);
});

test("run() takes work that isn't async", async () => {
  await using bed = await Bed.create();
  assertEquals(await bed.commits.run(() => 7), 7);
  await assertRejects(
    () =>
      bed.commits.run(() => {
        throw new RangeError("not async");
      }),
    RangeError,
  );
});

test("run() resolves after the commit", async () => {
  await using bed = await Bed.create();
  let isAnswered = false;
  const written = bed.commits.run(bed.insert("a")).then(async () => {
    isAnswered = true;
    return await bed.texts();
  });
  // In the same transaction: the first has written by now.
  const seen = await bed.commits.run(async () => ({ texts: await bed.texts(), isAnswered }));
  assertEquals(seen, { texts: [], isAnswered: false });
  assertEquals(await written, ["a"]);
});

test("work that fails fails alone, and the rest of its group is written once", async () => {
  await using bed = await Bed.create();
  const failure = new RangeError("no");
  const runs: string[] = [];
  const run = (text: string) =>
    bed.commits.run(async (tx) => {
      runs.push(text);
      await bed.insert(text)(tx);
      if (text === "c") throw failure;
      return text;
    });
  const [a, b, c, d] = await Promise.allSettled(["a", "b", "c", "d"].map(run));
  assertEquals(
    [a, b, d].map((settled) => settled?.status),
    Array(3).fill("fulfilled"),
  );
  assert(c?.status === "rejected");
  assertStrictEquals(c.reason, failure);
  assertEquals(await bed.texts(), ["a", "b", "d"]);
  // Together first, which failed with the third.
  assertEquals(runs, ["a", "b", "c", "a", "b", "c", "d"]);
});

test("a statement that fails fails its own work alone", async () => {
  await using bed = await Bed.create();
  await bed.commits.run(bed.insert("taken"));
  const settled = await Promise.allSettled(
    ["a", "taken", "b", "taken"].map((text) => bed.commits.run(bed.insert(text))),
  );
  assertEquals(
    settled.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "rejected"],
  );
  assertEquals(await bed.texts(), ["taken", "a", "b"]);
});

test("what arrives after work that failed comes after its group", async () => {
  await using bed = await Bed.create();
  const runs: string[] = [];
  const run = (text: string) =>
    bed.commits.run(() => {
      runs.push(text);
      if (text === "a") throw new RangeError("no");
    });
  const first = run("a").catch(() => run("later"));
  await Promise.all([first, run("b"), run("c")]);
  assertEquals(runs, ["a", "a", "b", "c", "later"]);
});

test("work that fails on its own runs once", async () => {
  await using bed = await Bed.create();
  let runs = 0;
  await assertRejects(
    () =>
      bed.commits.run(() => {
        runs += 1;
        throw new RangeError("no");
      }),
    RangeError,
  );
  assertEquals({ runs, transactions: bed.transactions }, { runs: 1, transactions: 1 });
});

test("runBatched() writes neighbours of one batch together, each with its own result", async () => {
  await using bed = await Bed.create();
  const calls: (readonly string[])[] = [];
  const batch = (name: string) => async (texts: readonly string[], tx: Statements) => {
    calls.push([name, ...texts]);
    for (const text of texts) await bed.insert(text)(tx);
    return texts.map((text) => `${name}: ${text}`);
  };
  const first = batch("first");
  const second = batch("second");
  const results = await Promise.all([
    bed.commits.runBatched(first, "a"),
    bed.commits.runBatched(first, "b"),
    bed.commits.runBatched(second, "c"),
    bed.commits.run(bed.insert("d")),
    bed.commits.runBatched(first, "e"),
  ]);
  assertEquals(results, ["first: a", "first: b", "second: c", "d", "first: e"]);
  assertEquals(calls, [
    ["first", "a", "b"],
    ["second", "c"],
    ["first", "e"],
  ]);
  assertEquals(await bed.texts(), ["a", "b", "c", "d", "e"]);
  assertEquals(bed.transactions, 1);
});

test("what fails in a batch fails alone", async () => {
  await using bed = await Bed.create();
  const batch = async (texts: readonly string[], tx: Statements) => {
    for (const text of texts) await bed.insert(text)(tx);
    if (texts.includes("b")) throw new RangeError("no");
    return texts;
  };
  const settled = await Promise.allSettled(
    ["a", "b", "c"].map((text) => bed.commits.runBatched(batch, text)),
  );
  assertEquals(
    settled.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assertEquals(await bed.texts(), ["a", "c"]);
});

test("run() lets timers run under endless load", async () => {
  await using bed = await Bed.create();
  const began = performance.now();
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 1);
  const load = async (name: string) => {
    // Bounded, since no timer could end it.
    for (let i = 0; !fired && performance.now() - began < 3_000; i += 1) {
      await bed.commits.run(bed.insert(`${name}${i}`));
    }
  };
  await Promise.all(["a", "b", "c"].map(load));
  assert(fired, "no timer has run for three seconds");
});

test("run() doesn't make one transaction of any number", async () => {
  await using bed = await Bed.create();
  let running = 0;
  const most: number[] = [];
  const unit = bed.database.unit;
  bed.database.unit = async (work) => {
    running = 0;
    try {
      return await unit(work);
    } finally {
      most.push(running);
    }
  };
  const count = () => {
    running += 1;
  };
  await Promise.all(Array.from({ length: 2_500 }, () => bed.commits.run(count)));
  assertEquals(most, [1_000, 1_000, 500]);
});

test("a database that was closed refuses each, now and later", async () => {
  const bed = await Bed.create();
  await bed.commits.run(bed.insert("a"));
  await bed.database.close();
  const run = () => bed.commits.run(bed.insert("b"));
  await assertRejects(run, DatabaseClosedError);
  for (const settled of await Promise.allSettled([run(), run(), run()])) {
    assert(settled.status === "rejected");
    assert(settled.reason instanceof DatabaseClosedError);
  }
  await assertRejects(run, DatabaseClosedError);
});

test("what could not be written once can be the next time", async () => {
  await using bed = await Bed.create();
  const unit = bed.database.unit;
  bed.database.unit = () => Promise.reject(new DatabaseBusyError("sqlite:app.db", 15));
  const refused = ["a", "b"].map((text) => bed.commits.run(bed.insert(text)));
  for (const { status } of await Promise.allSettled(refused)) assertEquals(status, "rejected");
  bed.database.unit = unit;
  assertEquals(await bed.commits.run(bed.insert("c")), "c");
  assertEquals(await bed.texts(), ["c"]);
});

test("work runs outside the transaction of whoever asks for it", async () => {
  await using bed = await Bed.create();
  let written: Promise<string> | undefined;
  await bed.database.transaction(async (tx) => {
    // Not awaited here: it waits for this transaction to end.
    written = bed.commits.run(bed.insert("after"));
    await tx.kysely<Tables>().insertInto("entries").values({ text: "before" }).execute();
  });
  assertEquals(await written, "after");
  assertEquals(await bed.texts(), ["before", "after"]);
});

test("work runs in no context, and whoever waits for it goes on in its own", async () => {
  await using bed = await Bed.create();
  const storage = new AsyncLocalStorage<string>();
  const seen = await Promise.all(
    ["a", "b"].map((name) =>
      storage.run(name, async () => {
        const inside = await bed.commits.run(() => storage.getStore());
        return [inside, storage.getStore()];
      }),
    ),
  );
  assertEquals(seen, [
    [undefined, "a"],
    [undefined, "b"],
  ]);
});
