import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, jest, setDefaultTimeout, test } from "bun:test";
import { EventEmitter } from "node:events";
import { symlinkSync } from "node:fs";
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { type FileWatcher, ForeignCommits } from "../../../lib/storage/sqlite/foreign_commits.ts";
import { Child } from "../child.ts";
import { TemporaryFolder } from "../databases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** Listens with a connection of its own, and counts what it is told. */
class Listener implements Disposable {
  readonly #path: string;
  readonly #commits: ForeignCommits;
  #connection: Database | undefined;
  #connections = 0;
  #wake: () => void = () => {};
  #seen = 0;
  calls = 0;

  constructor(path: string, { open = true }: { open?: boolean } = {}) {
    this.#path = path;
    if (open) this.open();
    this.#commits = new ForeignCommits({
      path,
      version: () => this.#version(),
      onCommit: () => {
        this.calls += 1;
        this.#seen = this.#count();
        this.#wake();
      },
    });
  }

  open(): void {
    this.#connection = new Database(this.#path, { create: true, readwrite: true });
    this.#connections += 1;
    this.run("PRAGMA busy_timeout = 10000");
    this.run("PRAGMA journal_mode = WAL");
    this.run("CREATE TABLE IF NOT EXISTS commits (id INTEGER PRIMARY KEY)");
  }

  close(): void {
    this.#connection?.close(true);
    this.#connection = undefined;
  }

  run(sql: string): void {
    this.#connection?.run(sql);
  }

  /** Waits until it was told when as many commits could be seen. */
  async sees(commits: number): Promise<void> {
    while (this.#seen !== commits) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  stop(): void {
    this.#commits[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.stop();
    this.close();
  }

  #count(): number {
    const count = this.#connection?.query<{ count: number }, []>(
      "SELECT count(*) AS count FROM commits",
    );
    return count?.get()?.count ?? 0;
  }

  #version(): number | undefined {
    const row = this.#connection?.query<{ data_version: number }, []>("PRAGMA data_version").get();
    // Two connections count by themselves.
    return row ? this.#connections * 1_000_000 + row.data_version : undefined;
  }
}

async function startWriter(path: string): Promise<Child> {
  const writer = new Child("foreign_writer.ts", [path]);
  assertEquals(await writer.line(), "ready");
  return writer;
}

/** Hears fifty commits one by one, which would take the poll alone more than eight seconds. */
async function hearsQuickly(listener: Listener, writer: Child, before: number): Promise<void> {
  const start = performance.now();
  for (let commit = 1; commit <= 50; commit += 1) {
    await writer.order("1");
    await listener.sees(before + commit);
  }
  assertLess(performance.now() - start, 5_000);
}

describe("with another process", () => {
  test("ForeignCommits hears each of its commits, once", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using writer = await startWriter(path);
    using listener = new Listener(path);
    await hearsQuickly(listener, writer, 0);
    assertEquals(listener.calls, 50);
  });

  test("ForeignCommits hears nothing of own commits", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using writer = await startWriter(path);
    using listener = new Listener(path);
    for (let commit = 0; commit < 50; commit += 1) {
      listener.run("INSERT INTO commits DEFAULT VALUES");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(listener.calls, 0);
    await writer.order("1");
    await listener.sees(51);
    assertEquals(listener.calls, 1);
  });

  test("ForeignCommits hears the last of a burst, and is called far less often", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using writer = await startWriter(path);
    using listener = new Listener(path);
    await writer.order("1000");
    await listener.sees(1_000);
    assertLess(listener.calls, 500);
  });

  test("ForeignCommits hears when the database didn't exist at construction", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    using listener = new Listener(path, { open: false });
    listener.open();
    await using writer = await startWriter(path);
    await writer.order("1");
    await listener.sees(1);
    await hearsQuickly(listener, writer, 1);
  });

  test("ForeignCommits hears after the log was deleted and made anew", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    using listener = new Listener(path);
    using beside = new Listener(path);
    listener.close();
    beside.close();
    assertEquals(await Bun.file(`${path}-wal`).exists(), false);
    await using writer = await startWriter(path);
    listener.open();
    beside.open();
    await hearsQuickly(listener, writer, 0);
    await beside.sees(50);
    await hearsQuickly(beside, writer, 50);
  });

  test("ForeignCommits hears through a link to the database", async () => {
    await using folder = await TemporaryFolder.create();
    const [path, link] = [folder.file("app.db"), folder.file("link.db")];
    await using writer = await startWriter(path);
    symlinkSync(path, link);
    using listener = new Listener(link);
    await hearsQuickly(listener, writer, 0);
  });

  test("dispose() ends it, and not what others hear", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using writer = await startWriter(path);
    using disposed = new Listener(path);
    using listener = new Listener(path);
    disposed.stop();
    await hearsQuickly(listener, writer, 0);
    assertEquals(disposed.calls, 0);
  });

  test("a process that does nothing but listen exits", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using _writer = await startWriter(path);
    await using child = new Child("foreign_listener.ts", [path]);
    assertEquals(await child.line(), "done");
    assertEquals(await child.exited, 0);
  });

  test("a process that does nothing but listen exits while others commit", async () => {
    await using folder = await TemporaryFolder.create();
    const path = folder.file("app.db");
    await using writer = await startWriter(path);
    writer.send("1000000000");
    await using child = new Child("foreign_listener.ts", [path, "hear"]);
    assertEquals(await child.line(), "done");
    assertEquals(await child.exited, 0);
  });
});

describe("by the clock", () => {
  /** A watcher that a test speaks for. */
  class ScriptedWatcher extends EventEmitter implements FileWatcher {
    readonly tell: () => void;
    closed = false;

    constructor(tell: () => void) {
      super();
      this.tell = tell;
    }

    close(): void {
      this.closed = true;
    }
  }

  /** Listens to what a test makes up. */
  class Scene implements Disposable {
    readonly watchers: ScriptedWatcher[] = [];
    readonly commits: ForeignCommits;
    version: number | undefined | Error;
    looks = 0;
    calls = 0;
    onCommit: () => void = () => {};
    onWatch: () => void = () => {};
    failure: Error | undefined;

    constructor(given: { version?: number | undefined; failure?: Error } = {}) {
      this.version = "version" in given ? given.version : 1;
      this.failure = given.failure;
      this.commits = new ForeignCommits({
        path: import.meta.path,
        version: () => {
          this.looks += 1;
          if (this.version instanceof Error) throw this.version;
          return this.version;
        },
        onCommit: () => {
          this.calls += 1;
          this.onCommit();
        },
        watch: (_file, tell) => {
          if (this.failure !== undefined) throw this.failure;
          this.onWatch();
          const watcher = new ScriptedWatcher(tell);
          this.watchers.push(watcher);
          return watcher;
        },
      });
    }

    get open(): ScriptedWatcher[] {
      return this.watchers.filter((watcher) => !watcher.closed);
    }

    commit(): void {
      this.version = Number(this.version) + 1;
    }

    tell(): void {
      this.watchers.at(-1)?.tell();
    }

    [Symbol.dispose](): void {
      this.commits[Symbol.dispose]();
    }
  }

  beforeEach(() => {
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test("a thousand events cost one look, and a few more when they are over", () => {
    using scene = new Scene();
    const before = scene.looks;
    const told = scene.watchers[0];
    for (let event = 0; event < 1_000; event += 1) {
      scene.commit();
      told?.tell();
    }
    assertEquals(scene.looks, before + 1);
    assertEquals(scene.calls, 1);
    jest.advanceTimersByTime(500);
    assertEquals(scene.looks, before + 6);
    assertEquals(scene.calls, 2);
    assertEquals(jest.getTimerCount(), 1);
  });

  test("while it is told of own commits only, it watches ever less, and looks on", () => {
    using scene = new Scene();
    jest.advanceTimersByTime(200);
    const before = { watchers: scene.watchers.length, looks: scene.looks };
    for (let millisecond = 0; millisecond < 1_000; millisecond += 1) {
      // A watcher that was closed tells nothing any more.
      scene.tell();
      jest.advanceTimersByTime(1);
    }
    assertLess(scene.watchers.length - before.watchers, 30);
    assertGreater(scene.looks - before.looks, 250);
    assertEquals(scene.calls, 0);
    // A foreign one is seen no later than by the next look.
    scene.commit();
    jest.advanceTimersByTime(4);
    assertEquals(scene.calls, 1);
  });

  test("a commit is seen that becomes visible after its event", () => {
    for (const delay of [4, 20, 100]) {
      using scene = new Scene();
      jest.advanceTimersByTime(200);
      scene.tell();
      jest.advanceTimersByTime(delay - 1);
      scene.commit();
      jest.advanceTimersByTime(1);
      assertEquals(scene.calls, 1, `${delay} ms`);
    }
  });

  test("a commit is seen that becomes visible after construction", () => {
    using scene = new Scene();
    scene.commit();
    jest.advanceTimersByTime(1);
    assertEquals(scene.calls, 1);
  });

  test("a commit is seen whose event came while the log wasn't watched", () => {
    using scene = new Scene();
    scene.tell();
    assertEquals(scene.open, []);
    scene.onWatch = () => scene.commit();
    jest.advanceTimersByTime(4);
    assertEquals(scene.open.length, 1);
    assertEquals(scene.calls, 1);
  });

  test("a version that can't be told is asked for again", () => {
    for (const untold of [undefined, new Error("database is locked")]) {
      using scene = new Scene();
      scene.version = untold;
      scene.tell();
      jest.advanceTimersByTime(10);
      assertEquals(scene.calls, 0);
      scene.version = 2;
      jest.advanceTimersByTime(100);
      assertEquals(scene.calls, 1);
    }
  });

  test("where nothing can be watched, the poll finds the commit, and watches once it can", () => {
    using scene = new Scene({ failure: new Error("ENOSPC: no space left on device, watch") });
    jest.advanceTimersByTime(500);
    scene.commit();
    jest.advanceTimersByTime(499);
    assertEquals(scene.calls, 0);
    jest.advanceTimersByTime(1);
    assertEquals(scene.calls, 1);
    scene.failure = undefined;
    jest.advanceTimersByTime(1_010);
    assertEquals(scene.open.length, 1);
  });

  test("a watcher that fails is closed, and another one follows with the next poll", () => {
    using scene = new Scene();
    scene.watchers[0]?.emit("error", new Error("EIO"));
    assertEquals(scene.open, []);
    jest.advanceTimersByTime(1_010);
    assertEquals([scene.watchers.length, scene.open.length], [2, 1]);
  });

  test("a watcher that hears nothing is replaced when the poll finds a commit", () => {
    using scene = new Scene();
    jest.advanceTimersByTime(500);
    scene.commit();
    jest.advanceTimersByTime(510);
    assertEquals(scene.calls, 1);
    assertEquals([scene.watchers.length, scene.open.length], [2, 1]);
    jest.advanceTimersByTime(10_000);
    assertEquals(scene.watchers.length, 2);
  });

  test("the first version that can be told counts as a commit", () => {
    using scene = new Scene({ version: undefined });
    jest.advanceTimersByTime(500);
    assertEquals(scene.calls, 0);
    scene.version = 1;
    jest.advanceTimersByTime(500);
    assertEquals(scene.calls, 1);
  });

  test("what onCommit throws is dropped, and the next commit heard", () => {
    using scene = new Scene();
    scene.onCommit = () => {
      throw new Error("a listener's own");
    };
    for (const calls of [1, 2]) {
      scene.commit();
      scene.tell();
      jest.advanceTimersByTime(200);
      assertEquals(scene.calls, calls);
    }
  });

  test("dispose() leaves no watcher and no timer", () => {
    for (const rest of [1, 2, 10, 500]) {
      using scene = new Scene();
      scene.tell();
      jest.advanceTimersByTime(rest);
      scene.commits[Symbol.dispose]();
      assertEquals([scene.open.length, jest.getTimerCount()], [0, 0]);
    }
  });

  test("dispose() inside onCommit leaves none either", () => {
    for (const hear of ["an event", "a look after it", "the last look", "the poll"]) {
      using scene = new Scene();
      let looks: number | undefined;
      scene.onCommit = () => {
        scene.commits[Symbol.dispose]();
        looks = scene.looks;
      };
      if (hear === "an event") scene.commit();
      if (hear !== "the poll") scene.tell();
      if (hear === "the last look") jest.advanceTimersByTime(50);
      if (hear === "the poll") jest.advanceTimersByTime(500);
      if (hear !== "an event") scene.commit();
      jest.advanceTimersByTime(2_000);
      assertEquals([scene.calls, scene.open.length, jest.getTimerCount()], [1, 0, 0], hear);
      assertEquals(scene.looks, looks, hear);
    }
  });
});
