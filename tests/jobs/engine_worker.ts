import { assert } from "@std/assert";
import type {
  Claim,
  ClaimableTask,
  Claimed,
  Engine,
  EngineListener,
  Entry,
} from "../../lib/jobs/engine.ts";
import type { Statements } from "../../lib/storage/mod.ts";
import type { FakeClock } from "../../lib/testing/mod.ts";

/** An engine as one process has it. */
export interface EngineProcess {
  readonly engine: Engine;
  /** Commits what `work` does, or nothing of it where it throws. */
  transact<T>(work: (tx: Statements) => Promise<T>): Promise<T>;
}

/** One queue, and engines on it. */
export interface EngineBed extends AsyncDisposable {
  /** The time of all its engines. */
  readonly clock: FakeClock;
  /** Another process that uses the queue. */
  open(): EngineProcess;
  /**
   * Ends the lease under which this entry is claimed, as if nothing had been heard of its process;
   * left out where no lease ends but by `leave()`.
   */
  readonly endLeaseOf?: (id: string) => Promise<void>;
}

export type Heard = "failed" | "leaseLost" | "othersEnded" | "wake";

/** Hears what an engine tells, for a test to wait for. */
export class Listener implements EngineListener {
  readonly errors: unknown[] = [];
  readonly #heard: Heard[] = [];
  readonly #waiting = new Set<() => void>();

  wake(): void {
    this.#hear("wake");
  }

  othersEnded(): void {
    this.#hear("othersEnded");
  }

  leaseLost(): void {
    this.#hear("leaseLost");
  }

  failed(error: unknown): void {
    this.errors.push(error);
    this.#hear("failed");
  }

  /** What it has heard and nobody has waited for yet. */
  get heard(): readonly Heard[] {
    return [...this.#heard];
  }

  /** Resolves once it has heard this, after what was waited for before. */
  async hears(what: Heard): Promise<void> {
    for (;;) {
      const index = this.#heard.indexOf(what);
      if (index !== -1) {
        this.#heard.splice(0, index + 1);
        return;
      }
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #hear(what: Heard): void {
    this.#heard.push(what);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** The task of entries that don't name another one. */
export const TASK: ClaimableTask = { name: "task", concurrency: null };

/** Entries with nothing special about them, but for what is given. */
export class Entries {
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  of(id: string, given: Partial<Entry> = {}): Entry {
    const due = this.#clock.now();
    return { id, task: TASK.name, due, priority: 0, concurrencyKey: null, ...given };
  }

  /** So many, `a000`, `a001` and so on for the prefix `a`. */
  many(count: number, prefix: string, given: Partial<Entry> = {}): Entry[] {
    return Array.from({ length: count }, (_, index) =>
      this.of(`${prefix}${String(index).padStart(3, "0")}`, given),
    );
  }
}

/** A worker that has joined an engine; each of its methods is one transaction. */
export class EngineWorker implements AsyncDisposable {
  readonly listener = new Listener();
  readonly engine: Engine;
  readonly #process: EngineProcess;

  private constructor(process: EngineProcess) {
    this.engine = process.engine;
    this.#process = process;
  }

  static async join(bed: EngineBed): Promise<EngineWorker> {
    const worker = new EngineWorker(bed.open());
    await worker.join();
    return worker;
  }

  join(): Promise<void> {
    return this.engine.join(this.listener);
  }

  leave(): Promise<void> {
    return this.engine.leave();
  }

  transact<T>(work: (tx: Statements) => Promise<T>): Promise<T> {
    return this.#process.transact(work);
  }

  enqueue(...entries: readonly Entry[]): Promise<void> {
    return this.transact((tx) => this.engine.enqueue(entries, tx));
  }

  take(...entries: readonly Entry[]): Promise<Claimed[]> {
    return this.transact((tx) => this.engine.take(entries, tx));
  }

  remove(...ids: readonly string[]): Promise<void> {
    return this.transact((tx) => this.engine.remove(ids, tx));
  }

  claim(n: number, ...tasks: readonly ClaimableTask[]): Promise<Claimed[]> {
    const claimable = tasks.length === 0 ? [TASK] : tasks;
    return this.transact((tx) => this.engine.claim(n, claimable, tx));
  }

  /** Claims one entry, which there must be. */
  async claimOne(...tasks: readonly ClaimableTask[]): Promise<Claimed> {
    const [claimed] = await this.claim(1, ...tasks);
    assert(claimed !== undefined, "there is nothing to claim");
    return claimed;
  }

  /** The ids of what it claims, one after the other, up to `n`. */
  async claimInTurn(n: number, ...tasks: readonly ClaimableTask[]): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < n; i += 1) {
      const [claimed] = await this.claim(1, ...tasks);
      if (claimed === undefined) break;
      ids.push(claimed.id);
    }
    return ids;
  }

  /** The ids of what it claims at once, sorted. */
  async claimIds(n: number, ...tasks: readonly ClaimableTask[]): Promise<string[]> {
    return idsOf(await this.claim(n, ...tasks));
  }

  release(due: number, ...claims: readonly Claim[]): Promise<void> {
    return this.transact((tx) => this.engine.release(claims, due, tx));
  }

  ack(...claims: readonly Claim[]): Promise<void> {
    return this.transact((tx) => this.engine.ack(claims, tx));
  }

  waiting(task: string, most: number): Promise<number> {
    return this.transact((tx) => this.engine.waiting(task, most, tx));
  }

  nextDue(): Promise<number | null> {
    return this.transact((tx) => this.engine.nextDue(tx));
  }

  /** Queues again what all workers held that have ended. */
  async recover(): Promise<{ id: string; lost: number }[]> {
    const ended = await this.engine.ended();
    const recovered = await this.transact((tx) => this.engine.recover(ended, tx));
    return recovered.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave();
  }
}

/** Sorted. */
export function idsOf(claims: readonly { readonly id: string }[]): string[] {
  return claims.map(({ id }) => id).toSorted();
}

/** What every test of an engine has: two workers on one queue. */
export class TwoWorkers implements AsyncDisposable {
  readonly bed: EngineBed;
  readonly first: EngineWorker;
  readonly second: EngineWorker;
  readonly entries: Entries;

  private constructor(bed: EngineBed, first: EngineWorker, second: EngineWorker) {
    this.bed = bed;
    this.first = first;
    this.second = second;
    this.entries = new Entries(bed.clock);
  }

  static async on(bed: EngineBed): Promise<TwoWorkers> {
    return new TwoWorkers(bed, await EngineWorker.join(bed), await EngineWorker.join(bed));
  }

  /** The time, `seconds` from now. */
  readonly at = (seconds: number): number => this.bed.clock.now() + seconds * 1_000;

  async [Symbol.asyncDispose](): Promise<void> {
    await using _bed = this.bed;
    await this.first.leave();
    await this.second.leave();
  }
}

/** Declares one test of an engine. */
export type TestWithWorkers = (name: string, fn: (workers: TwoWorkers) => Promise<void>) => void;
