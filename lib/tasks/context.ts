import type { Principal } from "../http/mod.ts";
import type { Session } from "../storage/mod.ts";
import type { Logger } from "./logger.ts";
import type { Awaitable, TaskResult } from "./task.ts";

/** What a context shows of a run; the executor and the jobs each have their own. */
export interface ContextOf {
  readonly taskName: string;
  readonly executionId: string;
  readonly jobId: string | null;
  readonly attempt: number;
  readonly principal: Principal | null;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  progress(fraction: number, message: string | undefined): void;
  log(line: string): void;
  complete<T>(fn: (tx: Session) => Awaitable<T>): Promise<T>;
}

/**
 * The run that a task is in; `inject: [TaskContext]` asks for it. What it has
 * may be taken out of it: `run: (params, { signal, progress }) => ...`.
 *
 * @example
 * ```ts
 * registry.register("count_down", {
 *   inject: [TaskContext],
 *   run: async (_params, context) => {
 *     for (let left = 3; left > 0; left--) {
 *       context.signal.throwIfAborted();
 *       context.progress((3 - left) / 3, `${left} left`);
 *     }
 *   },
 * });
 * ```
 */
export class TaskContext {
  readonly #of: ContextOf;

  /** Contexts come from `inject: [TaskContext]`. */
  constructor(of: ContextOf) {
    this.#of = of;
  }

  get taskName(): string {
    return this.#of.taskName;
  }

  /** A UUID of this run alone. */
  get executionId(): string {
    return this.#of.executionId;
  }

  /** The job that this run belongs to; null outside one. */
  get jobId(): string | null {
    return this.#of.jobId;
  }

  /** Which run of its job this is, from 1; 1 outside one. */
  get attempt(): number {
    return this.#of.attempt;
  }

  /** Who asked for the run; null where nobody had to say. */
  get principal(): Principal | null {
    return this.#of.principal;
  }

  /** Aborts when the caller disconnects, the time-out passes, the job is canceled or loses its lease, or the service stops. */
  get signal(): AbortSignal {
    return this.#of.signal;
  }

  /** Carries the names of the task and the run with each line. */
  get logger(): Logger {
    return this.#of.logger;
  }

  /**
   * Tells how far the run is, from 0 to 1.
   *
   * @throws {RangeError} for any other fraction.
   */
  readonly progress = (fraction: number, message?: string): void => {
    if (!(typeof fraction === "number" && fraction >= 0 && fraction <= 1)) {
      throw new RangeError(`Cannot tell ${fraction} as progress: it goes from 0 to 1`);
    }
    this.#of.progress(fraction, message);
  };

  readonly log = (line: string): void => {
    this.#of.log(line);
  };

  /**
   * Commits the run's last writes and its result in one transaction.
   *
   * What `fn` returns is the run's result, validated by `returns` before the
   * commit. What the run returns or throws afterwards is only logged.
   *
   * @throws {AlreadyCompletedError} when called a second time.
   * @throws {ResultValidationError} when `fn` returned what `returns` refuses; nothing is committed.
   *
   * @example
   * ```ts
   * return await context.complete(async (tx) => {
   *   const db = tx.kysely<Tables>();
   *   await db.insertInto("payments").values({ cents }).execute();
   *   return { paid: cents };
   * });
   * ```
   */
  readonly complete = <T extends TaskResult>(fn: (tx: Session) => Awaitable<T>): Promise<T> =>
    this.#of.complete(fn);
}
