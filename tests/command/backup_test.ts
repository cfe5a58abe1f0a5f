import { Database as Sqlite } from "bun:sqlite";
import { setDefaultTimeout, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { assert, assertEquals, assertFalse, assertGreater } from "@std/assert";
import { TroubledService } from "../service/trouble/troubled_service.ts";
import { TemporaryFolder } from "../storage/databases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(120_000);

const MAIN = join(import.meta.dir, "../../lib/command/main.ts");
/** More than its service has slots. */
const WAITING = 15;

function taskmount(...args: string[]) {
  return Bun.spawn([process.execPath, MAIN, ...args], { stdout: "pipe", stderr: "pipe" });
}

/** Puts so many megabytes into a database, so that a backup takes its time. */
function enlarge(path: string, megabytes: number): void {
  using database = new Sqlite(path, { readwrite: true });
  database.run("PRAGMA busy_timeout = 10000");
  database.run("CREATE TABLE weight (id INTEGER PRIMARY KEY, bytes BLOB)");
  const insert = database.prepare("INSERT INTO weight (bytes) VALUES (randomblob(1000000))");
  for (let megabyte = 0; megabyte < megabytes; megabyte++) insert.run();
}

/** What is written beside a backup until all of it is there. */
async function partials(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".partial"));
}

/** Resolves when a backup into the folder has begun, and is not at its end. */
async function begun(folder: string): Promise<void> {
  for (;;) {
    const [partial] = await partials(folder);
    if (partial !== undefined && statSync(join(folder, partial)).size > 1_000_000) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Submits and executes as fast as it is answered, until it is told to stop. */
class Load {
  /** Jobs that were acknowledged. */
  readonly acknowledged: string[] = [];
  executed = 0;
  readonly #service: TroubledService;
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(service: TroubledService) {
    this.#service = service;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const { status, body } = await this.#service.submit("count");
      assertEquals(status, 202);
      this.acknowledged.push(body.id);
      assertEquals((await this.#service.execute("add", { text: "a" })).body.error, null);
      this.executed += 1;
    }
  }
}

test("a database is backed up while its service is under load, and restored", async () => {
  await using folder = await TemporaryFolder.create();
  await using target = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const backup = target.file("backup.db");
  const acknowledged: string[] = [];
  {
    await using service = await TroubledService.start({ path });
    enlarge(path, 150);
    for (let job = 0; job < WAITING; job++) {
      acknowledged.push((await service.submit("wait")).body.id);
    }
    const load = new Load(service);

    // Killed half-way, it leaves nothing that could be taken for a backup.
    const killed = taskmount("backup", path, backup);
    await begun(target.path);
    killed.kill("SIGKILL");
    await killed.exited;
    assertFalse(existsSync(backup));
    for (const partial of await partials(target.path)) await rm(target.file(partial));

    // Interrupted, it cleans up.
    const interrupted = taskmount("backup", path, backup);
    await begun(target.path);
    interrupted.kill("SIGINT");
    assertEquals(await interrupted.exited, 1);
    assertEquals(await interrupted.stderr.text(), "taskmount: interrupted by SIGINT\n");
    assertEquals(await partials(target.path), []);
    assertFalse(existsSync(backup));

    acknowledged.push(...load.acknowledged);
    const executedBefore = load.executed;
    const command = taskmount("backup", path, backup);
    await begun(target.path);
    const answeredBy = load.acknowledged.length;
    const [code, complaints] = await Promise.all([command.exited, command.stderr.text()]);
    assertEquals([code, complaints], [0, ""]);
    // It has kept nobody from writing.
    assertGreater(load.acknowledged.length, answeredBy);
    await load.stop();
    assertGreater(executedBefore, 0);
    service.kill("SIGKILL");
    await service.exited;
  }

  {
    using copy = new Sqlite(backup, { readonly: true });
    assertEquals(copy.query("PRAGMA integrity_check").values(), [["ok"]]);
    const rows = copy.query<{ id: string }, []>("SELECT id FROM taskmount_jobs").all();
    const kept = new Set(rows.map(({ id }) => id));
    assertEquals(
      acknowledged.filter((id) => !kept.has(id)),
      [],
    );
  }

  // As the guide says: stop, move the file, remove what was beside the old one, start.
  await rename(backup, path);
  for (const beside of [`${path}-wal`, `${path}-shm`]) await rm(beside, { force: true });
  await using service = await TroubledService.start({ path });
  assertEquals(service.failure, undefined);
  assertEquals((await service.get("/health")).body.status, "healthy");
  service.send("go");
  for (const id of acknowledged) {
    const record = await service.end(id);
    assertEquals([id, record.status], [id, "completed"]);
    assert(record.attempt <= 2);
  }
});
