import type { Session } from "../storage/mod.ts";
import { cut, isInstance, messageOf, nameOf, type RunOwner, resultToJson } from "../tasks/mod.ts";
import { artifactIdOf } from "./artifact_id.ts";
import type { Clock } from "./clock.ts";
import type { Claim } from "./engine.ts";
import { ResultTooLargeError } from "./errors.ts";
import { RunLog } from "./run_log.ts";
import type { Outcome, Report, StartedRun, StateMachine } from "./state_machine.ts";

/** A report follows the one before at the earliest after so many milliseconds. */
const REPORT_EVERY = 50;
/** One that could not be written is tried again after so many. */
const REPORT_AGAIN_AFTER = 1_000;
/** Longer lines, and messages, are cut; in characters. */
const LONGEST_LINE = 16_384;

export interface JobRunOptions {
  readonly started: StartedRun;
  readonly states: StateMachine;
  readonly clock: Clock;
  /** Bytes. */
  readonly maxResult: number;
  /** Bytes, of all attempts together. */
  readonly maxLog: number;
  /** Writes what `takeReport()` gives, soon; resolves to whether it could. */
  readonly report: (run: JobRun) => Promise<boolean>;
  /** The run has committed its completion itself. */
  readonly onCompleted: (run: JobRun) => void;
}

/** One run of a job, from its claim on, as the executor and the worker see it. */
export class JobRun implements RunOwner {
  readonly claim: Claim;
  readonly attempt: number;
  readonly timeout: number | null;
  readonly anyResult: boolean;
  readonly #options: JobRunOptions;
  #interrupt: ((reason: unknown) => void) | undefined;
  #interruption: { readonly reason: unknown } | undefined;
  #completed = false;
  #progress: Report["progress"];
  readonly #log: RunLog;
  #reporting = false;

  constructor(options: JobRunOptions) {
    const { id, fence, attempt, timeout, task_name } = options.started;
    this.#options = options;
    this.claim = { id, fence };
    this.attempt = attempt;
    this.timeout = timeout;
    this.anyResult = task_name === null;
    this.#log = new RunLog({ attempt, most: options.maxLog });
  }

  get jobId(): string {
    return this.claim.id;
  }

  /** Why it was interrupted; undefined where it wasn't. */
  get interruption(): { readonly reason: unknown } | undefined {
    return this.#interruption;
  }

  /** Whether it has committed its completion itself. */
  get completed(): boolean {
    return this.#completed;
  }

  /** Ends the run at once, with `reason`; the first one counts. */
  interrupt(reason: unknown): void {
    if (this.#interruption !== undefined) return;
    this.#interruption = { reason };
    this.#interrupt?.(reason);
  }

  begin(interrupt: (reason: unknown) => void): void {
    this.#interrupt = interrupt;
    if (this.#interruption !== undefined) interrupt(this.#interruption.reason);
  }

  progress(fraction: number, message: string | null): void {
    this.#progress = { fraction, message: message === null ? null : toText(message) };
    this.#reportSoon();
  }

  log(line: string): void {
    this.#reportSoon();
    this.#log.add(toText(line), this.#options.clock.now());
  }

  async complete(tx: Session, result: unknown): Promise<void> {
    const { states, onCompleted } = this.#options;
    const outcome = this.outcomeOf(result);
    const report = this.takeReport();
    try {
      await tx.unit(async (statements) => {
        await states.report(this.claim, report, statements);
        await states.complete([{ claim: this.claim, outcome }], statements);
      });
    } catch (error) {
      this.takeBack(report);
      throw error;
    }
    tx.afterCommit(() => {
      this.#completed = true;
      onCompleted(this);
    });
  }

  /**
   * A result as its record keeps it.
   *
   * @throws {SerializationError}
   * @throws {ResultTooLargeError}
   */
  outcomeOf(result: unknown): Outcome {
    const json = resultToJson(this.#options.started.task_name ?? "closure", result);
    const bytes = Buffer.byteLength(json);
    if (bytes > this.#options.maxResult) {
      throw new ResultTooLargeError(bytes, this.#options.maxResult);
    }
    return { result: json, artifactId: artifactIdOf(result) };
  }

  /** What is to be reported since the last time. */
  takeReport(): Report {
    const report = { progress: this.#progress, lines: this.#log.take(), log: this.#log };
    this.#progress = undefined;
    return report;
  }

  /** Takes back what could not be written. */
  takeBack({ progress, lines }: Report): void {
    this.#progress ??= progress;
    this.#log.putBack(lines);
  }

  #reportSoon(): void {
    if (this.#reporting) return;
    this.#reporting = true;
    const { report, clock } = this.#options;
    void report(this).then((isWritten) => {
      clock.after(isWritten ? REPORT_EVERY : REPORT_AGAIN_AFTER, () => {
        this.#reporting = false;
        if (this.#progress !== undefined || !this.#log.isEmpty) this.#reportSoon();
      });
    });
  }
}

/** What a task without types may say instead of a line, as one. */
function toText(said: unknown): string {
  return cut(typeof said === "string" ? said : describe(said), LONGEST_LINE);
}

function describe(said: unknown): string {
  return isInstance(said, Error) ? `${nameOf(said)}: ${messageOf(said)}` : messageOf(said);
}
