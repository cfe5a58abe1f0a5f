import { Database as File } from "bun:sqlite";
import { symlinkSync } from "node:fs";
import { assert } from "@std/assert";
import type { Lease, LeaseOptions } from "../../lib/storage/lease.ts";
import { acquireLease } from "../../lib/storage/sqlite/lease.ts";
import type { TemporaryFolder } from "./databases.ts";

/** Seconds: so few that a test can wait for the end, or so many that none does. */
export const SHORT = 0.5;
export const LONG = 600;

/** A lease of this process, and what it hears. */
export class Holder implements AsyncDisposable {
  readonly lease: Lease;
  readonly #heard: { lost: number; othersEnded: number };

  private constructor(lease: Lease, heard: { lost: number; othersEnded: number }) {
    this.lease = lease;
    this.#heard = heard;
  }

  static async by(
    acquire: (options: LeaseOptions) => Lease | Promise<Lease>,
    seconds: number,
  ): Promise<Holder> {
    const heard = { lost: 0, othersEnded: 0 };
    const lease = await acquire({
      seconds,
      onLost: () => {
        heard.lost += 1;
      },
      onOthersEnded: () => {
        heard.othersEnded += 1;
      },
    });
    return new Holder(lease, heard);
  }

  static on(path: string, seconds = LONG): Promise<Holder> {
    return Holder.by((options) => acquireLease(path, options), seconds);
  }

  /** How often it has heard that it is lost, and that leases of others have ended. */
  get heard(): { lost: number; othersEnded: number } {
    return { ...this.#heard };
  }

  /** Waits until it hears that another lease has ended, which it asks for at once. */
  async hearsOf(id: string): Promise<void> {
    let before = 0;
    while (!(await this.lease.ended([id])).includes(id)) {
      await until(() => this.heard.othersEnded > before);
      before = this.heard.othersEnded;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lease.release();
  }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

interface Row {
  id: string;
  machine: string;
  pid: number;
  started: string;
  expires_at: number;
}

/** The file of the leases, as somebody else would look into it. */
export class LeaseFile implements Disposable {
  readonly file: File;

  constructor(path: string) {
    this.file = new File(`${path}-workers`, { readwrite: true });
    this.file.run("PRAGMA busy_timeout = 5000");
  }

  row(id: string): Row {
    const row = this.file.query<Row, [string]>("SELECT * FROM leases WHERE id = ?").get(id);
    assert(row !== null, "the row is gone");
    return row;
  }

  /** Waits until the lease is renewed. */
  async renewed(id: string): Promise<void> {
    const { expires_at } = this.row(id);
    await until(() => this.row(id).expires_at > expires_at);
  }

  /** Adds rows that no sweep sees one by one. */
  insert(rows: readonly Row[]): void {
    this.file.transaction(() => {
      for (const { id, machine, pid, started, expires_at } of rows) {
        this.file
          .query(
            "INSERT INTO leases (id, machine, pid, started, expires_at) VALUES (?, ?, ?, ?, ?)",
          )
          .run(id, machine, pid, started, expires_at);
      }
    })();
  }

  [Symbol.dispose](): void {
    this.file.close(true);
  }
}

export function hasExpired({ expires_at }: Row): boolean {
  return expires_at < Date.now();
}

/** A process that does nothing, by a name that makes `/proc` hard to read. */
export class Sleeper implements AsyncDisposable {
  readonly #process: Bun.Subprocess;

  constructor(folder: TemporaryFolder) {
    const program = folder.file("a) Z 1 (b");
    symlinkSync(process.execPath, program);
    this.#process = Bun.spawn([program, "-e", "setInterval(() => {}, 1e6)"], { stdout: "ignore" });
  }

  get pid(): number {
    return this.#process.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
