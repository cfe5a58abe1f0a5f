import { assert, assertEquals } from "@std/assert";
import type { ClaimableTask, Claimed, Entry } from "../../lib/jobs/engine.ts";
import {
  type EngineWorker,
  idsOf,
  type TestWithWorkers,
  type TwoWorkers,
} from "./engine_worker.ts";

/** What `create` of `testEngine()` gives its engines as `suspectAfter`. */
export const SUSPECT_AFTER = 2;
const SEEDS = [1, 2, 3];
const STEPS = 1_500;
const TASKS: readonly ClaimableTask[] = [
  { name: "free", concurrency: null },
  { name: "single", concurrency: 1 },
  { name: "triple", concurrency: 3 },
];
const KEYS = [null, null, "a", "b"];

interface ModelEntry extends Entry {
  readonly due: number;
  readonly lost: number;
  /** Whether it is suspect, and was passed over since its worker-to-be had another such one. */
  readonly isAside: boolean;
  /** Whose it is; null while it is queued. */
  readonly claim: { readonly fence: number; readonly worker: EngineWorker } | null;
}

/** What a queue promises, as plainly as it can be written. */
class QueueModel {
  readonly entries = new Map<string, ModelEntry>();

  enqueue(entry: Entry): void {
    if (this.entries.has(entry.id)) return;
    this.entries.set(entry.id, { ...entry, lost: 0, isAside: false, claim: null });
  }

  remove(id: string): void {
    if (this.entries.get(id)?.claim === null) this.entries.delete(id);
  }

  /** The ids that a claim gives now, in order. */
  claimable(
    n: number,
    tasks: readonly ClaimableTask[],
    { now, worker }: { now: number; worker: EngineWorker },
  ): string[] {
    const running = new Map<string, number>();
    let hasSuspect = false;
    for (const entry of this.entries.values()) {
      if (entry.claim !== null) enter(running, entry);
      if (entry.claim?.worker === worker && isSuspect(entry)) hasSuspect = true;
    }
    const ids: string[] = [];
    for (const entry of [...this.entries.values()].sort(inOrder)) {
      const task = tasks.find(({ name }) => name === entry.task);
      if (task === undefined || entry.claim !== null || entry.due > now) continue;
      if (entry.isAside || ids.length === n) continue;
      if (isSuspect(entry) && hasSuspect) {
        this.entries.set(entry.id, { ...entry, isAside: true });
        continue;
      }
      const room = task.concurrency ?? (entry.concurrencyKey === null ? Infinity : 1);
      if ((running.get(groupOf(entry)) ?? 0) >= room) continue;
      enter(running, entry);
      if (isSuspect(entry)) hasSuspect = true;
      ids.push(entry.id);
    }
    return ids;
  }

  claim(worker: EngineWorker, claims: readonly Claimed[]): void {
    for (const { id, fence, lost } of claims) {
      const entry = this.#entry(id);
      assertEquals(lost, entry.lost);
      this.entries.set(id, { ...entry, claim: { fence, worker } });
    }
  }

  release(id: string, fence: number, due: number): void {
    const entry = this.entries.get(id);
    if (entry?.claim?.fence !== fence) return;
    this.entries.set(id, { ...entry, due, claim: null });
    if (isSuspect(entry)) this.takeUp();
  }

  ack(id: string, fence: number): void {
    const entry = this.entries.get(id);
    if (entry?.claim?.fence !== fence) return;
    this.entries.delete(id);
    if (isSuspect(entry)) this.takeUp();
  }

  /** Suspects that were passed over are seen again. */
  takeUp(): void {
    for (const [id, entry] of this.entries) this.entries.set(id, { ...entry, isAside: false });
  }

  /** Queues again what a worker left, and says what that was. */
  recover(worker: EngineWorker): { id: string; lost: number }[] {
    const recovered: { id: string; lost: number }[] = [];
    for (const [id, entry] of this.entries) {
      if (entry.claim?.worker !== worker) continue;
      const lost = entry.lost + 1;
      this.entries.set(id, { ...entry, lost, claim: null });
      recovered.push({ id, lost });
    }
    if (recovered.some(isSuspect)) this.takeUp();
    return recovered.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  waiting(task: string): number {
    return [...this.entries.values()].filter((entry) => entry.task === task && entry.claim === null)
      .length;
  }

  #entry(id: string): ModelEntry {
    const entry = this.entries.get(id);
    assert(entry !== undefined);
    return entry;
  }
}

/** Whether it has lost as many workers as make the engines of these tests careful. */
function isSuspect({ lost }: { lost: number }): boolean {
  return lost >= SUSPECT_AFTER;
}

function groupOf({ task, concurrencyKey }: Entry): string {
  return JSON.stringify([task, concurrencyKey]);
}

function enter(running: Map<string, number>, entry: Entry): void {
  const group = groupOf(entry);
  running.set(group, (running.get(group) ?? 0) + 1);
}

function inOrder(a: Entry, b: Entry): number {
  return b.priority - a.priority || a.due - b.due || (a.id < b.id ? -1 : 1);
}

/** Numbers that look random, and are the same for the same seed. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number below `limit`; Mulberry32. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  of<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    const value = values[this.below(values.length)];
    assert(value !== undefined);
    return value;
  }
}

/** Does to an engine and to its model the same at each step, and compares. */
class Drive {
  readonly #workers: TwoWorkers;
  readonly #chance: Chance;
  readonly #model = new QueueModel();
  readonly #claims: Claimed[] = [];
  #number = 0;
  claimed = 0;

  constructor(workers: TwoWorkers, seed: number) {
    this.#workers = workers;
    this.#chance = new Chance(seed);
  }

  async step(): Promise<void> {
    const dice = this.#chance.below(1_000);
    if (dice < 350) await this.#enqueue();
    else if (dice < 650) await this.#claim(1 + this.#chance.below(4));
    else if (dice < 800) await this.#ack();
    else if (dice < 890) await this.#release();
    else if (dice < 950) await this.#remove();
    else if (dice < 994) this.#workers.bed.clock.advance(this.#chance.below(10));
    else await this.#recover();
  }

  /** Runs what is left to its end. */
  async finish(): Promise<void> {
    this.#workers.bed.clock.advance(3_600);
    for (;;) {
      while (this.#claims.length > 0) await this.#ack();
      const before = this.claimed;
      await this.#claim(50, TASKS);
      if (this.claimed === before) break;
    }
    assertEquals(this.#model.entries.size, 0, "entries are stuck");
    const { first } = this.#workers;
    for (const { name } of TASKS) assertEquals(await first.waiting(name, 1_000), 0);
  }

  get #worker(): EngineWorker {
    return this.#chance.of([this.#workers.first, this.#workers.second]);
  }

  async #enqueue(): Promise<void> {
    const chance = this.#chance;
    const count = 1 + chance.below(4);
    const entries = Array.from({ length: count }, (): Entry => {
      // Now and then one that is there already, or was.
      const isNew = chance.below(20) > 0;
      if (isNew) this.#number += 1;
      const number = isNew ? this.#number : chance.below(this.#number + 1);
      return {
        id: `id${number}`,
        task: chance.of(TASKS).name,
        due: this.#workers.at(chance.below(3) === 0 ? chance.below(30) : -chance.below(3)),
        priority: chance.below(3),
        concurrencyKey: chance.of(KEYS),
      };
    });
    await this.#worker.enqueue(...entries);
    for (const entry of entries) this.#model.enqueue(entry);
  }

  async #claim(n: number, tasks = this.#someTasks()): Promise<void> {
    const worker = this.#worker;
    const expected = this.#model.claimable(n, tasks, { now: this.#workers.at(0), worker });
    const claims = await worker.claim(n, ...tasks);
    assertEquals(idsOf(claims), expected.toSorted());
    this.#model.claim(worker, claims);
    this.#claims.push(...claims);
    this.claimed += claims.length;
    const task = this.#chance.of(TASKS).name;
    assertEquals(await worker.waiting(task, 1_000), this.#model.waiting(task));
  }

  async #ack(): Promise<void> {
    const claim = this.#someClaim();
    if (claim === undefined) return;
    await this.#worker.ack(claim);
    this.#model.ack(claim.id, claim.fence);
  }

  async #release(): Promise<void> {
    const claim = this.#someClaim();
    if (claim === undefined) return;
    const due = this.#workers.at(this.#chance.of([0, 0, 5, 20]));
    await this.#worker.release(due, claim);
    this.#model.release(claim.id, claim.fence, due);
  }

  async #remove(): Promise<void> {
    const ids = [...this.#model.entries.keys()];
    if (ids.length === 0) return;
    const chosen = [this.#chance.of(ids), this.#chance.of(ids)];
    await this.#worker.remove(...chosen);
    for (const id of chosen) this.#model.remove(id);
  }

  /** One worker leaves, and the other takes over; what the first had claimed is out of date. */
  async #recover(): Promise<void> {
    const { first, second } = this.#workers;
    const [leaving, staying] = this.#chance.of([
      [first, second],
      [second, first],
    ] as const);
    await leaving.leave();
    assertEquals(await staying.recover(), this.#model.recover(leaving));
    await leaving.join();
    this.#model.takeUp();
  }

  #someTasks(): readonly ClaimableTask[] {
    const without = this.#chance.below(TASKS.length * 3);
    return TASKS.filter((_, index) => index !== without);
  }

  /** A claim, which may be out of date; as a rule it is not seen again. */
  #someClaim(): Claimed | undefined {
    if (this.#claims.length === 0) return undefined;
    const index = this.#chance.below(this.#claims.length);
    return this.#chance.below(10) === 0 ? this.#claims[index] : this.#claims.splice(index, 1)[0];
  }
}

/** Declares a test that drives an engine and compares it with a model, step by step. */
export function testAgainstModel(testWithWorkers: TestWithWorkers): void {
  for (const seed of SEEDS) {
    testWithWorkers(`${STEPS} random steps, seed ${seed}, go as in the model`, async (workers) => {
      const drive = new Drive(workers, seed);
      for (let step = 0; step < STEPS; step += 1) await drive.step();
      await drive.finish();
      assert(drive.claimed > STEPS / 5, "little was claimed");
    });
  }
}
