import {
  type Clock,
  type JobRecord,
  Scheduler,
  type SchedulerOptions,
} from "../../lib/jobs/mod.ts";
import { Database } from "../../lib/storage/mod.ts";
import { type TaskContext, TaskExecutor, TaskRegistry } from "../../lib/tasks/mod.ts";
import { RecordingLogger } from "../tasks/recording_logger.ts";

/** Milliseconds. */
const DAY = 24 * 60 * 60 * 1_000;

/** Time that passes when a test says so. Each has a day of its own, since ids never go back. */
export class HandClock implements Clock {
  static #nextDay = Date.UTC(2020, 0, 1);
  readonly #timers = new Set<{ readonly at: number; readonly fn: () => void }>();
  #now = HandClock.#nextDay;

  constructor() {
    HandClock.#nextDay += DAY;
  }

  now(): number {
    return this.#now;
  }

  /** How many timers have not fired, nor been canceled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The time, `seconds` from now. */
  date(seconds = 0): Date {
    return new Date(this.#now + seconds * 1_000);
  }

  after(milliseconds: number, fn: () => void): () => void {
    const timer = { at: this.#now + milliseconds, fn };
    this.#timers.add(timer);
    if (milliseconds <= 0) queueMicrotask(() => this.#fire());
    return () => this.#timers.delete(timer);
  }

  advance(seconds: number): void {
    this.#now += Math.round(seconds * 1_000);
    this.#fire();
  }

  #fire(): void {
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.fn();
    }
  }
}

/** A run that waits for the test. */
export interface HeldRun {
  readonly context: TaskContext;
  /** Ends it with a result. */
  release(result?: object): void;
  /** Ends it with an error. */
  fail(error: Error): void;
}

/** Holds the runs that enter it, whatever their signals say, until the test lets each go. */
export class Hold {
  readonly #entered: HeldRun[] = [];
  readonly #awaited: ((run: HeldRun) => void)[] = [];
  /** How many runs have entered so far. */
  count = 0;
  /** How many are held now. */
  held = 0;
  /** How many were held at once at most. */
  most = 0;

  /** What a task returns. */
  async enter(context: TaskContext): Promise<object> {
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.count += 1;
    this.held += 1;
    this.most = Math.max(this.most, this.held);
    const run: HeldRun = { context, release: (result = {}) => resolve(result), fail: reject };
    const awaited = this.#awaited.shift();
    if (awaited === undefined) this.#entered.push(run);
    else awaited(run);
    try {
      return await promise;
    } finally {
      this.held -= 1;
    }
  }

  /** The next run that enters, or has entered. */
  async next(): Promise<HeldRun> {
    return this.#entered.shift() ?? (await new Promise((resolve) => this.#awaited.push(resolve)));
  }
}

/**
 * A scheduler with an executor, a registry, a clock, a database in memory and a
 * logger of its own; all end with the test. A database that is given stays open.
 */
export class TestScheduler implements AsyncDisposable {
  readonly clock: HandClock;
  readonly registry: TaskRegistry;
  readonly logger = new RecordingLogger();
  readonly database: Database;
  readonly scheduler: Scheduler;
  readonly executor: TaskExecutor;
  readonly #ownsDatabase: boolean;

  constructor({
    database,
    clock = new HandClock(),
    registry = new TaskRegistry(),
    ...options
  }: Partial<Omit<SchedulerOptions, "clock">> & {
    clock?: HandClock;
    registry?: TaskRegistry;
  } = {}) {
    this.clock = clock;
    this.registry = registry;
    this.#ownsDatabase = database === undefined;
    this.database = database ?? Database.sqlite(":memory:");
    this.scheduler = new Scheduler({ database: this.database, clock, ...options });
    const { scheduler, logger } = this;
    this.executor = new TaskExecutor({ registry, database: this.database, scheduler, logger });
  }

  /** The record of a job once it is as `isReached` asks; it must stay so, since readers miss what passes. */
  async reach(id: string, isReached: (record: JobRecord) => boolean): Promise<JobRecord> {
    for await (const event of this.scheduler.events(id)) {
      if (event.status !== "deleted" && isReached(event)) return event;
    }
    throw new Error(`Job ${id} has ended before`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.stop({ grace: 0, abortGrace: 0.01 });
    await this.executor.stop({ grace: 0, abortGrace: 0.01 });
    if (this.#ownsDatabase) await this.database.close();
  }
}
