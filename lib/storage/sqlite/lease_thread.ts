/**
 * Keeps the lease of one process, in a thread and on a connection of its own, so that neither a
 * main thread that computes nor a transaction on the database can cost the process its lease.
 *
 * It is started from its text (see `lease.ts`), so nothing but `bun:*` can be imported here.
 */
import { constants, Database, SQLiteError } from "bun:sqlite";

export interface Start {
  readonly kind: "start";
  readonly path: string;
  readonly id: string;
  readonly seconds: number;
  /** Where a process id means the same process; empty where that can't be told. */
  readonly machine: string;
}

export interface Question {
  readonly kind: "ended";
  readonly question: number;
  readonly ids: readonly string[];
}

/** What the main thread tells this one. */
export type Order = Start | Question | { readonly kind: "release" };

/** What this thread tells the main one. */
export type Report =
  | { readonly kind: "refused"; readonly code: string | undefined; readonly reason: string }
  | { readonly kind: "held" }
  | { readonly kind: "ended"; readonly question: number; readonly ids: string[] }
  | { readonly kind: "others ended" }
  | { readonly kind: "lost" }
  | { readonly kind: "released" };

interface Row {
  id: string;
  machine: string;
  pid: number;
  /** When the process started, in ticks after boot; empty where there is no `/proc`. */
  started: string;
  /** Milliseconds since 1970. */
  expires_at: number;
}

type Expiry = Pick<Row, "expires_at">;

/** Milliseconds for which other processes' locks on the file are awaited. */
const PATIENCE = 5_000;
/** Milliseconds. */
const LONGEST_SWEEP_INTERVAL = 250;
/** Milliseconds, while there is nobody else: sweeps are most of what this thread of an idle process does. */
const LONGEST_INTERVAL_ALONE = 500;

/** By SQLite's clock, which is read once the lock is held: a wait for it costs no lease its time. */
const NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";
const CREATE = `CREATE TABLE IF NOT EXISTS leases (
  id TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
  expires_at INTEGER NOT NULL)`;
const INSERT = `INSERT INTO leases (id, machine, pid, started, expires_at)
  VALUES (?, ?, ?, ?, ${NOW} + ?) RETURNING expires_at`;
const RENEW = `UPDATE leases SET expires_at = ${NOW} + ? WHERE id = ? RETURNING expires_at`;
const LIST = "SELECT id, machine, pid, started, expires_at FROM leases";
// Whoever renews between a look at the row and this keeps it.
const SWEEP = "DELETE FROM leases WHERE id = ? AND expires_at = ?";
const RELEASE = "DELETE FROM leases WHERE id = ?";

/** Opens the file, made where there is none. */
async function open(path: string): Promise<Database> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const database = new Database(path, { create: true, readwrite: true });
    try {
      database.run(`PRAGMA busy_timeout = ${PATIENCE}`);
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = NORMAL");
      database.run(CREATE);
      return database;
    } catch (error) {
      database.close(true);
      // Where several processes make the file, SQLite refuses some of them without any wait.
      const busy = error instanceof SQLiteError && /^SQLITE_(BUSY|PROTOCOL)/.test(error.code ?? "");
      if (!busy || performance.now() > deadline) throw error;
      await Bun.sleep(5 + Math.random() * 20);
    }
  }
}

/** A process as `/proc` shows it; undefined where there is none, or it can't be read. */
async function readProcess(pid: number): Promise<{ started: string; zombie: boolean } | undefined> {
  let stat: string;
  try {
    stat = await Bun.file(`/proc/${pid}/stat`).text();
  } catch {
    // No such process, another user's, or no /proc: what that means is for the caller to tell.
    return undefined;
  }
  // The second field is the program's name in parentheses, which itself may contain any of " ()".
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const started = fields[18];
  if (started === undefined) return undefined;
  return { started, zombie: state === "Z" || state === "X" };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as another user.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** A lease from its first row to its end. */
class HeldLease {
  readonly #start: Start;
  readonly #database: Database;
  readonly #renewal: Timer;
  #expiresAt: number;
  /** The leases of others, as the last sweep left them. */
  #others = new Set<string>();
  #questions: Question[] = [];
  #sweptAt = Date.now();
  #judgesFrom = 0;
  #over = false;

  private constructor(start: Start, database: Database, expiresAt: number) {
    this.#start = start;
    this.#database = database;
    this.#expiresAt = expiresAt;
    this.#renewal = setInterval(() => this.#renew(), start.seconds * 250);
  }

  static async acquire(start: Start): Promise<HeldLease> {
    const started = (await readProcess(process.pid))?.started ?? "";
    const database = await open(start.path);
    try {
      const [row] = database
        .query<Expiry, [string, string, number, string, number]>(INSERT)
        .all(start.id, start.machine, process.pid, started, start.seconds * 1_000);
      return new HeldLease(start, database, row?.expires_at ?? 0);
    } catch (error) {
      database.close(true);
      throw error;
    }
  }

  /** Looks after the leases of others until this one ends; first before anybody learns of it. */
  async watch(): Promise<void> {
    let othersEnded = await this.#sweep();
    if (!this.#over) report({ kind: "held" });
    while (!this.#over) {
      if (othersEnded) report({ kind: "others ended" });
      this.#answer();
      const longest = this.#others.size > 0 ? LONGEST_SWEEP_INTERVAL : LONGEST_INTERVAL_ALONE;
      await Bun.sleep(Math.min(this.#start.seconds * 250, longest));
      othersEnded = await this.#sweep();
    }
  }

  ask(question: Question): void {
    this.#questions.push(question);
    this.#answer();
  }

  release(): void {
    if (!this.#over) {
      try {
        this.#database.query<never, [string]>(RELEASE).run(this.#start.id);
      } catch {
        // The row stays, and ends as that of a process that died: by time, or with this process.
      }
      this.#end();
    }
    report({ kind: "released" });
  }

  #renew(): void {
    try {
      if (!this.#isInPlace()) return;
      const [row] = this.#database
        .query<Expiry, [number, string]>(RENEW)
        .all(this.#start.seconds * 1_000, this.#start.id);
      if (row === undefined) this.#lose();
      else this.#expiresAt = row.expires_at;
    } catch {
      // A lock, a full disk: the next renewal tries again, as long as nobody may have taken over.
      if (Date.now() >= this.#expiresAt) this.#lose();
    }
  }

  /** Removes the leases that have ended; whether others did since the last sweep, by whomever. */
  async #sweep(): Promise<boolean> {
    const judges = this.#judges();
    try {
      if (!this.#isInPlace()) return false;
      const rows = this.#database.query<Row, []>(LIST).all();
      if (rows.every((row) => row.id !== this.#start.id)) {
        this.#lose();
        return false;
      }
      const living = new Set<string>();
      for (const row of rows) {
        if (row.id === this.#start.id) continue;
        this.#others.add(row.id);
        const ended = (judges && row.expires_at <= Date.now()) || (await this.#isDead(row));
        if (this.#over) return false;
        if (!ended || !this.#remove(row)) living.add(row.id);
      }
      const before = this.#others;
      this.#others = living;
      return !before.isSubsetOf(living);
    } catch {
      // A lock, a full disk: the next sweep tries again, and knows all that this one saw.
      return false;
    }
  }

  /**
   * Whether this thread may end leases because their time is over. After it was stopped itself, as
   * by a suspended machine or Ctrl-Z, the others need a moment to renew what they couldn't either.
   */
  #judges(): boolean {
    const moment = this.#start.seconds * 500;
    const now = Date.now();
    if (now - this.#sweptAt > moment) this.#judgesFrom = performance.now() + moment;
    this.#sweptAt = now;
    return performance.now() >= this.#judgesFrom;
  }

  /** Whether the process is dead for certain. */
  async #isDead({ machine, pid, started }: Row): Promise<boolean> {
    if (machine === "" || machine !== this.#start.machine) return false;
    if (!exists(pid)) return true;
    if (started === "") return false;
    const found = await readProcess(pid);
    return found !== undefined && (found.zombie || found.started !== started);
  }

  #remove({ id, expires_at }: Row): boolean {
    return this.#database.query<never, [string, number]>(SWEEP).run(id, expires_at).changes > 0;
  }

  /** Answers what was asked, by what the file says now. */
  #answer(): void {
    try {
      if (this.#questions.length === 0 || !this.#isInPlace()) return;
      const rows = this.#database.query<Row, []>(LIST).all();
      const living = new Set(rows.map((row) => row.id));
      for (const { question, ids } of this.#questions.splice(0)) {
        report({ kind: "ended", question, ids: ids.filter((id) => !living.has(id)) });
      }
      // Whoever heard that a lease goes on will hear of its end, even if no sweep came between.
      for (const id of living) if (id !== this.#start.id) this.#others.add(id);
    } catch {
      // A lock, a full disk: it is answered after the next sweep.
    }
  }

  /** Whether the lease still means anything: if its file was deleted, others look at another one. */
  #isInPlace(): boolean {
    if (this.#over) return false;
    const moved = new Int32Array(2);
    this.#database.fileControl(constants.SQLITE_FCNTL_HAS_MOVED, moved);
    if (moved[0] === 0) return true;
    this.#lose();
    return false;
  }

  #lose(): void {
    this.#end();
    report({ kind: "lost" });
  }

  #end(): void {
    this.#over = true;
    clearInterval(this.#renewal);
    this.#database.close(true);
  }
}

function report(report: Report): void {
  postMessage(report);
}

/** The thread's own scope, which looks like a Worker from within. */
declare const self: Pick<Worker, "onmessage">;

let lease: HeldLease | undefined;

async function start(order: Start): Promise<void> {
  try {
    lease = await HeldLease.acquire(order);
  } catch (error) {
    const code = error instanceof SQLiteError ? error.code : undefined;
    report({ kind: "refused", code, reason: error instanceof Error ? error.message : `${error}` });
    return;
  }
  await lease.watch();
}

self.onmessage = async ({ data: order }: MessageEvent<Order>) => {
  if (order.kind === "start") await start(order);
  else if (order.kind === "ended") lease?.ask(order);
  else lease?.release();
};
