import { AsyncLocalStorage } from "node:async_hooks";
import { within } from "../http/mod.ts";
import { LeaseLostError } from "../storage/mod.ts";
import {
  ExecutorStoppedError,
  isInstance,
  type Logger,
  type StopOptions,
  type Task,
  type TaskExecutor,
} from "../tasks/mod.ts";
import type { Clock } from "./clock.ts";
import { type CurrentJob, currentJob } from "./current_job.ts";
import type { Claim, ClaimableTask, Engine } from "./engine.ts";
import { JobCanceledError, JobReleasedError, SchedulerStoppedError } from "./errors.ts";
import { jobLost } from "./failure.ts";
import type { GroupCommit } from "./group_commit.ts";
import { isFinal } from "./is_final.ts";
import { JobRun } from "./job_run.ts";
import type { JobReader } from "./reader.ts";
import { isTerminal } from "./record.ts";
import { Repeated } from "./repeated.ts";
import { type Ending, Settlement } from "./settlement.ts";
import { type Slot, Slots } from "./slots.ts";
import { Standstill } from "./standstill.ts";
import type { Report, StartedRun, StateMachine } from "./state_machine.ts";
import type { Sweeper } from "./sweeper.ts";

/** A closure that waits for its turn in this process. */
interface Closure {
  readonly claim: Claim;
  readonly task: Task;
}

export interface WorkerOptions {
  readonly engine: Engine;
  readonly states: StateMachine;
  readonly commits: GroupCommit;
  readonly reader: JobReader;
  /** These jobs have changed. */
  readonly notify: (ids: readonly string[]) => void;
  /** Other workers may have ended, or this one has a new lease. */
  readonly othersEnded: () => void;
  readonly clock: Clock;
  readonly maxConcurrency: number;
  /** Bytes. */
  readonly maxResult: number;
  /** Bytes. */
  readonly maxLog: number;
  /** Seconds. */
  readonly lease: number;
  /** Deletes old jobs while the worker works. */
  readonly sweeper: Sweeper;
}

/** Where nobody's AsyncLocalStorage holds anything. */
const outside = AsyncLocalStorage.snapshot();

/** Seconds after which a worker looks again whether or not anything has told it to. */
const LOOK_EVERY = 15;

/**
 * Claims jobs for as many slots as are free and runs them through an executor,
 * from `start()` to `stop()`.
 *
 * A job travels: `#claim` → `#run` → the executor → the settlement.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #executor: TaskExecutor;
  readonly #slots: Slots;
  readonly #settlement: Settlement;
  readonly #claiming = new Repeated(() => this.#attempt(() => this.#claim()));
  readonly #looking = new Repeated(() => this.#attempt(() => this.#look()));
  readonly #checking = new Repeated(() => this.#attempt(() => this.#check()));
  readonly #recovering = new Repeated(() => this.#attempt(() => this.#recover()));
  readonly #running = new Map<string, JobRun>();
  readonly #settling = new Set<Promise<void>>();
  readonly #standstill = new Standstill({
    claim: () => this.#claimed(),
    anyEnded: (ids) => this.#anyEnded(ids),
  });
  readonly #closures: Closure[] = [];
  #tasks: { version: number; claimable: readonly ClaimableTask[] } | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #claims = false;
  #isClosuresTurn = false;
  #cancelLook = (): void => {};

  constructor(executor: TaskExecutor, options: WorkerOptions) {
    this.#executor = executor;
    this.#options = options;
    const { commits, states, clock } = options;
    this.#settlement = new Settlement({
      commits,
      states,
      clock,
      logger: executor.logger,
      isStopping: () => this.#stopping !== undefined,
    });
    this.#slots = new Slots(options.maxConcurrency, () => this.wake());
  }

  get maxConcurrency(): number {
    return this.#slots.max;
  }

  set maxConcurrency(max: number) {
    this.#slots.max = max;
  }

  get isClaiming(): boolean {
    return this.#claims;
  }

  /** Joins the engine, takes over what dead workers left, and begins to claim. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(new SchedulerStoppedError());
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * Claims no more, waits up to `grace` seconds for what runs, then aborts it
   * and hands it back.
   */
  stop({ grace = 10, abortGrace = 2 }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(grace, abortGrace);
    return this.#stopping;
  }

  /** Something may have become claimable. */
  wake(): void {
    if (this.#claims) this.#claiming.request();
  }

  /** Another worker, or process, has committed something. */
  hear(): void {
    this.#looking.request();
    this.check();
  }

  /** Something may have happened to the jobs that run here. */
  check(): void {
    if (this.#running.size > 0) this.#checking.request();
  }

  /** Runs a closure when its turn comes. */
  adopt(closure: Closure): void {
    this.#closures.push(closure);
    if (this.#stopping === undefined) this.wake();
    else void this.#attempt(() => this.#abandonClosures());
  }

  /** Forgets a closure that was canceled before its turn has come. */
  drop(id: string): void {
    const closure = this.#forget(id);
    if (closure === undefined) return;
    const { commits, states } = this.#options;
    void this.#attempt(() => commits.run((tx) => states.leave(closure.claim, tx)));
  }

  /** Resolves when nothing more happens here by itself: to the runs that wait for jobs, and for which. */
  standstill(): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#standstill.reached();
  }

  /** When the next job falls due, in milliseconds since 1970; null where none will. */
  async nextDue(): Promise<number | null> {
    const { engine, commits, clock } = this.#options;
    const due = await commits.run((tx) => engine.nextDue(tx));
    // What is due already, and was not claimed, no time helps.
    return due !== null && due > clock.now() ? due : null;
  }

  get logger(): Logger {
    return this.#executor.logger;
  }

  async #start(): Promise<void> {
    await this.#options.engine.join({
      wake: () => this.hear(),
      othersEnded: () => {
        this.#recovering.request();
        this.#options.othersEnded();
      },
      leaseLost: () => this.#loseLease(),
      failed: (error) => this.logger.error("a lease can't be had", { error }),
    });
    this.#claims = this.#stopping === undefined;
    this.#recovering.request();
    this.wake();
    this.#lookAgain(null);
    if (this.#claims) this.#options.sweeper.start();
  }

  async #stop(grace: number, abortGrace: number): Promise<void> {
    this.#claims = false;
    this.#cancelLook();
    const sweptUp = this.#options.sweeper.stop();
    // A start that failed was reported to who asked for it; nothing runs then.
    await this.#starting?.catch(() => {});
    const begun = performance.now();
    // What it has claimed is to be waited for; but another process's lock may hold it up.
    await within(Math.max(grace, 1), this.#claiming.settled());
    const secondsLeft = grace - (performance.now() - begun) / 1_000;
    await within(Math.max(secondsLeft, 0), this.#settled());
    for (const run of this.#running.values()) run.interrupt(new JobReleasedError(run.jobId));
    await within(Math.max(abortGrace, 1), this.#settled());
    try {
      await this.#abandonClosures();
      // They have nothing to lose, and may wait for a lock.
      const others = Promise.all([this.#recovering.settled(), sweptUp]);
      await within(Math.max(abortGrace, 1), others);
    } finally {
      await this.#options.engine.leave();
    }
  }

  /** Fails the closures whose turn does not come any more. */
  async #abandonClosures(): Promise<void> {
    const { commits, states } = this.#options;
    const closures = this.#closures.splice(0);
    if (closures.length === 0) return;
    const failure = jobLost("its process stopped before it could begin");
    await commits.run(async (tx) => {
      for (const { claim } of closures) await states.abandon(claim, failure, tx);
    });
    this.#notify(closures.map(({ claim }) => claim.id));
  }

  async #settled(): Promise<void> {
    while (this.#settling.size > 0) await Promise.all(this.#settling);
  }

  /** Claims what can be claimed now, after whatever is under way. */
  async #claimed(): Promise<void> {
    // Each of these may ask for a claim.
    for (const work of [this.#looking, this.#recovering, this.#checking]) await work.settled();
    this.wake();
    await this.#claiming.settled();
  }

  async #anyEnded(ids: readonly string[]): Promise<boolean> {
    // Without a slot nobody goes on, whatever has ended.
    if (this.#slots.max === 0) return false;
    const { reader } = this.#options;
    const found = await Promise.all(ids.map((id) => reader.find(id)));
    return found.some((job) => job === undefined || isTerminal(job.record.status));
  }

  /** Looks before it claims: that takes the lock that others write under. */
  async #look(): Promise<void> {
    if (!this.#claims || this.#slots.free === 0) return;
    if (await this.#options.engine.hasDue()) this.wake();
  }

  /** Claims while there is something to claim and a slot to run it in. */
  async #claim(): Promise<void> {
    const { commits, states, engine } = this.#options;
    for (let more = true; more && this.#claims; ) {
      if (this.#slots.free === 0) return;
      using _kept = this.#slots.keep();
      const { runs, closures, nextDue } = await commits.run(async (tx) => {
        // Counted here, since what ends in the same group has made room.
        const free = this.#claims ? this.#slots.free : 0;
        const n = free - this.#shareOfClosures(free);
        const runs = n > 0 ? await states.claim(n, this.#claimable(), tx) : [];
        more = runs.length === n && n > 0;
        const closures: [Closure, StartedRun | undefined][] = [];
        for (const closure of this.#closures.slice(0, free - runs.length)) {
          closures.push([closure, await states.begin(closure.claim, tx)]);
        }
        return { runs, closures, nextDue: more ? null : await engine.nextDue(tx) };
      });
      for (const started of runs) this.#launch(started);
      for (const [closure, started] of closures) {
        this.#forget(closure.claim.id);
        if (started !== undefined) this.#launch(started, closure.task);
      }
      this.#notify(runs.map(({ id }) => id));
      this.#notify(closures.map(([{ claim }]) => claim.id));
      more ||= closures.length > 0;
      if (!more) this.#lookAgain(nextDue);
    }
  }

  /** Closures and queued jobs get half of what is free each, and the odd one in turn. */
  #shareOfClosures(free: number): number {
    this.#isClosuresTurn = !this.#isClosuresTurn;
    const half = this.#isClosuresTurn ? Math.ceil(free / 2) : Math.floor(free / 2);
    return Math.min(this.#closures.length, half);
  }

  #launch(started: StartedRun, closure?: Task): void {
    const slot = this.#slots.take();
    const { states, clock, maxResult, maxLog } = this.#options;
    const run = new JobRun({
      started,
      states,
      clock,
      maxResult,
      maxLog,
      report: (run) => this.#report(run),
      onCompleted: (run) => this.#notify([run.jobId]),
    });
    this.#running.set(started.id, run);
    const activity = this.#standstill.begin(started.id);
    const settled = this.#run(run, slot, started, closure).finally(() => {
      this.#settling.delete(settled);
      activity[Symbol.dispose]();
    });
    this.#settling.add(settled);
  }

  async #run(
    run: JobRun,
    slot: Slot,
    started: StartedRun,
    closure: Task | undefined,
  ): Promise<void> {
    const current: CurrentJob = {
      id: run.jobId,
      yieldSlot: (awaited, work) =>
        this.#standstill.during(run.jobId, awaited, () => slot.yieldDuring(work)),
    };
    // Whoever happened to wake this worker has nothing to do with the job.
    const ending = await outside(() =>
      currentJob.run(current, () => this.#execute(run, started, closure)),
    );
    // What follows in the same group may have the slot already.
    const settling = this.#settlement.settle(run, started, ending);
    this.#running.delete(run.jobId);
    // Without a slot it may still make room under its key.
    if (!slot.end()) this.wake();
    await settling;
    this.#notify([run.jobId]);
  }

  async #execute(run: JobRun, started: StartedRun, closure: Task | undefined): Promise<Ending> {
    let result: unknown;
    try {
      const task = closure ?? this.#executor.registry.get(started.task_name ?? "");
      const params: unknown = started.params === null ? {} : JSON.parse(started.params);
      const principal =
        started.created_by === null ? null : { name: started.created_by, scopes: [] };
      result = await this.#executor.execute(task, params, { principal, owner: run });
    } catch (error) {
      // It can run nothing more, so there is nothing more to claim.
      if (isInstance(error, ExecutorStoppedError)) this.#claims = false;
      return { error, isFinal: isFinal(error, started.task_name) };
    }
    if (run.completed) return { isWritten: true };
    try {
      return { outcome: run.outcomeOf(result) };
    } catch (error) {
      return { error, isFinal: true };
    }
  }

  async #report(run: JobRun): Promise<boolean> {
    const { commits, states } = this.#options;
    let isWritten = false;
    let report: Report | undefined;
    await this.#attempt(async () => {
      try {
        const told = await commits.run((tx) => {
          // Taken when it is written, since complete() may come first; once, since this may run twice.
          report ??= run.takeReport();
          return states.report(run.claim, report, tx);
        });
        isWritten = true;
        if (told) this.#notify([run.jobId]);
        else this.check();
      } catch (error) {
        // It is written with the next one, or with how the run has ended.
        if (report !== undefined) run.takeBack(report);
        throw error;
      }
    });
    return isWritten;
  }

  /** Interrupts the runs that may write no more. */
  async #check(): Promise<void> {
    const runs = [...this.#running.values()];
    const running = await this.#options.reader.running(runs.map(({ jobId }) => jobId));
    for (const run of runs) {
      if (run.completed) continue;
      const { id } = run.claim;
      const fence = running.get(id);
      if (fence === run.claim.fence) continue;
      const isTaken = fence !== undefined;
      run.interrupt(isTaken ? new LeaseLostError(this.#options.lease) : new JobCanceledError(id));
    }
  }

  async #recover(): Promise<void> {
    const { engine, commits, states } = this.#options;
    const workers = await engine.ended();
    if (workers.length === 0) return;
    const ids = await commits.run((tx) => states.recover(workers, tx));
    if (ids.length > 0)
      this.logger.warn("dead workers have left jobs behind: they run again, or have failed", {
        jobs: ids,
      });
    this.#notify(ids);
    this.wake();
  }

  /** Others may have taken over what runs here: it must not go on. */
  #loseLease(): void {
    this.logger.error("the lease was lost: what runs is aborted, and run again elsewhere");
    for (const run of this.#running.values()) {
      run.interrupt(new LeaseLostError(this.#options.lease));
    }
  }

  /** Looks again when the next job is due, and from time to time in any case. */
  #lookAgain(nextDue: number | null): void {
    this.#cancelLook();
    // What was under way at a stop must leave no timer behind, which would keep the process alive.
    if (!this.#claims) return;
    const { clock } = this.#options;
    const milliseconds =
      nextDue === null ? LOOK_EVERY * 1_000 : Math.min(nextDue - clock.now(), LOOK_EVERY * 1_000);
    this.#cancelLook = clock.after(milliseconds, () => {
      this.#recovering.request();
      this.wake();
    });
  }

  /** A database that can't be used now may be later. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#stopping === undefined) {
        this.logger.error("the worker could not use its database", { error });
        this.#lookAgain(this.#options.clock.now() + 1_000);
      }
    }
  }

  #forget(id: string): Closure | undefined {
    const index = this.#closures.findIndex(({ claim }) => claim.id === id);
    return index === -1 ? undefined : this.#closures.splice(index, 1)[0];
  }

  #claimable(): readonly ClaimableTask[] {
    const { registry } = this.#executor;
    if (this.#tasks?.version !== registry.version) {
      const claimable = registry.listAll().map((name) => {
        const { job } = registry.get(name);
        return { name, concurrency: job.concurrency ?? null };
      });
      this.#tasks = { version: registry.version, claimable };
    }
    return this.#tasks.claimable;
  }

  #notify(ids: readonly string[]): void {
    this.#options.notify(ids);
  }
}
