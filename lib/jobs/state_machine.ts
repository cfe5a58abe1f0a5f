import { LeaseLostError, type Statements } from "../storage/mod.ts";
import type { Clock } from "./clock.ts";
import type { Claim, ClaimableTask, Engine } from "./engine.ts";
import {
  IdempotencyConflictError,
  JobCanceledError,
  JobNotFoundError,
  JobStateError,
  QueueFullError,
} from "./errors.ts";
import { type Failure, jobLost } from "./failure.ts";
import type { Submitted } from "./options.ts";
import { isTerminal, type JobStatus } from "./record.ts";
import type { NewJob, Records, RunRow } from "./records.ts";
import type { LoggedLine, RunLog } from "./run_log.ts";
import type { JobRow } from "./tables.ts";

/** So many attempts before the last one are kept, the newest, with what they have logged. */
const MOST_ATTEMPTS = 200;

/** What a run has come to, as the record keeps it. */
export interface Outcome {
  /** JSON. */
  readonly result: string;
  readonly artifactId: string | null;
}

/** A run that is done, and what it has come to. */
export interface Completion {
  readonly claim: Claim;
  readonly outcome: Outcome;
}

/** What a run has to tell. */
export interface Report {
  readonly progress: { readonly fraction: number; readonly message: string | null } | undefined;
  readonly lines: readonly LoggedLine[];
  /** Knows which of the lines are to be written. */
  readonly log: RunLog;
}

/** A job that has begun to run, under its claim. */
export type StartedRun = RunRow & Claim;

export interface Submission {
  readonly job: NewJob;
  /** How many jobs of the task may wait; null for any number. */
  readonly maxPending: number | null;
  /** Whether a job with the same idempotency key was submitted with these params. */
  readonly isSame: (params: string | null) => boolean;
}

export interface StateMachineOptions {
  readonly records: Records;
  readonly engine: Engine;
  readonly clock: Clock;
  /** How many workers a job may lose and is still run again. */
  readonly crashLimit: number;
  /** Seconds. */
  readonly lease: number;
}

/**
 * Every change of a job's status, whichever engine queues it:
 *
 * ```text
 *  submit, spawn ──▶ pending ──claim, begin──▶ running ──complete──▶ completed
 *                    ▲  ▲  │                    │ │ │
 *                    │  │  └──────cancel──────┐ │ │ └──fail: no retry left──▶ failed
 *                    │  │                     ▼ ▼ │                             ▲  │
 *                    │  └─────retry─────── canceled│  recover: lost too often ──┘  │
 *                    │                             │                               │
 *                    ├──fail: a retry is left──────┤                               │
 *                    ├──release: the worker stops──┤                               │
 *                    ├──recover: the worker died───┘                               │
 *                    └──────────────────────────retry──────────────────────────────┘
 * ```
 *
 * A closure goes from pending to failed too: `abandon`, or `recover` before its turn has come.
 *
 * Each method is one transition and runs in its caller's transaction, with the
 * engine's part in it. What a run writes is fenced: it changes nothing unless
 * the job is running, and by this very run.
 */
export class StateMachine {
  readonly #records: Records;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #crashLimit: number;
  readonly #lease: number;

  constructor({ records, engine, clock, crashLimit, lease }: StateMachineOptions) {
    this.#records = records;
    this.#engine = engine;
    this.#clock = clock;
    this.#crashLimit = crashLimit;
    this.#lease = lease;
  }

  /**
   * Nothing → pending, for each; or the job that has its idempotency key already.
   *
   * @throws {IdempotencyConflictError}
   * @throws {QueueFullError}
   */
  async submit(submissions: readonly Submission[], tx: Statements): Promise<Submitted[]> {
    const submitted: Submitted[] = [];
    let jobs: NewJob[] = [];
    for (const submission of submissions) {
      const { job, maxPending } = submission;
      if (job.idempotency_key !== null || maxPending !== null) {
        // Those before it count too.
        await this.#insert(jobs, tx);
        jobs = [];
        const existing = await this.#admit(submission, tx);
        if (existing !== undefined) {
          submitted.push({ id: existing, created: false });
          continue;
        }
      }
      jobs.push(job);
      submitted.push({ id: job.id, created: true });
    }
    await this.#insert(jobs, tx);
    return submitted;
  }

  /** Nothing → pending, for a closure that only this process can run: it is claimed from the start. */
  async spawn(job: NewJob, tx: Statements): Promise<Claim> {
    await this.#record([job], tx);
    const [claim] = await this.#engine.take([entryOf(job)], tx);
    if (claim === undefined) throw new Error("The engine took no entry");
    return claim;
  }

  /** Pending → running, for up to `n` of the jobs that are due. */
  async claim(n: number, tasks: readonly ClaimableTask[], tx: Statements): Promise<StartedRun[]> {
    const claims = await this.#engine.claim(n, tasks, tx);
    const started: StartedRun[] = [];
    for (const [fence, claimed] of Map.groupBy(claims, ({ fence }) => fence)) {
      const ids = new Map(claimed.map((claim) => [claim.id, claim]));
      const rows = await this.#start([...ids.keys()], fence, tx);
      for (const row of rows) {
        ids.delete(row.id);
        started.push({ ...row, fence });
      }
      // Their records are gone, or have ended.
      if (ids.size > 0) await this.#engine.ack([...ids.values()], tx);
    }
    return started;
  }

  /** Pending → running, for a closure; undefined where it was canceled before. */
  async begin(claim: Claim, tx: Statements): Promise<StartedRun | undefined> {
    const [row] = await this.#start([claim.id], claim.fence, tx);
    if (row !== undefined) return { ...row, fence: claim.fence };
    await this.#engine.ack([claim], tx);
    return undefined;
  }

  /**
   * Running → completed, for all of these.
   *
   * @throws {JobCanceledError} where one was canceled or deleted.
   * @throws {LeaseLostError} where one was taken from its run.
   */
  async complete(completions: readonly Completion[], tx: Statements): Promise<void> {
    const ids = JSON.stringify(completions.map(({ claim }) => claim.id));
    const rows = await this.#records.runs.all(tx, { ids });
    const running = rows.filter(({ status }) => status === "running");
    const fences = new Map(running.map(({ id, fence }) => [id, fence]));
    const now = this.#clock.now();
    for (const { claim, outcome } of completions) {
      if (fences.get(claim.id) !== claim.fence) await this.#refuse(claim.id, tx);
      await this.#records.complete.all(tx, { ...claim, now, ...outcome });
    }
    await this.#engine.ack(
      completions.map(({ claim }) => claim),
      tx,
    );
  }

  /**
   * Running → failed; or → pending until `retryAt`, in milliseconds since 1970.
   *
   * @throws {JobCanceledError} where it was canceled or deleted.
   * @throws {LeaseLostError} where it was taken from this run.
   */
  async fail(
    claim: Claim,
    failure: Failure,
    retryAt: number | null,
    tx: Statements,
  ): Promise<void> {
    if (retryAt !== null) {
      await this.#postpone(claim, { runAt: retryAt, failed: 1, ...failure }, tx);
      await this.#engine.release([claim], retryAt, tx);
      return;
    }
    const { id, fence } = claim;
    const failed = await this.#records.fail.all(tx, {
      id,
      fence,
      now: this.#clock.now(),
      ...failure,
    });
    if (failed.length === 0) await this.#refuse(id, tx);
    await this.#engine.ack([claim], tx);
  }

  /**
   * Running → pending at once, since its worker stops. It counts against nothing.
   *
   * @throws {JobCanceledError} where it was canceled or deleted.
   * @throws {LeaseLostError} where it was taken from this run.
   */
  async release(claim: Claim, failure: Failure, tx: Statements): Promise<void> {
    const now = this.#clock.now();
    await this.#postpone(claim, { runAt: now, failed: 0, ...failure }, tx);
    await this.#engine.release([claim], now, tx);
  }

  /** Pending → failed, for a closure whose process stops before its turn has come. */
  async abandon(claim: Claim, failure: Failure, tx: Statements): Promise<void> {
    await this.#records.failUnstarted.all(tx, {
      id: claim.id,
      now: this.#clock.now(),
      ...failure,
    });
    await this.#engine.ack([claim], tx);
  }

  /**
   * Running → pending for what these dead workers left, or → failed where the
   * job has lost too many, or is a closure. Returns the jobs that have changed.
   */
  async recover(workers: readonly string[], tx: Statements): Promise<string[]> {
    const lost = await this.#engine.recover(workers, tx);
    for (const entry of lost) await this.#recover(entry, tx);
    return lost.map(({ id }) => id);
  }

  /**
   * Pending or running → canceled; canceled already is fine.
   *
   * @throws {JobNotFoundError}
   * @throws {JobStateError} where it is completed or failed.
   */
  async cancel(id: string, tx: Statements): Promise<"canceled" | "already"> {
    const { status } = await this.#find(id, tx);
    if (status === "canceled") return "already";
    if (isTerminal(status)) throw new JobStateError(id, status, "cancel");
    await this.#records.cancel.all(tx, { id, now: this.#clock.now() });
    // What has been claimed its worker lets go of, when the run has ended.
    await this.#engine.remove([id], tx);
    return "canceled";
  }

  /**
   * Failed or canceled → pending; the history is kept.
   *
   * @throws {JobNotFoundError}
   * @throws {JobStateError} where it is anything else, or a closure.
   */
  async retry(id: string, tx: Statements): Promise<void> {
    const { status, task_name } = await this.#find(id, tx);
    if (status !== "failed" && status !== "canceled") throw new JobStateError(id, status, "retry");
    if (task_name === null) throw new JobStateError(id, status, "retry (its closure is gone)");
    await this.retryMany([id], {}, tx);
  }

  /**
   * Failed or canceled → pending, for those of these jobs that have a task, and this `status` where
   * one is given. Returns which.
   */
  async retryMany(
    ids: readonly string[],
    { status = null }: { status?: JobStatus | null },
    tx: Statements,
  ): Promise<string[]> {
    const now = this.#clock.now();
    const among = { ids: JSON.stringify(ids), status };
    await this.#records.keepEnded.all(tx, among);
    const retried = await this.#records.retry.all(tx, { ...among, now });
    for (const { id, attempt } of retried) await this.#forgetBefore(id, attempt, tx);
    await this.#engine.enqueue(retried.map(entryOf), tx);
    return retried.map(({ id }) => id);
  }

  /**
   * Anything → gone; what runs is canceled.
   *
   * @throws {JobNotFoundError}
   */
  async delete(id: string, tx: Statements): Promise<void> {
    const deleted = await this.deleteMany([id], {}, tx);
    if (deleted.length === 0) throw new JobNotFoundError(id);
  }

  /**
   * Anything → gone, for those of these jobs that are there; of this `status` only where one is
   * given, and those only that have ended by `endedBy`, in milliseconds since 1970. Returns which.
   */
  async deleteMany(
    ids: readonly string[],
    { status = null, endedBy = null }: { status?: JobStatus | null; endedBy?: number | null },
    tx: Statements,
  ): Promise<string[]> {
    const rows = await this.#records.delete.all(tx, { ids: JSON.stringify(ids), status, endedBy });
    if (rows.length === 0) return [];
    const deleted = rows.map(({ id }) => id);
    const gone = { ids: JSON.stringify(deleted) };
    await this.#records.deleteTags.all(tx, gone);
    await this.#records.deleteAttempts.all(tx, gone);
    await this.#records.deleteLogs.all(tx, gone);
    await this.#engine.remove(deleted, tx);
    return deleted;
  }

  /**
   * The run of a job that was canceled, deleted or taken over has ended; retried meanwhile, the job
   * may run again now. What its lost lease held and nobody has taken over yet stays claimed, so that
   * `recover()` finds it.
   */
  async leave(claim: Claim, tx: Statements): Promise<void> {
    const [row] = await this.#records.byId.all(tx, { id: claim.id });
    if (row?.status === "running" && row.fence === claim.fence) return;
    if (row?.status === "pending") await this.#engine.release([claim], row.run_at, tx);
    else await this.#engine.ack([claim], tx);
  }

  /** Writes what a run reports; false where it may write no more. */
  async report(
    { id, fence }: Claim,
    { progress, lines, log }: Report,
    tx: Statements,
  ): Promise<boolean> {
    if (lines.length > 0) {
      const sizeBefore = async (attempt: number) => {
        const [logged] = await this.#records.logSize.all(tx, { id, attempt });
        return logged?.bytes ?? 0;
      };
      for (const { line, at } of await log.fitting(lines, sizeBefore)) {
        await this.#records.log.all(tx, { id, fence, now: at, line });
      }
    }
    if (progress === undefined) return true;
    const { fraction, message } = progress;
    const told = await this.#records.progress.all(tx, { id, fence, progress: fraction, message });
    return told.length > 0;
  }

  /**
   * The job that has its idempotency key; undefined where it is to be a new one.
   *
   * @throws {IdempotencyConflictError}
   * @throws {QueueFullError}
   */
  async #admit(
    { job, maxPending, isSame }: Submission,
    tx: Statements,
  ): Promise<string | undefined> {
    const task = job.task_name ?? "";
    if (job.idempotency_key !== null) {
      const key = job.idempotency_key;
      const [existing] = await this.#records.byIdempotencyKey.all(tx, { task, key });
      if (existing !== undefined) {
        if (!isSame(existing.params)) throw new IdempotencyConflictError(key, existing.id);
        return existing.id;
      }
    }
    if (maxPending !== null && (await this.#engine.waiting(task, maxPending, tx)) >= maxPending) {
      throw new QueueFullError(task, maxPending);
    }
    return undefined;
  }

  async #insert(jobs: readonly NewJob[], tx: Statements): Promise<void> {
    if (jobs.length === 0) return;
    await this.#record(jobs, tx);
    await this.#engine.enqueue(jobs.map(entryOf), tx);
  }

  async #record(jobs: readonly NewJob[], tx: Statements): Promise<void> {
    await this.#records.insert.run(tx, jobs);
    const tagged = jobs.filter(({ tags }) => tags !== "[]");
    const tags = tagged.flatMap(({ id, tags }) =>
      (JSON.parse(tags) as string[]).map((tag) => ({ id, tag })),
    );
    await this.#records.insertTags.run(tx, tags);
  }

  async #start(ids: readonly string[], fence: number, tx: Statements): Promise<readonly RunRow[]> {
    const now = this.#clock.now();
    return await this.#records.start.all(tx, { ids: JSON.stringify(ids), fence, now });
  }

  async #postpone(
    { id, fence }: Claim,
    next: { runAt: number; failed: 0 | 1 } & Failure,
    tx: Statements,
  ): Promise<void> {
    const [row] = await this.#records.postpone.all(tx, { id, fence, ...next });
    if (row === undefined) return await this.#refuse(id, tx);
    await this.#records.keepAttempt.all(tx, {
      job_id: id,
      attempt: row.attempt,
      started_at: row.started_at ?? 0,
      finished_at: this.#clock.now(),
      error: next.error,
      error_traceback: next.traceback,
    });
    await this.#forgetBefore(id, row.attempt, tx);
  }

  async #recover({ id, lost }: { id: string; lost: number }, tx: Statements): Promise<void> {
    const [row] = await this.#records.byId.all(tx, { id });
    const isClosure = row?.task_name === null;
    // Canceled or deleted while it ran: nothing of it is left to do.
    if (row === undefined || isTerminal(row.status)) return await this.#engine.remove([id], tx);
    const now = this.#clock.now();
    // A pending task was retried while its canceled run went on; it has lost nothing.
    if (row.status === "pending" && !isClosure) return;
    if (isClosure || lost > this.#crashLimit) {
      const reason = isClosure
        ? "the process that spawned it has ended, and its closure with it"
        : `it has lost its worker ${lost} times, more often than the crashLimit of ${this.#crashLimit}`;
      const failure = jobLost(reason);
      if (row.fence === null) await this.#records.failUnstarted.all(tx, { id, now, ...failure });
      else await this.#records.fail.all(tx, { id, fence: row.fence, now, ...failure });
      return await this.#engine.remove([id], tx);
    }
    const failure = jobLost("its worker died, or lost its lease");
    const claim = { id, fence: row.fence ?? 0 };
    await this.#postpone(claim, { runAt: now, failed: 0, ...failure }, tx);
  }

  /** Keeps the history of a job that has run very often at its length: what came before is forgotten. */
  async #forgetBefore(id: string, attempt: number, tx: Statements): Promise<void> {
    if (attempt <= MOST_ATTEMPTS) return;
    const forgotten = { id, attempt: attempt - MOST_ATTEMPTS };
    await this.#records.forgetAttempts.all(tx, forgotten);
    await this.#records.forgetLogs.all(tx, forgotten);
  }

  /** A run tried to write that may write no more. */
  async #refuse(id: string, tx: Statements): Promise<never> {
    const [row] = await this.#records.byId.all(tx, { id });
    const isTaken = row !== undefined && row.status !== "canceled";
    throw isTaken ? new LeaseLostError(this.#lease) : new JobCanceledError(id);
  }

  async #find(id: string, tx: Statements): Promise<JobRow> {
    const [row] = await this.#records.byId.all(tx, { id });
    if (row === undefined) throw new JobNotFoundError(id);
    return row;
  }
}

function entryOf(
  job: Pick<JobRow, "id" | "task_name" | "run_at" | "priority" | "concurrency_key">,
) {
  return {
    id: job.id,
    task: job.task_name ?? "",
    due: job.run_at,
    priority: job.priority,
    concurrencyKey: job.concurrency_key,
  };
}
