import { Database as File } from "bun:sqlite";
import { setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { readProcess } from "../../lib/shell/proc.ts";
import {
  DatabaseClosedError,
  DatabaseOpenError,
  LeaseLostError,
} from "../../lib/storage/errors.ts";
import { Database } from "../../lib/storage/mod.ts";
import { PrivateLeases } from "../../lib/storage/sqlite/private_lease.ts";
import { Lines } from "../lines.ts";
import { Child } from "./child.ts";
import { createEntries, insert, TemporaryFolder } from "./databases.ts";
import { Holder, hasExpired, LeaseFile, LONG, SHORT, Sleeper, until } from "./leases.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);
const testOnLinux = test.skipIf(process.platform !== "linux");

// For those that mostly wait for a lease's end.
const testTogether = test.concurrent;

/** Lets renewals fail, as on a full disk, and counts them in `failures`. */
const FAIL = `CREATE TRIGGER fail BEFORE UPDATE ON leases BEGIN
  INSERT INTO failures VALUES (1); SELECT RAISE(FAIL, 'full'); END`;

testTogether("a lease outlives a main thread that computes for three leases", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using other = await Holder.on(path);
  await using child = new Child("lease_holder.ts", [path, `${SHORT}`]);
  const id = await child.line();
  assertEquals(await other.lease.ended([id]), []);
  await child.order(`compute ${3 * SHORT * 1_000}`);
  assertEquals(await other.lease.ended([id]), []);
  assertEquals(other.heard, { lost: 0, othersEnded: 0 });
});

testTogether("a lease outlives a transaction that is open for three leases", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  await using holder = await Holder.on(path, SHORT);
  await using other = await Holder.on(path);
  using file = new LeaseFile(path);
  await database.transaction(async (tx) => {
    await insert(tx, "written");
    const end = Date.now() + 4 * SHORT * 1_000;
    await until(() => file.row(holder.lease.id).expires_at > end);
  });
  assertEquals(await other.lease.ended([holder.lease.id]), []);
  assertEquals(holder.heard, { lost: 0, othersEnded: 0 });
});

testTogether("a stopped process loses its lease to those who look, and hears of it", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using other = await Holder.on(path);
  await using child = new Child("lease_holder.ts", [path, `${SHORT}`]);
  const id = await child.line();
  child.kill("SIGSTOP");
  await other.hearsOf(id);
  child.kill("SIGCONT");
  assertEquals(await child.line(), "lost");
  // And nothing else.
  await child.order("goes on");
});

testTogether("a stopped process at which nobody looked renews its lease and goes on", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using child = new Child("lease_holder.ts", [path, `${SHORT}`]);
  const id = await child.line();
  child.kill("SIGSTOP");
  using file = new LeaseFile(path);
  await until(() => hasExpired(file.row(id)));
  child.kill("SIGCONT");
  await file.renewed(id);
  await file.renewed(id);
  await child.order("goes on");
});

testTogether("processes that were stopped together keep their leases", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using first = new Child("lease_holder.ts", [path, `${SHORT}`]);
  const ids = [await first.line()];
  await using second = new Child("lease_holder.ts", [path, `${SHORT}`]);
  ids.push(await second.line());
  for (const child of [first, second]) child.kill("SIGSTOP");
  using file = new LeaseFile(path);
  await until(() => ids.every((id) => hasExpired(file.row(id))));
  for (const child of [first, second]) child.kill("SIGCONT");
  await Promise.all(ids.map((id) => file.renewed(id)));
  await Promise.all(ids.map((id) => file.renewed(id)));
  for (const child of [first, second]) await child.order("goes on");
});

testTogether("a lease of another machine ends by time alone", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = await Holder.on(path);
  using file = new LeaseFile(path);
  const dead = Bun.spawnSync(["true"]).pid;
  const row = { ...file.row(holder.lease.id), pid: dead, started: "1" };
  const expires_at = Date.now() + 700;
  file.insert([
    { ...row, id: "here" },
    { ...row, id: "elsewhere", machine: "another boot", expires_at },
    { ...row, id: "anywhere", machine: "", expires_at },
  ]);
  await holder.hearsOf("here");
  assertEquals(await holder.lease.ended(["elsewhere", "anywhere"]), []);
  await Promise.all([holder.hearsOf("elsewhere"), holder.hearsOf("anywhere")]);
  assertGreaterOrEqual(Date.now(), expires_at);
});

testTogether("a lease that can't be renewed in time is lost", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = await Holder.on(path, SHORT);
  using file = new LeaseFile(path);
  file.file.run("CREATE TABLE failures (n)");
  file.file.run(FAIL);
  const { expires_at } = file.row(holder.lease.id);
  await until(() => holder.heard.lost > 0);
  assertGreaterOrEqual(Date.now(), expires_at);
  await assertRejects(() => holder.lease.ended([]), LeaseLostError, `${SHORT} seconds`);
  await holder.lease.release();
  assertEquals(holder.heard, { lost: 1, othersEnded: 0 });
});

test.concurrent("a killed process's lease ends long before its time", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using other = await Holder.on(path);
  await using child = new Child("lease_holder.ts", [path, `${LONG}`]);
  const id = await child.line();
  assertEquals(await other.lease.ended([id]), []);
  child.kill("SIGKILL");
  await other.hearsOf(id);
  assertEquals(other.heard, { lost: 0, othersEnded: 1 });
});

test.concurrent("what a dead predecessor left has ended once a lease is acquired", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const children = [1, 2].map(() => new Child("lease_holder.ts", [path, `${LONG}`]));
  const ids = await Promise.all(children.map((child) => child.line()));
  // With SIGKILL.
  for (const child of children) await child[Symbol.asyncDispose]();
  await using holder = await Holder.on(path);
  assertEquals(await holder.lease.ended([holder.lease.id, ...ids]), ids);
  assertEquals(holder.heard, { lost: 0, othersEnded: 1 });
});

test.concurrent("release() ends a lease for others at once", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using other = await Holder.on(path);
  const holder = await Holder.on(path);
  const { id } = holder.lease;
  assertEquals(await other.lease.ended(["never held", id]), ["never held"]);
  await Promise.all([holder.lease.release(), holder.lease.release()]);
  assertEquals(await other.lease.ended(["never held", id]), ["never held", id]);
  await until(() => other.heard.othersEnded > 0);
  await assertRejects(() => holder.lease.ended([id]), DatabaseClosedError, "app.db-workers");
  await holder.lease.release();
  assertEquals(holder.heard, { lost: 0, othersEnded: 0 });
});

test.concurrent("a lease doesn't keep its process alive", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using child = new Child("lease_idle.ts", [path, `${LONG}`]);
  const id = await child.line();
  assertEquals(await child.exited, 0);
  await using holder = await Holder.on(path);
  assertEquals(await holder.lease.ended([id]), [id]);
});

test.concurrent("whoever waits for an answer or for release() keeps the process alive", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using child = new Child("lease_idle.ts", [path, `${LONG}`, "release"]);
  await child.line();
  assertEquals(await child.line(), "released");
  assertEquals(await child.exited, 0);
});

testOnLinux("a process id that another process has got counts as dead", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using sleeper = new Sleeper(folder);
  await using holder = await Holder.on(path);
  using file = new LeaseFile(path);
  const { pid } = sleeper;
  const started = `${readProcess(pid)?.startedAt}`;
  const row = { ...file.row(holder.lease.id), pid, started };
  file.insert([
    { ...row, id: "alive" },
    { ...row, id: "reused", started: `${Number(started) - 1}` },
  ]);
  await holder.hearsOf("reused");
  assertEquals(await holder.lease.ended(["alive", "reused"]), ["reused"]);
});

testOnLinux("a dead process that nobody took note of counts as dead", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  const fixture = join(import.meta.dir, "fixtures/lease_idle.ts");
  // `sleep` inherits a child it knows nothing of.
  const script = `"$0" "$1" "$2" ${LONG} & exec sleep 1000`;
  const parent = Bun.spawn(["sh", "-c", script, process.execPath, fixture, path]);
  try {
    const id = await new Lines(parent.stdout).next();
    await using holder = await Holder.on(path);
    await holder.hearsOf(id);
  } finally {
    parent.kill("SIGKILL");
    await parent.exited;
  }
});

test.concurrent("ten processes that start at once on a fresh file all get a lease", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using children = new AsyncDisposableStack();
  const started = Array.from({ length: 10 }, () =>
    children.use(new Child("lease_holder.ts", [path, `${LONG}`])),
  );
  const ids = await Promise.all(started.map((child) => child.line()));
  assertEquals(new Set(ids).size, 10);
  await using holder = await Holder.on(path);
  assertEquals(await holder.lease.ended(ids), []);
});

test.concurrent("a file that another process is just making is awaited", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  // Without a write-ahead log yet, which SQLite now refuses to enable, without any wait.
  using file = new File(`${path}-workers`, { create: true, readwrite: true });
  file.run("BEGIN IMMEDIATE");
  const acquiring = Holder.on(path);
  await Promise.race([acquiring, Bun.sleep(200)]);
  file.run("COMMIT");
  await using holder = await acquiring;
  assertEquals(await holder.lease.ended([holder.lease.id]), []);
});

test.concurrent("two names of one database lead to the same leases", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using database = Database.sqlite(path);
  await createEntries(database);
  symlinkSync(path, folder.file("link.db"));
  await using one = await Holder.on(path);
  await using other = await Holder.on(folder.file("link.db"));
  assertEquals(await one.lease.ended([other.lease.id]), []);
  assertEquals(await other.lease.ended([one.lease.id]), []);
});

test.concurrent("a file that can't hold leases gives an error that names it", async () => {
  await using folder = await TemporaryFolder.create();
  await Bun.write(folder.file("corrupt.db-workers"), "neither a database nor empty");
  const error = await assertRejects(() => Holder.on(folder.file("corrupt.db")), DatabaseOpenError);
  assertEquals(
    error.message,
    `Cannot open sqlite:${folder.file("corrupt.db-workers")}: file is not a database. It holds nothing but which processes are alive: delete it while none of them runs.`,
  );
  mkdirSync(folder.file("folder.db-workers"));
  await assertRejects(
    () => Holder.on(folder.file("folder.db")),
    DatabaseOpenError,
    `Cannot open sqlite:${folder.file("folder.db-workers")}: unable to open database file`,
  );
});

test.concurrent("a renewal that fails is tried again", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = await Holder.on(path, SHORT);
  using file = new LeaseFile(path);
  file.file.run("CREATE TABLE failures (n)");
  file.file.run(FAIL);
  await until(() => file.file.query("SELECT 1 FROM failures").all().length > 0);
  file.file.run("DROP TRIGGER fail");
  await file.renewed(holder.lease.id);
  assertEquals(holder.heard, { lost: 0, othersEnded: 0 });
});

test.concurrent("a lease that others ended is lost long before it would be renewed", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = await Holder.on(path);
  using file = new LeaseFile(path);
  file.file.run("DELETE FROM leases");
  await until(() => holder.heard.lost > 0);
});

test.concurrent("a lease whose file was deleted is lost, and what is asked of it meanwhile gets no answer", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.file("app.db");
  await using holder = await Holder.on(path);
  for (const name of readdirSync(folder.path)) rmSync(folder.file(name));
  await using other = await Holder.on(path);
  await assertRejects(() => holder.lease.ended([other.lease.id]), LeaseLostError);
  assertEquals(holder.heard, { lost: 1, othersEnded: 0 });
  assertEquals(await other.lease.ended([holder.lease.id]), [holder.lease.id]);
});

test.concurrent("a bundle acquires a lease", async () => {
  await using folder = await TemporaryFolder.create();
  const { success, outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "fixtures/lease_idle.ts")],
    target: "bun",
    minify: true,
    outdir: folder.path,
  });
  assert(success);
  const path = folder.file("app.db");
  const command = [process.execPath, outputs[0]?.path ?? "", path, `${LONG}`];
  const bundled = Bun.spawn(command, { cwd: folder.path, stdout: "pipe" });
  const id = (await bundled.stdout.text()).trim();
  assertEquals(await bundled.exited, 0);
  using file = new LeaseFile(path);
  assertEquals(file.row(id).pid, bundled.pid);
});

testOnLinux("release() lets go of the file and ends the thread", async () => {
  await using folder = await TemporaryFolder.create();
  const openFiles = () =>
    readdirSync("/proc/self/fd").filter((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder.path);
      } catch {
        // The descriptor that listed the others.
        return false;
      }
    });
  const threads = () =>
    readdirSync("/proc/self/task").filter((thread) => {
      try {
        return readFileSync(`/proc/self/task/${thread}/comm`, "latin1") === "taskmount lease\n";
      } catch {
        // It has just ended.
        return false;
      }
    });
  await until(() => threads().length === 0);
  const holder = await Holder.on(folder.file("app.db"));
  assertGreaterOrEqual(openFiles().length, 1);
  assertEquals(threads().length, 1);
  await holder.lease.release();
  assertEquals(openFiles(), []);
  await until(() => threads().length === 0);
  assertEquals(readdirSync(folder.path), ["app.db-workers"]);
});

test.concurrent("a private lease ends by release() alone", async () => {
  const leases = new PrivateLeases("sqlite::memory:");
  const [one, other] = await Promise.all(
    [1, 2].map(() => Holder.by((options) => leases.acquire(options), SHORT)),
  );
  assert(one !== undefined && other !== undefined);
  const { id } = one.lease;
  assertEquals(await other.lease.ended(["never held", id, other.lease.id]), ["never held"]);
  await one.lease.release();
  assertEquals(await other.lease.ended([id]), [id]);
  await one.lease.release();
  assertEquals(other.heard, { lost: 0, othersEnded: 1 });
  assertEquals(one.heard, { lost: 0, othersEnded: 0 });
  await assertRejects(() => one.lease.ended([]), DatabaseClosedError);
});
