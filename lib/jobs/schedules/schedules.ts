import type { Database, Statements } from "../../storage/mod.ts";
import {
  isInstance,
  type Logger,
  type Principal,
  type Task,
  TaskNotFoundError,
} from "../../tasks/mod.ts";
import type { Clock } from "../clock.ts";
import type { Engine } from "../engine.ts";
import { QueueFullError } from "../errors.ts";
import type { GroupCommit, Work } from "../group_commit.ts";
import type { SubmitOptions } from "../options.ts";
import { Repeated } from "../repeated.ts";
import type { StateMachine, Submission } from "../state_machine.ts";
import { CronExpression } from "./cron_expression.ts";
import { InvalidScheduleError, ScheduleNotFoundError } from "./errors.ts";
import type { CronOptions, Schedule } from "./schedule.ts";
import { createStatements, type Definition, type ScheduleStatements } from "./statements.ts";
import type { ScheduleRow, ScheduleTables } from "./tables.ts";

/** What a process says of a schedule. */
export interface Declaration {
  readonly name: string;
  readonly expression: string;
  readonly task: Task | string;
  readonly params: unknown;
  readonly options: CronOptions;
}

export interface SchedulesOptions {
  readonly database: Database;
  readonly engine: Engine;
  readonly states: StateMachine;
  readonly commits: GroupCommit;
  readonly clock: Clock;
  readonly logger: () => Logger;
  /** Checks what a tick is to submit. */
  readonly prepare: (
    task: Task | string,
    params: unknown,
    options: Omit<SubmitOptions, "session">,
    principal?: Principal | null,
  ) => Promise<Submission>;
  /** Jobs were submitted. */
  readonly onSubmitted: () => void;
}

/** The compiler takes them in a variable, and with a key all ticks would have the one job. */
const OF_ONE_JOB = ["delay", "runAt", "idempotencyKey", "session"];
/** Milliseconds by which a tick may be late, as where a process was suspended, before it counts as missed. */
const LATEST = 60_000;
/** Milliseconds after which it looks again in any case: clocks are set, and laptops sleep. */
const LOOK_EVERY = 60_000;
/** And where the database can't be used, or no lease can be had. */
const TRY_AGAIN_AFTER = 1_000;

/**
 * What ticks: the schedules of a scheduler, as `scheduler.schedules`.
 *
 * A schedule is a row. Each process that declares it looks at the row when the
 * next tick is due, and the first one that writes the tick down submits the job
 * in the same transaction. So a tick has one job however many processes there
 * are, and whatever becomes of them.
 */
export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #statements: ScheduleStatements;
  readonly #expressions = new Map<string, CronExpression>();
  /** What this process declares, by the names of the schedules. */
  readonly #declared = new Map<string, { task: Task | string; definition: Definition }>();
  readonly #looking = new Repeated(() => this.#lookSafely());
  /** As they were last seen, but for other processes' schedules. */
  #rows: readonly ScheduleRow[] = [];
  /** Whether ticks are run. */
  #begun = false;
  /** The lease under which the declarations stand. */
  #worker: string | undefined;
  /** Whether all of them are written down. */
  #isDeclared = false;
  #cancelLook = (): void => {};

  /** @internal Schedules are a scheduler's. */
  constructor(options: SchedulesOptions) {
    this.#options = options;
    this.#statements = createStatements(options.database.own<ScheduleTables>());
  }

  /** What running processes declare, by name. */
  async list(): Promise<Schedule[]> {
    await this.#options.database.migrate();
    const rows = await this.#statements.all.execute();
    const { live } = await this.#declarations();
    return rows
      .filter(({ name }) => this.#declared.has(name) || live.has(name))
      .map((row) => this.#scheduleOf(row));
  }

  /** @throws {ScheduleNotFoundError} */
  async get(name: string): Promise<Schedule> {
    return this.#scheduleOf(await this.#find(name));
  }

  /**
   * Lets ticks pass until `resume()`, across restarts too.
   *
   * @throws {ScheduleNotFoundError}
   */
  async pause(name: string): Promise<void> {
    await this.#find(name);
    await this.#write((tx) => this.#statements.pause.all(tx, { name }));
    this.look();
  }

  /**
   * Lets a paused schedule tick again, from the next time on.
   *
   * @throws {ScheduleNotFoundError}
   */
  async resume(name: string): Promise<void> {
    await this.#find(name);
    const now = this.#options.clock.now();
    await this.#write((tx) => this.#statements.resume.all(tx, { name, now }));
    this.look();
  }

  /**
   * Submits its job now, whatever the time, and even while it is paused. Resolves to the job's id.
   *
   * @throws {ScheduleNotFoundError}
   * @throws As `submit()` does.
   */
  async run(name: string): Promise<string> {
    return await this.runFor(name, null);
  }

  /** @internal As {@linkcode run}, for who asks for it. */
  async runFor(name: string, principal: Principal | null): Promise<string> {
    const row = await this.#find(name);
    const submission = await this.#prepare(row, { principal });
    const id = await this.#write((tx) => this.#submit(row, submission, tx));
    this.#options.onSubmitted();
    return id;
  }

  /**
   * Takes back what this process declares; the schedule is gone when no other one declares it.
   *
   * @throws {ScheduleNotFoundError}
   */
  async remove(name: string): Promise<void> {
    await this.#find(name);
    this.#declared.delete(name);
    const worker = this.#worker ?? "";
    const { ended } = await this.#declarations();
    await this.#write(async (tx) => {
      await this.#statements.withdraw.all(tx, { name, worker });
      await this.#statements.forget.all(tx, { workers: JSON.stringify(ended) });
      await this.#statements.remove.all(tx, { name });
    });
    this.look();
  }

  /** @internal Adds a schedule, or replaces the one of this name. */
  async declare({ name, expression, task, params, options }: Declaration): Promise<Schedule> {
    const { timeZone = "UTC", missed = "skip", ...job } = options;
    if (!/^[a-zA-Z0-9_-]{1,255}$/.test(name)) {
      throw new InvalidScheduleError(name, "a name has letters, digits, - and _, at most 255");
    }
    if (missed !== "skip" && missed !== "once") {
      throw new InvalidScheduleError(name, `missed is "skip" or "once", not "${missed}"`);
    }
    for (const [option, value] of Object.entries(job)) {
      if (value === undefined || !OF_ONE_JOB.includes(option)) continue;
      throw new InvalidScheduleError(name, `${option} is an option of one job, not of each tick's`);
    }
    const now = this.#options.clock.now();
    this.#refuseUnreadable(name, expression, timeZone, now);
    const submission = await this.#options.prepare(task, params, job);
    const definition = {
      name,
      expression,
      time_zone: timeZone,
      task_name: submission.job.task_name ?? "",
      params: submission.job.params ?? "{}",
      options: JSON.stringify(job),
      missed,
      last_tick: now,
    };
    this.#options.database.refuseNested();
    await this.#options.database.migrate();
    await this.#write((tx) => this.#statements.put.all(tx, definition));
    this.#declared.set(name, { task, definition });
    this.#isDeclared = false;
    this.look();
    await this.#looking.settled();
    return await this.get(name);
  }

  /** @internal Begins to tick; the engine has been joined. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    this.look();
    await this.#looking.settled();
  }

  /** @internal Ticks no more, and takes back what this process declares. */
  async end(): Promise<void> {
    this.#begun = false;
    this.#cancelLook();
    await this.#looking.settled();
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    try {
      const workers = JSON.stringify([worker]);
      await this.#write((tx) => this.#statements.forget.all(tx, { workers }));
    } catch (error) {
      // Others see that its lease has ended.
      this.#options.logger().warn("schedules could not be taken back", { error });
    }
  }

  /** @internal Something may have changed. */
  look(): void {
    if (this.#begun) this.#looking.request();
  }

  /** @internal Whether something may tick just now. */
  get isLooking(): boolean {
    return this.#looking.isRunning;
  }

  /** @internal Resolves when the jobs of whatever ticks now are submitted. */
  async settled(): Promise<void> {
    this.look();
    await this.#looking.settled();
  }

  /** @internal When the next tick comes here, in milliseconds since 1970; null where none does. */
  nextTick(): number | null {
    return this.#earliest(this.#rows.filter(({ paused }) => paused === 0));
  }

  async #lookSafely(): Promise<void> {
    this.#cancelLook();
    if (!this.#begun) return;
    if (this.#declared.size === 0) {
      this.#rows = [];
      return;
    }
    let next = this.#options.clock.now() + TRY_AGAIN_AFTER;
    try {
      next = await this.#look();
    } catch (error) {
      this.#options.logger().error("schedules could not be looked at", { error });
    }
    if (!this.#begun) return;
    const { clock } = this.#options;
    this.#cancelLook = clock.after(next - clock.now(), () => this.look());
  }

  /** Runs what is due, and says when to look again, in milliseconds since 1970. */
  async #look(): Promise<number> {
    const { clock, engine } = this.#options;
    // Without a lease nobody would know whether what is declared here still is.
    const { worker } = engine;
    if (worker === undefined) return clock.now() + TRY_AGAIN_AFTER;
    if (worker !== this.#worker || !this.#isDeclared) await this.#declareAll(worker);
    const rows = await this.#statements.named([...this.#declared.keys()]).execute();
    const now = clock.now();
    for (const row of rows) {
      if (row.paused === 1) continue;
      const tick = this.#expressionOf(row).latest(now);
      if (tick !== null && tick > row.last_tick) await this.#tick(row, tick, now);
    }
    this.#rows = rows;
    // Those that are paused too, since nobody says here that another process has resumed one.
    return Math.min(this.#earliest(rows) ?? Number.POSITIVE_INFINITY, now + LOOK_EVERY);
  }

  /** Submits the job of a tick, unless somebody else has. */
  async #tick(row: ScheduleRow, tick: number, now: number): Promise<void> {
    const { logger, onSubmitted } = this.#options;
    const { name, version } = row;
    const finish =
      (submission: Submission | undefined): Work<string | undefined> =>
      async (tx) => {
        const ended = await this.#statements.endTick.all(tx, { name, version, tick });
        if (ended.length === 0 || submission === undefined) return undefined;
        return await this.#submit(row, submission, tx);
      };
    const isMissed = row.missed === "skip" && now - tick > LATEST;
    let submission: Submission | undefined;
    let job: string | undefined;
    try {
      submission = isMissed ? undefined : await this.#prepare(row, { tick });
    } catch (error) {
      // The process that has replaced the schedule knows its task.
      if (isInstance(error, TaskNotFoundError)) return;
      logger().error("a schedule's job can't be submitted", { schedule: name, error });
    }
    try {
      job = await this.#write(finish(submission));
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      logger().error("a schedule's job can't be submitted", { schedule: name, error });
      await this.#write(finish(undefined));
    }
    if (job !== undefined) onSubmitted();
  }

  /** Writes down what this process declares, now that it has this lease. */
  async #declareAll(worker: string): Promise<void> {
    // Set before, since another one may be added meanwhile.
    this.#isDeclared = true;
    const { live, ended } = await this.#declarations();
    const now = this.#options.clock.now();
    await this.#write(async (tx) => {
      await this.#statements.forget.all(tx, { workers: JSON.stringify(ended) });
      for (const [name, { definition }] of this.#declared) {
        // Another process may have removed it while nobody was seen to declare it.
        await this.#statements.restore.all(tx, { ...definition, last_tick: now });
        // As long as somebody declares it nothing is missed, only late.
        if (!live.has(name)) await this.#statements.skipMissed.all(tx, { name, now });
        await this.#statements.declare.all(tx, { name, worker });
      }
    });
    this.#worker = worker;
  }

  async #submit({ name }: ScheduleRow, submission: Submission, tx: Statements): Promise<string> {
    const { states, clock } = this.#options;
    const [submitted] = await states.submit([submission], tx);
    if (submitted === undefined) throw new Error("Nothing was submitted");
    const { id } = submitted;
    await this.#statements.ran.all(tx, { name, now: clock.now(), job: id });
    return id;
  }

  /** The job of a tick, or of now. */
  #prepare(
    { name, task_name, params, options }: ScheduleRow,
    { tick, principal }: { readonly tick?: number; readonly principal?: Principal | null },
  ): Promise<Submission> {
    const task = this.#declared.get(name)?.task;
    const isSame = typeof task === "object" && task.name === task_name;
    const submitted = {
      ...(JSON.parse(options) as CronOptions),
      ...(tick === undefined ? {} : { runAt: new Date(tick) }),
    };
    return this.#options.prepare(
      isSame ? task : task_name,
      JSON.parse(params),
      submitted,
      principal,
    );
  }

  async #find(name: string): Promise<ScheduleRow> {
    await this.#options.database.migrate();
    const [row] = await this.#statements.named([name]).execute();
    const isDeclared = this.#declared.has(name) || (await this.#declarations()).live.has(name);
    if (row === undefined || !isDeclared) throw new ScheduleNotFoundError(name);
    return row;
  }

  /** The names that live workers declare, and the workers that have ended without taking theirs back. */
  async #declarations(): Promise<{ live: ReadonlySet<string>; ended: readonly string[] }> {
    const declarations = await this.#statements.declarations.execute();
    const workers = new Set(declarations.map(({ worker }) => worker));
    const ended = await this.#options.engine.endedAmong([...workers]);
    const live = declarations.filter(({ worker }) => !ended.includes(worker));
    return { live: new Set(live.map(({ name }) => name)), ended };
  }

  #write<T>(work: Work<T>): Promise<T> {
    this.#options.database.refuseNested();
    return this.#options.commits.run(work);
  }

  #scheduleOf(row: ScheduleRow): Schedule {
    const next = row.paused === 1 ? null : this.#nextOf(row);
    return {
      name: row.name,
      expression: row.expression,
      timeZone: row.time_zone,
      taskName: row.task_name,
      params: JSON.parse(row.params) as unknown,
      missed: row.missed,
      paused: row.paused === 1,
      nextRunAt: next === null ? null : new Date(next),
      lastRunAt: row.last_run_at === null ? null : new Date(row.last_run_at),
      lastJobId: row.last_job_id,
    };
  }

  #earliest(rows: readonly ScheduleRow[]): number | null {
    let earliest: number | null = null;
    for (const row of rows) {
      const tick = this.#nextOf(row);
      if (tick !== null && (earliest === null || tick < earliest)) earliest = tick;
    }
    return earliest;
  }

  /** Where the clock was set back, ticks are over that it has still to reach. */
  #nextOf(row: ScheduleRow): number | null {
    return this.#expressionOf(row).next(Math.max(this.#options.clock.now(), row.last_tick));
  }

  #expressionOf({
    expression,
    time_zone,
  }: Pick<ScheduleRow, "expression" | "time_zone">): CronExpression {
    const key = `${time_zone} ${expression}`;
    let parsed = this.#expressions.get(key);
    if (parsed === undefined) {
      parsed = new CronExpression(expression, time_zone);
      this.#expressions.set(key, parsed);
    }
    return parsed;
  }

  #refuseUnreadable(name: string, expression: string, timeZone: string, now: number): void {
    let next: number | null;
    try {
      next = this.#expressionOf({ expression, time_zone: timeZone }).next(now);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const what = `"${expression}" in the time zone "${timeZone}" can't be read: ${reason}`;
      throw new InvalidScheduleError(name, what, { cause });
    }
    if (next === null) throw new InvalidScheduleError(name, `"${expression}" never comes`);
  }
}
