import type { Principal } from "../http/mod.ts";
import { type Database, type Session, SessionClosedError } from "../storage/mod.ts";
import type { Plan, RunValues } from "./container.ts";
import { type ContextOf, TaskContext } from "./context.ts";
import { AlreadyCompletedError, TimeoutError } from "./errors.ts";
import { type Logger, withFields } from "./logger.ts";
import type { Provider } from "./provider.ts";
import type { RunOwner } from "./run_owner.ts";
import type { Awaitable, Task } from "./task.ts";
import { causeOf, isInstance } from "./thrown.ts";

export interface ExecutionOptions {
  readonly task: Task;
  readonly database: Database;
  readonly logger: Logger;
  readonly principal: Principal | null;
  /** Aborts the run, which then fails with the signal's reason. */
  readonly signal: AbortSignal | undefined;
  /** The caller's signal where looking at it costs: asked for when the task looks at its own. */
  readonly callerSignal: (() => AbortSignal) | undefined;
  /** Seconds, where the task has no limit of its own; null for none. */
  readonly timeout: number | null;
  /** What the run belongs to; undefined outside a job. */
  readonly owner: RunOwner | undefined;
  /** Validates what the task returned, or committed. */
  readonly check: (result: unknown) => Awaitable<unknown>;
}

type Settled = { readonly result: unknown } | { readonly error: unknown };

interface Completed {
  /** As `complete()` was given it. */
  readonly value: unknown;
  /** As `returns` made it. */
  readonly result: unknown;
}

/**
 * One run of a task: its arguments, its context, and how it ends.
 *
 * What the task didn't ask for is never made: no signal, no session, no id.
 *
 * It ends once: when the function has returned or thrown, or before that when
 * it is interrupted. From then on its session refuses, and what was made for
 * it is disposed.
 */
export class Execution implements RunValues, ContextOf {
  readonly database: Database;
  readonly #options: ExecutionOptions;
  readonly #outcome = Promise.withResolvers<unknown>();
  readonly #followed: AbortSignal[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  #returned = false;
  #ended = false;
  #interruption: { readonly reason: unknown } | undefined;
  #completing: Promise<unknown> | undefined;
  /** From the end of complete()'s callback on: only the database knows whether it commits. */
  #committing: Promise<unknown> | undefined;
  #completed: Completed | undefined;
  #disposing: Promise<void> | undefined;
  #disposal: Promise<void> | undefined;
  #lastWork: Promise<void> = Promise.resolve();
  #values: Map<Provider, unknown> | undefined;
  #disposables: AsyncDisposableStack | undefined;
  #controller: AbortController | undefined;
  #session: Session | undefined;
  #context: TaskContext | undefined;
  #executionId: string | undefined;
  #logger: Logger | undefined;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.database = options.database;
  }

  get values(): Map<Provider, unknown> {
    this.#values ??= new Map();
    return this.#values;
  }

  get disposables(): AsyncDisposableStack {
    if (this.#disposables === undefined) {
      this.#disposables = new AsyncDisposableStack();
      // What is made for a run that has ended meanwhile must not be kept.
      if (this.#ended) void this.#disposables.disposeAsync();
    }
    return this.#disposables;
  }

  /** What is still being disposed of an interrupted run. It never rejects. */
  get disposal(): Promise<void> | undefined {
    return this.#disposal;
  }

  /** Resolves when the function has returned, which may be long after its run was interrupted. It never rejects. */
  get finished(): Promise<void> {
    return this.#lastWork;
  }

  get jobId(): string | null {
    return this.#options.owner?.jobId ?? null;
  }

  get attempt(): number {
    return this.#options.owner?.attempt ?? 1;
  }

  get taskName(): string {
    return this.#options.task.name;
  }

  get executionId(): string {
    this.#executionId ??= crypto.randomUUID();
    return this.#executionId;
  }

  get principal(): Principal | null {
    return this.#options.principal;
  }

  get logger(): Logger {
    this.#logger ??= withFields(this.#options.logger, {
      task: this.taskName,
      execution: this.executionId,
      ...(this.jobId === null ? {} : { job: this.jobId }),
    });
    return this.#logger;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      if (this.#interruption !== undefined) controller.abort(this.#interruption.reason);
      else if (!this.#ended) this.#follow(this.#options.callerSignal?.());
    }
    return this.#controller.signal;
  }

  /** Made when first asked for; a run that has ended gets one that refuses. */
  get session(): Session {
    if (this.#session === undefined) {
      this.#session = this.database.session();
      if (this.#ended) this.#session[Symbol.dispose]();
    }
    return this.#session;
  }

  get context(): TaskContext {
    this.#context ??= new TaskContext(this);
    return this.#context;
  }

  progress(fraction: number, message: string | undefined): void {
    const { owner } = this.#options;
    if (owner !== undefined) owner.progress(fraction, message ?? null);
    else this.logger.info("progress", { fraction, ...(message === undefined ? {} : { message }) });
  }

  log(line: string): void {
    const { owner } = this.#options;
    if (owner !== undefined) owner.log(line);
    else this.logger.info(line);
  }

  complete<T>(fn: (tx: Session) => Awaitable<T>): Promise<T> {
    if (this.#completing !== undefined) {
      return Promise.reject(new AlreadyCompletedError(this.taskName));
    }
    if (this.#returned) return Promise.reject(new SessionClosedError("run"));
    const completing = this.#complete(fn);
    this.#completing = completing;
    // Where nobody awaits it, its failure must not end the process.
    completing.catch(() => {});
    return completing;
  }

  /** Runs the task with what `plan` makes; resolves to its checked result. */
  run(params: Awaitable<unknown>, plan: Plan<Execution>): Promise<unknown> {
    const { signal, owner } = this.#options;
    const timeout = this.#timeout;
    if (timeout !== null) {
      this.#deadline = performance.now() + timeout * 1_000;
      this.#timer = setTimeout(() => this.#expire(), timeout * 1_000);
    }
    this.#follow(signal);
    owner?.begin((reason) => this.interrupt(reason));
    this.#lastWork = this.#call(params, plan).then(
      (result) => this.#finish({ result }),
      (error: unknown) => this.#finish({ error }),
    );
    return this.#outcome.promise;
  }

  /** Ends the run before its function has ended: it fails with `reason`, unless it has completed. */
  interrupt(reason: unknown): void {
    if (this.#ended) return;
    this.#interruption = { reason };
    this.#end();
    this.#controller?.abort(reason);
    this.#disposal = this.#dispose()?.catch((error: unknown) => {
      this.logger.error("could not dispose what an interrupted run used", { error });
    });
    const settle = () => {
      if (this.#completed === undefined) this.#outcome.reject(reason);
      else this.#outcome.resolve(this.#completed.result);
    };
    if (this.#committing === undefined) settle();
    else this.#committing.then(settle, settle);
  }

  throwIfInterrupted(): void {
    if (this.#interruption !== undefined) throw this.#interruption.reason;
  }

  async #call(parsing: Awaitable<unknown>, plan: Plan<Execution>): Promise<unknown> {
    const params = parsing instanceof Promise ? await parsing : parsing;
    const injected: unknown[] = [];
    for (const resolve of plan) {
      this.throwIfInterrupted();
      const value = resolve?.(this);
      injected.push(value instanceof Promise ? await value : value);
    }
    this.throwIfInterrupted();
    const { task, check } = this.#options;
    let returned: Settled;
    try {
      returned = { result: await task.run(params, ...injected) };
    } catch (error) {
      returned = { error };
    }
    this.#returned = true;
    this.#expireIfLate();
    if (this.#completing !== undefined) await this.#waitForCompletion(returned);
    if (this.#completed !== undefined) return this.#resultOf(this.#completed, returned);
    if ("error" in returned) throw returned.error;
    return await check(returned.result);
  }

  #expire(): void {
    this.interrupt(new TimeoutError(this.taskName, this.#timeout ?? 0));
  }

  /** Seconds; null for no limit. */
  get #timeout(): number | null {
    const { owner, task, timeout } = this.#options;
    return owner?.timeout ?? task.timeout ?? timeout;
  }

  /** A function that never yielded has kept the timer from firing. */
  #expireIfLate(): void {
    if (this.#timer !== undefined && performance.now() > this.#deadline) this.#expire();
  }

  /** A complete() that nobody awaited still decides; its failure is for whoever does. */
  async #waitForCompletion(returned: Settled): Promise<void> {
    try {
      await this.#completing;
    } catch (error) {
      if ("result" in returned) {
        this.logger.warn("the run went on although its complete() had failed", { error });
      }
    }
  }

  /** The result that was committed; what the function did afterwards is only logged. */
  #resultOf(completed: Completed, returned: Settled): unknown {
    if ("error" in returned) {
      this.logger.error("the run failed after it had completed", { error: returned.error });
    } else if (returned.result !== undefined && returned.result !== completed.value) {
      this.logger.warn("the run returned another result than it had completed with");
    }
    return completed.result;
  }

  async #complete<T>(fn: (tx: Session) => Awaitable<T>): Promise<T> {
    const completed = await this.session.transaction(async (tx) => {
      const value = await fn(tx);
      const result = await this.#options.check(value);
      this.#expireIfLate();
      this.throwIfInterrupted();
      await this.#options.owner?.complete(tx, result);
      this.#committing = this.#completing;
      return { value, result };
    });
    this.#completed = completed;
    return completed.value;
  }

  async #finish(settled: Settled): Promise<void> {
    const mustDispose = !this.#ended && this.#disposables !== undefined;
    const outcome = mustDispose ? await this.#disposeAfter(settled) : settled;
    // It may have been interrupted meanwhile.
    if (this.#interruption !== undefined) {
      if ("error" in settled && !isOf(this.#interruption.reason, settled.error)) {
        this.logger.warn("a run failed after it had been interrupted", { error: settled.error });
      }
      return;
    }
    this.#end();
    if ("error" in outcome) this.#outcome.reject(outcome.error);
    else this.#outcome.resolve(outcome.result);
  }

  /** A disposal that fails fails the run, unless that has failed or committed before. */
  async #disposeAfter(settled: Settled): Promise<Settled> {
    try {
      await this.#dispose();
      return settled;
    } catch (error) {
      // Whoever interrupted the run meanwhile has logged it.
      if (this.#ended) return settled;
      if ("result" in settled && this.#completed === undefined) return { error };
      this.logger.error("could not dispose what a run used", { error });
      return settled;
    }
  }

  #dispose(): Promise<void> | undefined {
    const disposables = this.#disposables;
    if (disposables === undefined) return undefined;
    // Not at once: what is disposed may interrupt the run, which then finds this promise.
    this.#disposing ??= Promise.resolve().then(() => disposables.disposeAsync());
    return this.#disposing;
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const signal of this.#followed) signal.removeEventListener("abort", this.#onAbort);
    this.#session?.[Symbol.dispose]();
  }

  #follow(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    if (signal.aborted) {
      this.interrupt(signal.reason);
      return;
    }
    signal.addEventListener("abort", this.#onAbort);
    this.#followed.push(signal);
  }

  readonly #onAbort = (event: Event): void => {
    if (event.target instanceof AbortSignal) this.interrupt(event.target.reason);
  };
}

/** Whether a run failed by its interruption: what waits with a signal throws its reason, or with it as the cause. */
function isOf(reason: unknown, error: unknown): boolean {
  return error === reason || (isInstance(error, Error) && causeOf(error) === reason);
}
