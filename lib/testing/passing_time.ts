import { JobNotFoundError, type JobRecord, type Scheduler } from "../jobs/mod.ts";
import type { TaskExecutor } from "../tasks/mod.ts";
import { JobStuckError } from "./errors.ts";
import type { FakeClock } from "./fake_clock.ts";
import { obstacleOf, type Standing } from "./obstacle.ts";

export interface PassingTimeOptions {
  readonly scheduler: Scheduler;
  readonly executor: TaskExecutor;
  readonly clock: FakeClock;
}

/** Somebody who waits for the end of a job. */
interface WaitForJob {
  readonly id: string;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly reject: (error: unknown) => void;
}

/** Somebody who waits for a time. */
interface WaitForTime {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets time pass for a scheduler while somebody waits: whenever nothing runs, the clock leaps to
 * what falls due next. All who wait share it, so that none leaps over what is due for another.
 */
export class PassingTime {
  readonly #options: PassingTimeOptions;
  readonly #forJobs = new Set<WaitForJob>();
  readonly #forTimes = new Set<WaitForTime>();
  #isPassing = false;

  constructor(options: PassingTimeOptions) {
    this.#options = options;
  }

  /**
   * The record of a job at its end, for which as much time passes as it takes.
   *
   * @throws {JobStuckError}
   * @throws {JobNotFoundError}
   * @throws {SchedulerStoppedError}
   * @throws The reason of `signal`.
   */
  async waitFor(id: string, signal: AbortSignal | undefined): Promise<JobRecord> {
    const left = new AbortController();
    const signals = signal === undefined ? [left.signal] : [left.signal, signal];
    const stuck = Promise.withResolvers<never>();
    const wait: WaitForJob = { id, signal: AbortSignal.any(signals), reject: stuck.reject };
    try {
      // Where a job calls this, it waits for the other one in the eyes of its scheduler too.
      const end = this.#options.scheduler.wait(id, wait);
      this.#forJobs.add(wait);
      this.#begin();
      return await Promise.race([end, stuck.promise]);
    } finally {
      this.#forJobs.delete(wait);
      left.abort();
    }
  }

  /** Resolves when it is `seconds` later, and nothing runs or is due. */
  async pass(seconds: number): Promise<void> {
    if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`Cannot let ${seconds} seconds pass`);
    }
    const at = this.#options.clock.now() + Math.round(seconds * 1_000);
    await new Promise<void>((resolve, reject) => {
      this.#forTimes.add({ at, resolve, reject });
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    void this.#pass();
  }

  async #pass(): Promise<void> {
    try {
      while (this.#isAwaited) await this.#step();
    } catch (error) {
      this.#rejectAll(error);
    } finally {
      this.#isPassing = false;
    }
  }

  /** Waits until nothing runs, lets go of who need wait no more, and leaps to what is next. */
  async #step(): Promise<void> {
    const { scheduler, executor, clock } = this.#options;
    // Who comes meanwhile may have submitted something that is not yet claimed.
    const forJobs = [...this.#forJobs];
    const forTimes = [...this.#forTimes];
    const waits = await scheduler.standstill();
    const isMoreDue = (await scheduler.nextDue()) !== null;
    const now = clock.now();
    for (const wait of forJobs) {
      await this.#look(wait, { scheduler, executor, now, waits }, isMoreDue);
    }
    for (const wait of forTimes) {
      if (wait.at > now) continue;
      this.#forTimes.delete(wait);
      wait.resolve();
    }
    // Asked again, since something nearer may have been submitted.
    const nextDue = await scheduler.nextDue();
    const times = [...this.#forTimes].map(({ at }) => at);
    if (nextDue !== null) times.push(nextDue);
    if (this.#isAwaited && times.length > 0) clock.leap(Math.min(...times));
  }

  get #isAwaited(): boolean {
    return this.#forJobs.size + this.#forTimes.size > 0;
  }

  /** Lets go of who waits for a job that has ended, or never will. */
  async #look(wait: WaitForJob, standing: Standing, isMoreDue: boolean): Promise<void> {
    const job = await this.#find(wait.id);
    if (job === undefined || hasEnded(job.record)) {
      // It hears so by itself; until then no time must pass for it.
      this.#forJobs.delete(wait);
      return;
    }
    const { record, revision } = job;
    const { reason, goesBy } = await obstacleOf(record, standing);
    // Somebody may have started it meanwhile.
    if ((await this.#find(wait.id))?.revision !== revision) return;
    if (goesBy === "nothing" || (goesBy === "time" && !isMoreDue)) {
      this.#forJobs.delete(wait);
      wait.reject(new JobStuckError(wait.id, reason));
    } else if (!isMoreDue) {
      this.#forJobs.delete(wait);
      void this.#waitForOthers(wait, revision);
    }
  }

  /** Undefined where there is no such job, or no more. */
  async #find(id: string): Promise<{ revision: number; record: JobRecord } | undefined> {
    try {
      return await this.#options.scheduler.find(id);
    } catch (error) {
      if (error instanceof JobNotFoundError) return undefined;
      throw error;
    }
  }

  /** No time of this clock helps the job; what others make of it may need some again. */
  async #waitForOthers(wait: WaitForJob, revision: number): Promise<void> {
    const { signal } = wait;
    try {
      await this.#options.scheduler.events(wait.id, { after: revision, signal }).next();
    } catch {
      // Who waits is told the same by the scheduler itself.
      return;
    }
    if (signal.aborted) return;
    this.#forJobs.add(wait);
    this.#begin();
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of [...this.#forJobs, ...this.#forTimes]) reject(error);
    this.#forJobs.clear();
    this.#forTimes.clear();
  }
}

function hasEnded({ status }: JobRecord): boolean {
  return status !== "pending" && status !== "running";
}
