import { LeaseLostError } from "../storage/mod.ts";
import { ExecutorStoppedError, isInstance, type Logger } from "../tasks/mod.ts";
import { type Backoff, delayAfter } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { JobCanceledError, JobReleasedError } from "./errors.ts";
import { type Failure, failureOf, jobLost } from "./failure.ts";
import type { Batch, GroupCommit, Work } from "./group_commit.ts";
import type { JobRun } from "./job_run.ts";
import type { Completion, Outcome, Report, StartedRun, StateMachine } from "./state_machine.ts";

/** How a run has ended. */
export type Ending =
  | { readonly outcome: Outcome }
  /** `isFinal` where it can't be helped by another run. */
  | { readonly error: unknown; readonly isFinal: boolean }
  /** It has committed its completion itself. */
  | { readonly isWritten: true };

export interface SettlementOptions {
  readonly commits: GroupCommit;
  readonly states: StateMachine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isStopping: () => boolean;
}

/** Milliseconds until it tries again where the database can't be used. */
const TRY_AGAIN_AFTER = 1_000;

/** Writes how runs have ended. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #complete: Batch<Completion, Completion> = async (completions, tx) => {
    await this.#options.states.complete(completions, tx);
    return completions;
  };

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** Where the database can't be used, it is written as soon as it can; what must not be written any more, isn't. */
  async settle(run: JobRun, started: StartedRun, ending: Ending): Promise<void> {
    if ("isWritten" in ending) return;
    const { commits, states, logger, isStopping } = this.#options;
    const work = this.#ending(run, started, ending);
    let write = (report: Report): Promise<unknown> => {
      if ("outcome" in ending && isEmpty(report)) {
        const completion = { claim: run.claim, outcome: ending.outcome };
        return commits.runBatched(this.#complete, completion);
      }
      return commits.run(async (tx) => {
        await states.report(run.claim, report, tx);
        await work(tx);
      });
    };
    for (let failures = 0; ; failures++) {
      // With what the reports before could not write.
      const report = run.takeReport();
      try {
        await write(report);
        return;
      } catch (error) {
        run.takeBack(report);
        if (error instanceof LeaseLostError || error instanceof JobCanceledError) {
          // Canceled, deleted, or taken over: what is left of the claim goes.
          write = () => commits.run((tx) => states.leave(run.claim, tx));
          continue;
        }
        if (failures === 0) {
          logger.error("could not write how a job has ended", { job: run.jobId, error });
        }
        // Another process takes the job over when this one has left.
        if (isStopping()) return;
        await this.#pause();
      }
    }
  }

  #ending(
    run: JobRun,
    started: StartedRun,
    ending: Exclude<Ending, { isWritten: true }>,
  ): Work<unknown> {
    if ("error" in ending) return this.#failing(run, started, ending);
    const { outcome } = ending;
    return (tx) => this.#options.states.complete([{ claim: run.claim, outcome }], tx);
  }

  /** How a run's error is written. */
  #failing(
    run: JobRun,
    started: StartedRun,
    { error, isFinal }: Extract<Ending, { error: unknown }>,
  ): Work<void> {
    const { states, logger } = this.#options;
    const { claim } = run;
    const isClosure = started.task_name === null;
    const reason = run.interruption?.reason;
    if (reason instanceof JobCanceledError || reason instanceof LeaseLostError) {
      return (tx) => states.leave(claim, tx);
    }
    if (reason instanceof JobReleasedError || isInstance(error, ExecutorStoppedError)) {
      if (!isClosure) return (tx) => states.release(claim, failureOf(error), tx);
      return (tx) => states.fail(claim, jobLost("its process stopped while it ran"), null, tx);
    }
    const failure: Failure = failureOf(error);
    const retryAt = isClosure || isFinal ? null : this.#retryAt(started);
    const { attempt, description, task_name: task } = started;
    const fields = { job: run.jobId, ...(isClosure ? { description } : { task }), attempt, error };
    if (retryAt === null) logger.error("a job failed", fields);
    else logger.warn("a run failed, and its job is run again", fields);
    return (tx) => states.fail(claim, failure, retryAt, tx);
  }

  /** When a job runs again that has failed once more, in milliseconds since 1970; null where it doesn't. */
  #retryAt({ failures, retries, backoff }: StartedRun): number | null {
    if (failures + 1 > retries) return null;
    const delay = delayAfter(failures + 1, JSON.parse(backoff) as Backoff);
    return this.#options.clock.now() + Math.round(delay);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(TRY_AGAIN_AFTER, resolve));
  }
}

function isEmpty({ progress, lines }: Report): boolean {
  return progress === undefined && lines.length === 0;
}
