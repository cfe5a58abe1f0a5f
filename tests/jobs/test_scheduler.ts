import type { JobRecord } from "../../lib/jobs/mod.ts";
import { type TaskContext, TaskRegistry } from "../../lib/tasks/mod.ts";
import * as testing from "../../lib/testing/mod.ts";
import { RecordingLogger } from "../tasks/recording_logger.ts";

/** When tests begin that schedule something. */
export const NEW_YEAR = new Date("2020-01-01T00:00:00Z");

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

/** The public one, with a registry and a logger of its own, and watched where it is under way. */
export class TestScheduler extends testing.TestScheduler {
  readonly registry: TaskRegistry;
  readonly logger: RecordingLogger;

  constructor({
    registry = new TaskRegistry(),
    now = NEW_YEAR,
    ...options
  }: Omit<testing.TestSchedulerOptions, "logger"> = {}) {
    const logger = new RecordingLogger();
    super({ registry, logger, now, ...options });
    this.registry = registry;
    this.logger = logger;
  }

  /** The record of a job once it is as `isReached` asks; it must stay so, since readers miss what passes. */
  async reach(id: string, isReached: (record: JobRecord) => boolean): Promise<JobRecord> {
    for await (const event of this.scheduler.events(id)) {
      if (event.status !== "deleted" && isReached(event)) return event;
    }
    throw new Error(`Job ${id} has ended before`);
  }

  /** Held runs ignore their signals: nothing waits for them. */
  override async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.stop({ grace: 0, abortGrace: 0.01 });
    await this.executor.stop({ grace: 0, abortGrace: 0.01 });
    await super[Symbol.asyncDispose]();
  }
}
