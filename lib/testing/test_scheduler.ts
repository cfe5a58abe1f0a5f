import {
  type JobRecord,
  Scheduler,
  type SchedulerOptions,
  type SubmitOptions,
} from "../jobs/mod.ts";
import { Database } from "../storage/mod.ts";
import {
  type Injectable,
  type Logger,
  type NoParams,
  type Providable,
  type ProviderOptions,
  type Task,
  TaskExecutor,
  type TaskRegistry,
} from "../tasks/mod.ts";
import { FakeClock } from "./fake_clock.ts";
import { PassingTime } from "./passing_time.ts";

export interface TestSchedulerOptions extends Omit<SchedulerOptions, "clock" | "database"> {
  /** @default {registry}, the exported default one. */
  registry?: TaskRegistry | undefined;
  /** One that stays open; a new one in memory when left out. */
  database?: Database | undefined;
  /** The time at first. @default {new Date()} */
  now?: Date | undefined;
  /** A clock that others use too, instead of `now`. */
  clock?: FakeClock | undefined;
  /** @default {consoleLogger} */
  logger?: Logger | undefined;
}

/** As `submit()` takes them, but for a transaction: the job would wait for its commit, and that for the job. */
export type RunOptions = Omit<SubmitOptions, "session">;

/** The arguments of `run()` after the task; params may be left out where an empty object will do. */
export type RunArguments<Input> = NoParams extends Input
  ? [params?: Input | null, options?: RunOptions]
  : [params: Input, options?: RunOptions];

/** What waits for a job, and what `wait()` takes. */
export interface WaitOptions {
  /** Ends the waiting, not the job. */
  signal?: AbortSignal | undefined;
}

/**
 * A scheduler with a database in memory, an executor and a {@linkcode FakeClock}: delays, backoff
 * and schedules take no time. While somebody waits for a job, and nothing runs, the clock leaps to
 * whatever is due next.
 *
 * What a job does itself takes the time that it takes, and is awaited; `timeout` is in seconds of
 * the real time too.
 *
 * @example
 * ```ts
 * await using jobs = new TestScheduler({ registry });
 * const { status, attempt } = await jobs.run("flaky", {}, { retries: 3, delay: 3_600 });
 * ```
 */
export class TestScheduler implements AsyncDisposable {
  readonly scheduler: Scheduler;
  readonly executor: TaskExecutor;
  readonly database: Database;
  readonly clock: FakeClock;
  readonly #time: PassingTime;
  readonly #ownsDatabase: boolean;

  /** @throws {RangeError} where a number is none that can be used. */
  constructor({
    registry,
    database,
    now,
    clock = new FakeClock({ now }),
    logger,
    ...options
  }: TestSchedulerOptions = {}) {
    this.clock = clock;
    this.#ownsDatabase = database === undefined;
    this.database = database ?? Database.sqlite(":memory:");
    this.scheduler = new Scheduler({ ...options, database: this.database, clock });
    this.executor = new TaskExecutor({
      database: this.database,
      scheduler: this.scheduler,
      ...(registry === undefined ? {} : { registry }),
      ...(logger === undefined ? {} : { logger }),
    });
    this.#time = new PassingTime(this);
  }

  /**
   * Says how to make what a token injects, as an executor's `provide()` does.
   *
   * @example
   * ```ts
   * await using jobs = new TestScheduler({ registry }).provide(Mailer, { create: () => fake });
   * ```
   */
  provide<T, const I extends readonly Injectable[] = readonly []>(
    token: Providable<T>,
    options: ProviderOptions<T, I>,
  ): this {
    this.executor.provide(token, options);
    return this;
  }

  /**
   * Submits a task, and resolves to the record of its job at its end, well or not.
   *
   * @throws As `submit()` and {@linkcode wait}.
   */
  run(task: string, params?: unknown, options?: RunOptions): Promise<JobRecord>;
  // Last, since the compiler explains what is wrong by the last one.
  run<Input>(task: Task<string, Input>, ...args: RunArguments<NoInfer<Input>>): Promise<JobRecord>;
  async run(task: Task | string, params?: unknown, options?: RunOptions): Promise<JobRecord> {
    // A task is submitted as what it is; its params were typed by it above.
    const id =
      typeof task === "string"
        ? await this.scheduler.submit(task, params, options)
        : await this.scheduler.submit<unknown>(task, params, options);
    return await this.wait(id);
  }

  /**
   * The record of a job at its end. Whenever nothing runs, time leaps to what falls due next: a
   * delay, a backoff, a tick of a schedule.
   *
   * @throws {JobStuckError} where nothing is due any more, and the job has not ended.
   * @throws {JobNotFoundError} where there is no such job, or no more.
   * @throws {SchedulerStoppedError} where the scheduler stops before.
   * @throws The reason of `signal`.
   */
  async wait(id: string, { signal }: WaitOptions = {}): Promise<JobRecord> {
    return await this.#time.waitFor(id, signal);
  }

  /**
   * Lets so many seconds pass: what falls due on the way runs at its own time, and is awaited.
   *
   * @throws {RangeError} where `seconds` is no number from 0 on.
   */
  async advance(seconds: number): Promise<void> {
    await this.#time.pass(seconds);
  }

  /** Resolves when nothing runs, and nothing is due now. */
  async settled(): Promise<void> {
    await this.#time.pass(0);
  }

  /** Ends what runs by its signal, and closes the database unless it was given. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.stop({ grace: 0 });
    await this.executor.stop({ grace: 0 });
    if (this.#ownsDatabase) await this.database.close();
  }
}
