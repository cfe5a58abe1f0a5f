import { afterCommit, type Session, type Statements } from "../storage/mod.ts";
import {
  type Awaitable,
  type Injectable,
  type InjectedAll,
  type Logger,
  type RunScheduler,
  type StopOptions,
  type SubmitRequest,
  type Task,
  TaskContext,
  TaskExecutor,
  TaskRegistry,
} from "../tasks/mod.ts";
import { BulkChanges } from "./bulk_changes.ts";
import { Changes } from "./changes.ts";
import { systemClock } from "./clock.ts";
import { currentJob } from "./current_job.ts";
import { EmbeddedEngine } from "./embedded/engine.ts";
import {
  JobCanceledError,
  JobFailedError,
  JobNotFoundError,
  JobStateError,
  SchedulerStoppedError,
} from "./errors.ts";
import { type EventsOptions, jobEvents } from "./events.ts";
import { FinishedJobs } from "./finished_jobs.ts";
import type { JobFilter, ListOptions } from "./job_list.ts";
import { joinNeighbours } from "./neighbours.ts";
import {
  type ChangeOptions,
  checkSubmitOptions,
  type JobSubmission,
  type SubmitArguments,
  type SubmitOptions,
} from "./options.ts";
import { readSubmission } from "./read_submission.ts";
import { JobReader, type LogsOptions } from "./reader.ts";
import {
  isTerminal,
  type JobEvent,
  type JobLogLine,
  type JobRecord,
  type JobSummary,
} from "./record.ts";
import { createRecords } from "./records.ts";
import { chooseRetention, type Kept } from "./retention.ts";
import type { SchedulerOptions, SpawnOptions } from "./scheduler_options.ts";
import type { CronArguments, CronOptions, Schedule } from "./schedules/schedule.ts";
import { Schedules } from "./schedules/schedules.ts";
import { SharedReads } from "./shared_reads.ts";
import { StateMachine, type Submission } from "./state_machine.ts";
import { newJob } from "./submission.ts";
import { Submitter } from "./submitter.ts";
import { Sweeper } from "./sweeper.ts";
import type { JobTables } from "./tables.ts";
import { toProblem } from "./to_problem.ts";
import { recordToWire } from "./to_wire.ts";
import { Worker } from "./worker.ts";
import { Writes } from "./writes.ts";

/**
 * Runs tasks and closures in the background, as jobs with a record in the
 * database. An executor that is given a scheduler runs its jobs.
 *
 * @example
 * ```ts
 * const scheduler = new Scheduler({ database });
 * const executor = new TaskExecutor({ registry, database, scheduler });
 * const id = await scheduler.submit("greet_user", { name: "Alice" }, { retries: 3 });
 * const { result } = await scheduler.wait(id);
 * ```
 */
export class Scheduler implements RunScheduler, AsyncDisposable {
  /** Where the routes of its jobs are mounted. */
  readonly prefix: string;
  /** Whether callers see the stack of an error. */
  readonly traceback: boolean;
  /** What `cron()` has declared, here and in other running processes. */
  readonly schedules: Schedules;
  readonly #options: Required<
    Pick<SchedulerOptions, "database" | "maxParams" | "maxResult" | "maxLog" | "lease" | "clock">
  >;
  readonly #kept: readonly Kept[];
  readonly #reader: JobReader;
  readonly #sharedReads: SharedReads;
  readonly #writes: Writes;
  readonly #states: StateMachine;
  readonly #submitter: Submitter;
  readonly #bulk: BulkChanges;
  readonly #changes: Changes;
  readonly #tellNeighbours: (ids: readonly string[]) => void;
  readonly #engine: EmbeddedEngine;
  #executor: TaskExecutor | undefined;
  #worker: Worker | undefined;
  #starter = () => this.start();
  #maxConcurrency: number;
  readonly #ending = new AbortController();
  #stopping: Promise<void> | undefined;

  /** @throws {RangeError} where a number is none that can be used. */
  constructor({
    database,
    maxConcurrency = 10,
    lease = 10,
    crashLimit = 3,
    maxParams = 1024 * 1024,
    maxResult = 1024 * 1024,
    maxLog = 1024 * 1024,
    retention = {},
    traceback = process.env["NODE_ENV"] !== "production",
    prefix = "/api/v1/jobs",
    clock = systemClock,
  }: SchedulerOptions) {
    for (const [option, value] of Object.entries({ crashLimit, maxParams, maxResult, maxLog })) {
      refuseUnlessWhole(option, value);
    }
    if (!(lease >= 0.1 && lease <= 86_400)) {
      throw new RangeError(`Cannot use ${lease} as lease: it is 0.1 to 86,400 seconds`);
    }
    refuseUnlessWhole("maxConcurrency", maxConcurrency);
    this.prefix = prefix;
    this.traceback = traceback;
    this.#options = { database, maxParams, maxResult, maxLog, lease, clock };
    this.#kept = chooseRetention(retention);
    this.#maxConcurrency = maxConcurrency;
    const db = database.own<JobTables>();
    this.#reader = new JobReader(db);
    this.#sharedReads = new SharedReads(this.#reader);
    this.#writes = new Writes(database);
    // Losing one worker proves nothing: after a crash all that ran is run again side by side.
    const suspectAfter = Math.min(2, Math.max(1, crashLimit));
    this.#engine = new EmbeddedEngine({ database, clock, lease, suspectAfter });
    const records = createRecords(db);
    this.#states = new StateMachine({ records, engine: this.#engine, clock, crashLimit, lease });
    this.#submitter = new Submitter({
      states: this.#states,
      writes: this.#writes,
      clock,
      maxParams,
      onSubmitted: (session) => this.#submitted(session),
    });
    this.#bulk = new BulkChanges({
      db,
      states: this.#states,
      writes: this.#writes,
      onChanged: (ids) => this.#hasChanged(ids),
      watchStop: () => {
        const wasStopped = this.#stopping !== undefined;
        return () => {
          if (!wasStopped) this.#refuseStopped();
        };
      },
    });
    this.schedules = new Schedules({
      database,
      engine: this.#engine,
      states: this.#states,
      commits: this.#writes.commits,
      clock,
      logger: () => this.#ownWorker().logger,
      prepare: (task, params, options, principal) =>
        this.#submitter.prepare(this.#taskOf(task), params, options, principal),
      onSubmitted: () => this.#submitted(undefined),
    });
    this.#tellNeighbours = joinNeighbours(database, { hear: (ids) => this.#hear(ids) });
    this.#changes = new Changes({
      listen: (onChange) => database.onForeignCommit(onChange),
      revisions: (ids) => this.#reader.revisions(ids),
    });
  }

  /** How many jobs run at once in this process. More start at once; what runs is not interrupted. */
  get maxConcurrency(): number {
    return this.#maxConcurrency;
  }

  set maxConcurrency(max: number) {
    refuseUnlessWhole("maxConcurrency", max);
    this.#maxConcurrency = max;
    if (this.#worker !== undefined) this.#worker.maxConcurrency = max;
  }

  /** @internal What is submitted starts the scheduler through this: with what it is a part of. */
  startThrough(start: () => Promise<void>): void {
    this.#starter = start;
  }

  /** Called by the executor that is to run the jobs. */
  attach(executor: TaskExecutor): void {
    if (this.#executor !== undefined) {
      throw new TypeError("Cannot give one scheduler to two executors");
    }
    this.#executor = executor;
    executor.lend(Scheduler, this);
  }

  /**
   * Begins to run jobs, those that were submitted before it too. A service does
   * this when it starts, and the first `submit()` or `spawn()` when nobody has.
   *
   * @throws {SchedulerStoppedError} after `stop()`.
   */
  async start(): Promise<void> {
    this.#refuseStopped();
    await this.#options.database.migrate();
    // It may have been stopped meanwhile.
    this.#refuseStopped();
    await this.#ownWorker().start();
    this.#refuseStopped();
    await this.schedules.begin();
  }

  /**
   * Runs no more jobs: waits up to `grace` seconds for those that run, then
   * aborts them and hands them back to the queue at once. Then whoever still
   * waits for a job, or follows its events, gets a {@linkcode SchedulerStoppedError}.
   */
  stop(options: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Runs a closure in the background and resolves to the id of its job, a ULID.
   *
   * What it returns, any JSON, is kept as the job's result. It can't outlive
   * its process: where that ends, the job has failed with `JobLost`.
   *
   * @throws {SchedulerStoppedError} after `stop()`.
   *
   * @example
   * ```ts
   * const id = await scheduler.spawn(
   *   async ({ progress }, database) => {
   *     progress(0.5);
   *     return { url: database.url };
   *   },
   *   { description: "look at the database", inject: [Database] },
   * );
   * ```
   */
  async spawn<R, const I extends readonly Injectable[] = readonly []>(
    fn: (context: TaskContext, ...injected: InjectedAll<I>) => Awaitable<R>,
    { description, tags, inject }: SpawnOptions<I> = {},
  ): Promise<string> {
    if (typeof fn !== "function") throw new TypeError("Cannot spawn what is no function");
    const options = { ...(description === undefined ? {} : { description }), tags: tags ?? [] };
    checkSubmitOptions(options, this.#options.clock.now());
    this.#options.database.refuseNested();
    await this.start();
    const job = newJob({
      task: null,
      params: null,
      options,
      principal: null,
      clock: this.#options.clock,
    });
    const task: Task = {
      name: "closure",
      description: description ?? null,
      tags: [],
      inject: [TaskContext, ...(inject ?? [])],
      params: undefined,
      returns: undefined,
      timeout: null,
      job: {},
      // The executor calls it with what `inject` names, which the types above hold together.
      run: (_params, ...injected) => (fn as (...injected: unknown[]) => unknown)(...injected),
    };
    const claim = await this.#writes.commits.run((tx) => this.#states.spawn(job, tx));
    this.#ownWorker().adopt({ claim, task });
    return job.id;
  }

  /**
   * Submits a task to be run, and resolves to the id of its job, a ULID, once
   * that is committed: from then on it survives any crash.
   *
   * @throws {TaskNotFoundError} where no task has this name.
   * @throws {ValidationError} where the params are not what the task's schema asks for.
   * @throws {InvalidJobOptionsError} where the options can't be used.
   * @throws {ParamsTooLargeError} for params of more than `maxParams` bytes.
   * @throws {IdempotencyConflictError} where the key belongs to a job with other params.
   * @throws {QueueFullError} where as many jobs wait as the task's `maxPending` allows.
   * @throws {NestedWriteError} inside a transaction whose session was not given.
   */
  submit(task: string, params?: unknown, options?: SubmitOptions): Promise<string>;
  // Last, since the compiler explains what is wrong by the last one.
  submit<Input>(
    task: Task<string, Input>,
    ...args: SubmitArguments<NoInfer<Input>>
  ): Promise<string>;
  async submit(
    task: Task | string,
    params?: unknown,
    { session, ...options }: SubmitOptions = {},
  ): Promise<string> {
    const submission = await this.#submitter.prepare(this.#taskOf(task), params, options);
    const { id } = await this.#submitter.submit(submission, session);
    return id;
  }

  /**
   * Submits many at once, in one transaction: all of them, or none. Resolves to
   * the ids of their jobs, in order.
   *
   * @throws As {@linkcode submit}.
   */
  async submitMany(
    submissions: readonly JobSubmission[],
    { session }: ChangeOptions = {},
  ): Promise<string[]> {
    const prepared: Submission[] = [];
    for (const { task, params, ...options } of submissions) {
      prepared.push(await this.#submitter.prepare(this.#taskOf(task), params, options));
    }
    const submitted = await this.#submitter.submitMany(prepared, session);
    return submitted.map(({ id }) => id);
  }

  /**
   * Submits a task again and again, at the times of a cron expression: five
   * fields, or six with seconds first. The same name replaces. However many
   * processes declare it, each tick has one job; when none does any more, it is gone.
   *
   * @throws {InvalidScheduleError} where name, expression, time zone or `missed` can't be used.
   * @throws As {@linkcode submit} where such a job could not be submitted.
   *
   * @example
   * ```ts
   * await scheduler.cron("nightly", "30 2 * * *", "clean_up", { days: 30 }, { timeZone: "Europe/Oslo" });
   * ```
   */
  cron(
    name: string,
    expression: string,
    task: string,
    params?: unknown,
    options?: CronOptions,
  ): Promise<Schedule>;
  cron<Input>(
    name: string,
    expression: string,
    task: Task<string, Input>,
    ...args: CronArguments<NoInfer<Input>>
  ): Promise<Schedule>;
  async cron(
    name: string,
    expression: string,
    task: Task | string,
    params?: unknown,
    options: CronOptions = {},
  ): Promise<Schedule> {
    this.#refuseStopped();
    const schedule = await this.schedules.declare({ name, expression, task, params, options });
    this.#wake(undefined);
    return schedule;
  }

  /** @throws {JobNotFoundError} */
  async get(id: string): Promise<JobRecord> {
    const { record } = await this.find(id);
    return record;
  }

  /** @internal The record with its revision. */
  async find(id: string): Promise<{ revision: number; record: JobRecord }> {
    await this.#options.database.migrate();
    const found = await this.#reader.find(id);
    if (found === undefined) throw new JobNotFoundError(id);
    return found;
  }

  /** The newest first, without their params and results. */
  async list(options: ListOptions = {}): Promise<JobSummary[]> {
    await this.#options.database.migrate();
    return await this.#reader.list(options);
  }

  /**
   * The lines that a job has logged, the oldest first.
   *
   * @throws {JobNotFoundError}
   */
  async logs(id: string, options: LogsOptions = {}): Promise<JobLogLine[]> {
    await this.find(id);
    return await this.#reader.logs(id, options);
  }

  /**
   * Resolves to the record once the job has ended, well or not. A job that
   * waits so for another one lends its place to others meanwhile.
   *
   * @throws {JobStateError} where a job waits for itself.
   * @throws {JobNotFoundError} where there is no such job, or no more.
   * @throws The reason of `signal`.
   */
  async wait(
    id: string,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<JobRecord> {
    const waiting = async () => {
      for await (const { revision: _, ...record } of this.sharedEvents(id, { signal })) {
        if (record.status === "deleted") break;
        if (isTerminal(record.status)) return record;
      }
      throw new JobNotFoundError(id);
    };
    const current = currentJob.getStore();
    if (current?.id === id) throw new JobStateError(id, "running", "wait within itself for");
    return await (current === undefined ? waiting() : current.yieldSlot(id, waiting));
  }

  /**
   * The result of a completed job.
   *
   * @throws {JobNotFoundError}
   * @throws {JobFailedError} where it has failed.
   * @throws {JobCanceledError} where it was canceled.
   * @throws {JobStateError} where it has not ended.
   */
  async result(id: string): Promise<unknown> {
    const { status, result, error } = await this.get(id);
    if (status === "completed") return result;
    if (status === "failed") throw new JobFailedError(id, error);
    if (status === "canceled") throw new JobCanceledError(id);
    throw new JobStateError(id, status, "give the result of");
  }

  /**
   * Tells what a job is, now and whenever it changes, up to its end.
   *
   * @throws {JobNotFoundError}
   * @throws The reason of `signal`.
   */
  events(id: string, options: EventsOptions = {}): AsyncGenerator<JobEvent, void> {
    return this.#follow(id, options, this.#reader);
  }

  /** @internal As {@linkcode events}, with records that others are given too. */
  sharedEvents(id: string, options: EventsOptions): AsyncGenerator<JobEvent, void> {
    return this.#follow(id, options, this.#sharedReads);
  }

  /**
   * Cancels a job. A running one is `canceled` at once; its `signal` follows.
   * One that is canceled already stays so.
   *
   * @throws {JobNotFoundError}
   * @throws {JobStateError} where it is completed or failed.
   */
  async cancel(id: string, { session }: ChangeOptions = {}): Promise<void> {
    await this.cancelJob(id, session);
  }

  /** @internal As {@linkcode cancel}, and says whether it was canceled before. */
  async cancelJob(id: string, session?: Session): Promise<"canceled" | "already"> {
    return await this.#change([id], session, (tx) => this.#states.cancel(id, tx));
  }

  /**
   * Queues a failed or canceled job again, under its id and with its history.
   *
   * @throws {JobNotFoundError}
   * @throws {JobStateError} where it is neither, or a closure.
   */
  async retry(id: string, { session }: ChangeOptions = {}): Promise<void> {
    await this.#change([id], session, (tx) => this.#states.retry(id, tx));
    this.#wake(session);
  }

  /**
   * Deletes a job with its log; what runs is canceled.
   *
   * @throws {JobNotFoundError}
   */
  async delete(id: string, { session }: ChangeOptions = {}): Promise<void> {
    await this.#change([id], session, (tx) => this.#states.delete(id, tx));
  }

  /**
   * Queues all failed and canceled jobs of a filter again, as {@linkcode retry}
   * does, the oldest first, and resolves to how many. What is neither, and
   * closures, it passes over; what fails again meanwhile too.
   *
   * Each batch is a transaction of its own: where it rejects, those before stand.
   *
   * @throws {TypeError} where the filter is none.
   * @throws {SchedulerStoppedError} where `stop()` comes in between.
   */
  async retryMany(filter: JobFilter = {}): Promise<number> {
    return await this.#bulk.retry(filter, () => this.#wake(undefined));
  }

  /**
   * Deletes all jobs of a filter, as {@linkcode delete} does, the oldest first,
   * and resolves to how many. What is submitted meanwhile it leaves alone.
   *
   * Each batch is a transaction of its own: where it rejects, those before stand.
   *
   * @throws {TypeError} where the filter is none, or empty: `{ since: new Date(0) }` names all jobs.
   * @throws {SchedulerStoppedError} where `stop()` comes in between.
   */
  async deleteMany(filter: JobFilter): Promise<number> {
    return await this.#bulk.delete(filter);
  }

  /**
   * Runs what is due, and resolves when nothing more happens here until time passes: to the runs
   * that wait for jobs, and for which. For `taskmount/testing`.
   *
   * @internal
   * @throws {SchedulerStoppedError} after `stop()`.
   */
  async standstill(): Promise<ReadonlyMap<string, readonly string[]>> {
    await this.start();
    for (;;) {
      await this.schedules.settled();
      const waits = await this.#ownWorker().standstill();
      this.#refuseStopped();
      // A job may just have declared a schedule.
      if (!this.schedules.isLooking) return waits;
    }
  }

  /**
   * When something falls due next, in milliseconds since 1970; null where nothing will. What only
   * keeps house by the clock, such as looks and retention, isn't told.
   *
   * @internal
   */
  async nextDue(): Promise<number | null> {
    const times = [await this.#ownWorker().nextDue(), this.schedules.nextTick()];
    const next = Math.min(...times.map((time) => time ?? Number.POSITIVE_INFINITY));
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  /** Answers `POST {prefix}/{name}/$submit`, for the routes of tasks. */
  async answerSubmit(task: Task, submitted: SubmitRequest): Promise<Response> {
    const { params, options } = await readSubmission(submitted);
    try {
      const submission = await this.#submitter.prepare(task, params, options, submitted.principal);
      const { id, created } = await this.#submitter.submit(submission, undefined);
      const record = await this.get(id);
      const location = submitted.link(`${this.prefix}/${record.id}`);
      return Response.json(recordToWire(record, this), {
        status: created ? 202 : 200,
        headers: { location },
      });
    } catch (error) {
      throw toProblem(error);
    }
  }

  #follow(
    id: string,
    options: EventsOptions,
    reader: Pick<JobReader, "find">,
  ): AsyncGenerator<JobEvent, void> {
    return jobEvents(id, options, {
      begin: () => this.#options.database.migrate(),
      reader,
      changes: this.#changes,
      ending: this.#ending.signal,
    });
  }

  async #stop(options: StopOptions): Promise<void> {
    await this.schedules.end();
    await this.#worker?.stop(options);
    this.#ending.abort(new SchedulerStoppedError());
  }

  #submitted(session: Session | undefined): void {
    afterCommit(session, () => this.#tellNeighbours([]));
    this.#wake(session);
  }

  async #change<T>(
    ids: readonly string[],
    session: Session | undefined,
    work: (tx: Statements) => Promise<T>,
  ): Promise<T> {
    const result = await this.#writes.run(session, work);
    afterCommit(session, () => this.#hasChanged(ids));
    return result;
  }

  /** These jobs were changed here, and may run here. */
  #hasChanged(ids: readonly string[]): void {
    this.#notify(ids);
    this.#worker?.check();
    for (const id of ids) this.#worker?.drop(id);
  }

  /** These jobs were changed here. */
  #notify(ids: readonly string[]): void {
    this.#changes.notify(ids);
    this.#tellNeighbours(ids);
  }

  #hear(ids: readonly string[]): void {
    this.#changes.notify(ids);
    this.#worker?.hear();
  }

  /** There may be something to run. */
  #wake(session: Session | undefined): void {
    if (this.#executor === undefined || this.#stopping !== undefined) return;
    const worker = this.#ownWorker();
    afterCommit(session, () => {
      if (worker.isClaiming) return worker.wake();
      if (this.#stopping !== undefined) return;
      this.#starter().then(
        () => worker.wake(),
        (error: unknown) => {
          // A stop that came meanwhile is none.
          if (this.#stopping !== undefined) return;
          this.#executor?.logger.error("jobs can't be run", { error });
        },
      );
    });
  }

  #taskOf(task: Task | string): Task {
    // A task itself may be one that only another process runs.
    if (typeof task !== "string") return task;
    return (this.#executor?.registry ?? new TaskRegistry()).get(task);
  }

  #refuseStopped(): void {
    if (this.#stopping !== undefined) throw new SchedulerStoppedError();
  }

  #ownWorker(): Worker {
    if (this.#worker === undefined) {
      const { database, clock, maxResult, maxLog, lease } = this.#options;
      // Closures need no tasks, and so nobody to give it an executor; one that it makes attaches itself.
      const executor =
        this.#executor ??
        new TaskExecutor({ registry: new TaskRegistry(), database, scheduler: this });
      this.#worker = new Worker(executor, {
        engine: this.#engine,
        states: this.#states,
        commits: this.#writes.commits,
        reader: this.#reader,
        notify: (ids) => this.#notify(ids),
        othersEnded: () => this.schedules.look(),
        clock,
        maxConcurrency: this.#maxConcurrency,
        maxResult,
        maxLog,
        lease,
        sweeper: this.#sweeper(executor.logger),
      });
    }
    return this.#worker;
  }

  #sweeper(logger: Logger): Sweeper {
    const { database, clock } = this.#options;
    return new Sweeper({
      kept: this.#kept,
      jobs: new FinishedJobs(database.own<JobTables>()),
      clock,
      logger,
      remove: async (ids, only, pace) => {
        const remove = (tx: Statements) => this.#states.deleteMany(ids, only, tx);
        this.#notify(await this.#bulk.changeBatch(ids, pace, remove));
      },
    });
  }
}

function refuseUnlessWhole(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`Cannot use ${value} as ${option}: it is a whole number from 0 on`);
}
