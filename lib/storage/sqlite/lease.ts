import { existsSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { DatabaseClosedError, DatabaseOpenError, LeaseLostError } from "../errors.ts";
import type { Lease, LeaseOptions } from "../lease.ts";
// @ts-expect-error It is imported as text, which TypeScript can't know.
import source from "./lease_thread.ts" with { type: "text" };
import type { Order, Report } from "./lease_thread.ts";

/**
 * Acquires a lease among the processes that have this database open. It is renewed by a thread, in
 * the file `{databasePath}-workers`, and doesn't keep the process alive. The database is there already.
 *
 * @throws {DatabaseOpenError} where that file can't be used.
 */
export async function acquireLease(databasePath: string, options: LeaseOptions): Promise<Lease> {
  const lease = new ThreadLease(leasePath(databasePath), options);
  await lease.held;
  return lease;
}

// By the database's real name, as SQLite names its log: by whatever name two processes open a
// database, they must find each other's leases.
function leasePath(databasePath: string): string {
  const path = existsSync(databasePath) ? realpathSync(databasePath) : resolve(databasePath);
  return `${path}-workers`;
}

/**
 * Names the kernel's boot and the namespace in which a process id means one process: where two
 * processes read the same, either can tell whether the other is alive. Empty where that can't be
 * told.
 */
function machine(): string {
  if (process.platform !== "linux") return `${process.platform} ${hostname()}`;
  try {
    // A /proc of another namespace numbers the processes otherwise.
    if (readlinkSync("/proc/self") !== `${process.pid}`) return "";
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    // No /proc: leases end by time alone.
    return "";
  }
}

interface Answer {
  readonly resolve: (ended: string[]) => void;
  readonly reject: (reason: Error) => void;
}

/** The main thread's side of a lease. */
class ThreadLease implements Lease {
  readonly id: string = crypto.randomUUID();
  readonly #url: string;
  readonly #options: LeaseOptions;
  readonly #thread: Worker;
  readonly #held = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #answers = new Map<number, Answer>();
  #questions = 0;
  #isHeld = false;
  /** Why it can't be used any more. */
  #over: Error | undefined;
  #release: Promise<void> | undefined;

  constructor(path: string, options: LeaseOptions) {
    this.#url = `sqlite:${path}`;
    this.#options = options;
    // As text it is found wherever this file is: in node_modules, in a bundle, in an executable.
    const script = URL.createObjectURL(new File([source], "lease_thread.ts"));
    this.#thread = new Worker(script, { name: "taskmount lease", smol: true });
    this.#thread.onmessage = ({ data }: MessageEvent<Report>) => {
      URL.revokeObjectURL(script);
      this.#hear(data);
    };
    this.#thread.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message);
    };
    this.#thread.addEventListener("close", () => {
      this.#fail("its thread ended");
      this.#released.resolve();
      this.#closed.resolve();
    });
    const { seconds } = options;
    this.#order({ kind: "start", path, id: this.id, seconds, machine: machine() });
  }

  /** Settles once the lease is held, or can't be. */
  get held(): Promise<void> {
    return this.#held.promise;
  }

  ended(ids: readonly string[]): Promise<string[]> {
    if (this.#over !== undefined) return Promise.reject(this.#over);
    this.#questions += 1;
    const question = this.#questions;
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    this.#answers.set(question, { resolve, reject });
    // Whoever waits for an answer keeps the process alive.
    this.#thread.ref();
    this.#order({ kind: "ended", question, ids });
    return promise;
  }

  release(): Promise<void> {
    this.#release ??= this.#giveUp();
    return this.#release;
  }

  async #giveUp(): Promise<void> {
    this.#thread.ref();
    if (this.#over === undefined) {
      this.#refuse(new DatabaseClosedError(this.#url));
      this.#order({ kind: "release" });
      await this.#released.promise;
      this.#thread.terminate();
    }
    await this.#closed.promise;
  }

  #order(order: Order): void {
    this.#thread.postMessage(order);
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case "held":
        this.#isHeld = true;
        this.#held.resolve();
        this.#thread.unref();
        break;
      case "refused":
        this.#end(new DatabaseOpenError(this.#url, advise(report)));
        break;
      case "ended":
        this.#answers.get(report.question)?.resolve(report.ids);
        this.#answers.delete(report.question);
        if (this.#answers.size === 0 && this.#over === undefined) this.#thread.unref();
        break;
      case "others ended":
        if (this.#over === undefined) this.#options.onOthersEnded();
        break;
      case "lost":
        this.#lose();
        break;
      case "released":
        this.#released.resolve();
        break;
    }
  }

  /** Counts a thread that doesn't do its work as one that never began, or was lost. */
  #fail(reason: string): void {
    if (this.#isHeld) this.#lose();
    else this.#end(new DatabaseOpenError(this.#url, reason));
  }

  #lose(): void {
    if (this.#over !== undefined) return;
    this.#end(new LeaseLostError(this.#options.seconds));
    if (this.#isHeld) this.#options.onLost();
  }

  #end(reason: Error): void {
    if (this.#over !== undefined) return;
    this.#refuse(reason);
    this.#thread.terminate();
  }

  #refuse(reason: Error): void {
    this.#over = reason;
    this.#held.reject(reason);
    for (const { reject } of this.#answers.values()) reject(reason);
    this.#answers.clear();
  }
}

function advise({ code, reason }: Extract<Report, { kind: "refused" }>): string {
  if (code !== "SQLITE_NOTADB" && !code?.startsWith("SQLITE_CORRUPT")) return reason;
  return `${reason}. It holds nothing but which processes are alive: delete it while none of them runs.`;
}
