import { type Database, type Lease, LeaseLostError, type Statements } from "../../storage/mod.ts";
import type { Clock } from "../clock.ts";
import type { Claim, ClaimableTask, Claimed, Engine, EngineListener, Entry } from "../engine.ts";
import { createQueue, type Queue } from "./queue.ts";
import type { QueueState, QueueTables } from "./tables.ts";

type Group = { readonly task: string; readonly concurrency_key: string | null };

type Candidate = Group & { id: string; priority: number; due: number; lost: number };

/** What runs already, as far as a claim had to count it. */
interface Running {
  readonly groups: Map<string, number>;
  /** Whether this worker has a suspect. */
  suspect: boolean | undefined;
}

export interface EmbeddedEngineOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Seconds. */
  readonly lease: number;
  /** An entry that has lost so many workers is suspect: a worker has one of those at a time. */
  readonly suspectAfter: number;
}

/**
 * Queues in a table beside the records, so that both change in one transaction.
 *
 * A group (a task's jobs with one key) runs as many as its concurrency allows.
 * What a claim finds of a full group it sets aside as `held`; whatever leaves
 * the group makes the first of these `ready` again. So a thousand jobs that
 * wait for one key cost a claim nothing, and a group that has held entries
 * always has one that is ready or claimed.
 *
 * A job that kills its worker takes down what runs beside it. So that it doesn't
 * do so again and again, suspects are claimed one by one: a worker that has one
 * sets the others aside, until any suspect is let go of.
 */
export class EmbeddedEngine implements Engine {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #seconds: number;
  readonly #suspectAfter: number;
  readonly #queue: Queue;
  readonly #concurrencies = new WeakMap<readonly ClaimableTask[], Map<string, number | null>>();
  #joined = false;
  #lease: Lease | undefined;
  #listening: Disposable | undefined;

  constructor({ database, clock, lease, suspectAfter }: EmbeddedEngineOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#seconds = lease;
    this.#suspectAfter = suspectAfter;
    this.#queue = createQueue(database.own<QueueTables>());
  }

  get worker(): string | undefined {
    return this.#lease?.id;
  }

  async join(listener: EngineListener): Promise<void> {
    this.#joined = true;
    try {
      await this.#acquire(listener);
      // The tasks of this process may allow more at once than those before it did.
      await this.#database.unit(async (tx) => {
        await this.#queue.unholdAll.all(tx, {});
        await this.#queue.takeUp.all(tx, {});
      });
      this.#listening = await this.#database.onForeignCommit(() => listener.wake());
    } catch (error) {
      // Whoever tries again acquires another one.
      await this.leave();
      throw error;
    }
  }

  async leave(): Promise<void> {
    this.#joined = false;
    this.#listening?.[Symbol.dispose]();
    const lease = this.#lease;
    // Nothing is claimed under it, or asked of it, while it is released.
    this.#lease = undefined;
    await lease?.release();
  }

  async enqueue(entries: readonly Entry[], tx: Statements): Promise<void> {
    const now = this.#clock.now();
    const rows = entries.map((entry) => {
      const state: QueueState = entry.due <= now ? "ready" : "delayed";
      return { ...entry, state, worker: null, fence: null };
    });
    await this.#queue.insert.run(tx, rows);
  }

  async take(entries: readonly Entry[], tx: Statements): Promise<Claimed[]> {
    if (this.#lease === undefined) throw new LeaseLostError(this.#seconds);
    const worker = this.#lease.id;
    const fence = await this.#nextFence(tx);
    const state: QueueState = "claimed";
    const rows = entries.map((entry) => ({ ...entry, state, worker, fence }));
    await this.#queue.insert.run(tx, rows);
    return entries.map(({ id }) => ({ id, fence, lost: 0 }));
  }

  async remove(ids: readonly string[], tx: Statements): Promise<void> {
    const removed = await this.#queue.remove.all(tx, { ids: JSON.stringify(ids) });
    await this.#makeRoom(removed, tx);
  }

  async claim(n: number, tasks: readonly ClaimableTask[], tx: Statements): Promise<Claimed[]> {
    if (this.#lease === undefined) return [];
    const worker = this.#lease.id;
    await this.#queue.promote.all(tx, { now: this.#clock.now() });
    const concurrencies = this.#concurrenciesOf(tasks);
    const ready = await this.#queue.readyTasks.all(tx, {});
    const names = ready.map(({ name }) => name).filter((name) => concurrencies.has(name));
    const running: Running = { groups: new Map(), suspect: undefined };
    const claimed: Claimed[] = [];
    while (claimed.length < n) {
      const candidates = await this.#candidates(names, n - claimed.length, tx);
      const chosen: Candidate[] = [];
      const full: Candidate[] = [];
      let aside: Candidate | undefined;
      for (const candidate of candidates) {
        const isSuspect = this.#isSuspect(candidate);
        if (isSuspect && (await this.#hasSuspect(worker, running, tx))) {
          // Who takes its place in the group may come before the other candidates.
          aside = candidate;
          break;
        }
        if (await this.#enter(candidate, concurrencies, running, tx)) {
          chosen.push(candidate);
          if (isSuspect) running.suspect = true;
        } else {
          full.push(candidate);
        }
      }
      if (chosen.length > 0) {
        const fence = await this.#nextFence(tx);
        await this.#queue.claim.all(tx, { ids: idsOf(chosen), worker, fence });
        for (const { id, lost } of chosen) claimed.push({ id, fence, lost });
      }
      if (full.length > 0) await this.#queue.hold.all(tx, { ids: idsOf(full) });
      if (aside !== undefined) {
        await this.#queue.setAside.all(tx, { id: aside.id });
        await this.#makeRoom([aside], tx);
      }
      if (full.length === 0 && aside === undefined) break;
    }
    return claimed;
  }

  async release(claims: readonly Claim[], due: number, tx: Statements): Promise<void> {
    const state = due <= this.#clock.now() ? "ready" : "delayed";
    for (const { id, fence } of claims) {
      await this.#letGo(await this.#queue.release.all(tx, { id, fence, state, due }), tx);
    }
  }

  async ack(claims: readonly Claim[], tx: Statements): Promise<void> {
    for (const [fence, claimed] of Map.groupBy(claims, ({ fence }) => fence)) {
      await this.#letGo(await this.#queue.ack.all(tx, { ids: idsOf(claimed), fence }), tx);
    }
  }

  async hasDue(): Promise<boolean> {
    const query = this.#queue.due.with({ now: this.#clock.now() });
    return (await this.#database.read(query)).length > 0;
  }

  async waiting(task: string, most: number, tx: Statements): Promise<number> {
    const [row] = await this.#queue.waiting.all(tx, { task, limit: most });
    return row?.count ?? 0;
  }

  async ended(): Promise<string[]> {
    const rows = await this.#queue.workers.execute();
    return await this.endedAmong(rows.map(({ worker }) => worker));
  }

  async endedAmong(workers: readonly string[]): Promise<string[]> {
    const others = workers.filter((id) => id !== this.#lease?.id);
    return others.length === 0 ? [] : ((await this.#lease?.ended(others)) ?? []);
  }

  async recover(
    workers: readonly string[],
    tx: Statements,
  ): Promise<{ id: string; lost: number }[]> {
    const recovered = await this.#queue.recover.all(tx, { workers: JSON.stringify(workers) });
    await this.#letGo(recovered, tx);
    return recovered.map(({ id, lost }) => ({ id, lost }));
  }

  async nextDue(tx: Statements): Promise<number | null> {
    // Claims, which queue what has become due, do nothing then.
    if (this.#lease === undefined) return null;
    const [row] = await this.#queue.nextDue.all(tx, {});
    return row?.due ?? null;
  }

  async #acquire(listener: EngineListener): Promise<void> {
    this.#lease = await this.#database.lease({
      seconds: this.#seconds,
      onOthersEnded: () => listener.othersEnded(),
      onLost: () => void this.#acquireAgain(listener),
    });
  }

  /** What took the lease may be in the way of a new one: a full disk, a file that is gone. */
  async #acquireAgain(listener: EngineListener): Promise<void> {
    this.#lease = undefined;
    listener.leaseLost();
    while (this.#joined && this.#lease === undefined) {
      try {
        await this.#acquire(listener);
      } catch (error) {
        listener.failed(error);
        await new Promise<void>((resolve) => void this.#clock.after(1_000, resolve));
      }
    }
    if (!this.#joined) return await this.leave();
    // What its own old lease has left is found like anybody else's.
    listener.othersEnded();
    listener.wake();
  }

  /** The first ready entries of these tasks, in the order in which they are claimed. */
  async #candidates(names: readonly string[], n: number, tx: Statements): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const task of names) {
      candidates.push(...(await this.#queue.ready.all(tx, { task, limit: n })));
    }
    if (names.length > 1) candidates.sort(inOrder);
    return candidates.slice(0, n);
  }

  /** Counts an entry in where its group has room. */
  async #enter(
    { task, concurrency_key: key }: Group,
    concurrencies: ReadonlyMap<string, number | null>,
    { groups }: Running,
    tx: Statements,
  ): Promise<boolean> {
    const concurrency = concurrencies.get(task) ?? (key === null ? null : 1);
    if (concurrency === null) return true;
    const group = JSON.stringify([task, key]);
    let count = groups.get(group);
    if (count === undefined) {
      const [row] = await this.#queue.countClaimed.all(tx, { task, concurrency_key: key });
      count = row?.count ?? 0;
    }
    const hasRoom = count < concurrency;
    groups.set(group, hasRoom ? count + 1 : count);
    return hasRoom;
  }

  #isSuspect({ lost }: { lost: number }): boolean {
    return lost >= this.#suspectAfter;
  }

  async #hasSuspect(worker: string, running: Running, tx: Statements): Promise<boolean> {
    if (running.suspect === undefined) {
      const lost = this.#suspectAfter;
      running.suspect = (await this.#queue.anySuspect.all(tx, { worker, lost })).length > 0;
    }
    return running.suspect;
  }

  /** What was claimed isn't any more. */
  async #letGo(left: readonly (Group & { lost: number })[], tx: Statements): Promise<void> {
    if (left.some((entry) => this.#isSuspect(entry))) await this.#queue.takeUp.all(tx, {});
    await this.#makeRoom(left, tx);
  }

  /** For each entry that has left its group, another one of it is no longer held. */
  async #makeRoom(left: readonly Group[], tx: Statements): Promise<void> {
    if (left.length === 0) return;
    if ((await this.#queue.anyHeld.all(tx, {})).length === 0) return;
    for (const { task, concurrency_key } of left) {
      await this.#queue.unhold.all(tx, { task, concurrency_key });
    }
  }

  async #nextFence(tx: Statements): Promise<number> {
    const [row] = await this.#queue.nextFence.all(tx, {});
    if (row === undefined) throw new Error("The table of fences is empty");
    return row.value;
  }

  #concurrenciesOf(tasks: readonly ClaimableTask[]): Map<string, number | null> {
    let concurrencies = this.#concurrencies.get(tasks);
    if (concurrencies === undefined) {
      concurrencies = new Map(tasks.map(({ name, concurrency }) => [name, concurrency]));
      this.#concurrencies.set(tasks, concurrencies);
    }
    return concurrencies;
  }
}

function idsOf(entries: readonly { id: string }[]): string {
  return JSON.stringify(entries.map(({ id }) => id));
}

function inOrder(a: Candidate, b: Candidate): number {
  return b.priority - a.priority || a.due - b.due || (a.id < b.id ? -1 : 1);
}
