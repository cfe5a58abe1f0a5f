import { InFlight, type Principal, within } from "../http/mod.ts";
import { Database, Session } from "../storage/mod.ts";
import { Container, type Plan } from "./container.ts";
import { TaskContext } from "./context.ts";
import { ExecutorStoppedError } from "./errors.ts";
import { Execution } from "./execution.ts";
import { consoleLogger, type Logger } from "./logger.ts";
import { parseParams, parseResult } from "./parse.ts";
import { checkProvider, type ProviderOptions } from "./provider.ts";
import { registry as defaultRegistry, type TaskRegistry } from "./registry.ts";
import type { RunOwner } from "./run_owner.ts";
import type { SubmitRequest } from "./submit_request.ts";
import type { Awaitable, NoParams, Task } from "./task.ts";
import type { Injectable, Providable } from "./token.ts";

/** A scheduler of jobs, as far as an executor and its routes know it. */
export interface RunScheduler {
  /** Provides itself to the tasks of this executor, and runs its jobs by it. */
  attach(executor: TaskExecutor): void;
  /** Answers `POST {prefix}/{name}/$submit`. */
  answerSubmit(task: Task, request: SubmitRequest): Promise<Response>;
}

/** A store of artifacts, as far as an executor knows it. */
export interface RunArtifacts {
  /** Provides itself to the tasks of this executor. */
  attach(executor: TaskExecutor): void;
}

export interface TaskExecutorOptions {
  /** @default {registry}, the exported default one. */
  registry?: TaskRegistry;
  database: Database;
  /** Runs its jobs by this executor, and is injected as `Scheduler`. */
  scheduler?: RunScheduler;
  /** Is injected as `ArtifactManager`. */
  artifacts?: RunArtifacts;
  /** Where `TaskContext` writes. @default {consoleLogger} */
  logger?: Logger;
}

export interface ExecuteOptions {
  /**
   * Aborts the run, which then fails with the signal's reason at once.
   *
   * Where even looking at the signal costs, as with Bun's `request.signal`,
   * give a function: it is called when the task looks at its own signal.
   */
  signal?: AbortSignal | (() => AbortSignal);
  /** Who asks for the run. @default {null} */
  principal?: Principal | null;
  /** Seconds that the run may take, where its task has no `timeout` of its own. @default {null} */
  timeout?: number | null;
  /** What the run belongs to, such as a job. */
  owner?: RunOwner;
}

export interface StopOptions {
  /** Seconds that running work is given before it is aborted. @default {10} */
  grace?: number;
  /** Seconds that aborted work is given to end. @default {2} */
  abortGrace?: number;
}

/** The arguments of `execute()` after the task; params may be left out where an empty object will do. */
export type ExecuteArguments<Input> = NoParams extends Input
  ? [params?: Input | null, options?: ExecuteOptions]
  : [params: Input, options?: ExecuteOptions];

/**
 * Runs tasks: validates params and result, injects, watches the time.
 *
 * @example
 * ```ts
 * const executor = new TaskExecutor({ registry, database: Database.sqlite(":memory:") });
 * const result = await executor.execute("greet_user", { name: "Alice" });
 * ```
 */
export class TaskExecutor implements AsyncDisposable {
  readonly registry: TaskRegistry;
  readonly database: Database;
  readonly logger: Logger;
  /** @internal For the routes. */
  readonly scheduler: RunScheduler | undefined;
  readonly #container: Container<Execution>;
  #plans = new WeakMap<Task, Plan<Execution>>();
  readonly #running = new Set<Execution>();
  /** Each leaves one run behind that has no execution. */
  readonly #leaving = new Set<() => void>();
  readonly #inFlight = new InFlight();
  #stopped = false;
  #stopping: Promise<void> | undefined;

  constructor({
    registry = defaultRegistry,
    database,
    scheduler,
    artifacts,
    logger = consoleLogger,
  }: TaskExecutorOptions) {
    this.registry = registry;
    this.database = database;
    this.logger = logger;
    this.#container = new Container<Execution>([
      [Database, { scope: "singleton", resolve: () => database }],
      [Session, { scope: "execution", resolve: (run) => run.session }],
      [TaskContext, { scope: "execution", resolve: (run) => run.context }],
    ]);
    this.scheduler = scheduler;
    scheduler?.attach(this);
    artifacts?.attach(this);
  }

  /**
   * Says how to make what a token injects.
   *
   * A value that has `Symbol.asyncDispose` or `Symbol.dispose` is disposed
   * when its scope ends, in reverse order of creation, also after an error.
   *
   * @throws {InvalidProviderError} where the token is provided already, the providers
   * need each other in a circle, or a singleton needs a value of one run.
   *
   * @example
   * ```ts
   * executor.provide(Mailer, {
   *   inject: [Database],
   *   scope: "execution",
   *   create: (database) => new SmtpMailer(database),
   * });
   * ```
   */
  provide<T, const I extends readonly Injectable[] = readonly []>(
    token: Providable<T>,
    { inject, scope = "singleton", create }: ProviderOptions<T, I>,
  ): this {
    checkProvider({ token, inject: inject ?? [], scope, create });
    this.#container.add({
      token,
      inject: inject ?? [],
      scope,
      // The container calls it with what `inject` names, which ProviderOptions holds together.
      create: create as (...injected: unknown[]) => unknown,
      isLent: false,
    });
    // A task's plan has a place for what was optional and is provided now.
    this.#plans = new WeakMap();
    return this;
  }

  /**
   * Injects a value that somebody else disposes, such as the scheduler.
   *
   * @internal
   */
  lend<T>(token: Providable<T>, value: T): void {
    this.#container.add({
      token,
      inject: [],
      scope: "singleton",
      create: () => value,
      isLent: true,
    });
  }

  /**
   * Runs a task and resolves to its result.
   *
   * @throws {TaskNotFoundError} where no task has this name.
   * @throws {ValidationError} where the params are not what the task's schema asks for.
   * @throws {TimeoutError} when the task's `timeout`, or else that of the options, has passed.
   * @throws {MissingProviderError} where nobody provides what the task needs.
   * @throws The signal's reason, or what the task itself throws.
   */
  execute<Input, Result>(
    task: Task<string, Input, Result>,
    ...args: ExecuteArguments<Input>
  ): Promise<Result>;
  execute(task: string, params?: unknown, options?: ExecuteOptions): Promise<unknown>;
  async execute(
    nameOrTask: Task | string,
    sent?: unknown,
    options?: ExecuteOptions,
  ): Promise<unknown> {
    const task = typeof nameOrTask === "string" ? this.registry.get(nameOrTask) : nameOrTask;
    return await this.begin(task, sent, options);
  }

  /**
   * What `execute()` does, for the routes: a result that comes at once is given
   * at once, without a promise, and an error is thrown.
   *
   * @internal
   */
  begin(task: Task, sent: unknown, options: ExecuteOptions = {}): Awaitable<unknown> {
    const { signal } = options;
    if (typeof signal === "object") signal.throwIfAborted();
    this.#inFlight.begin();
    let running: Awaitable<unknown>;
    try {
      running = this.#begin(task, sent, options);
    } catch (error) {
      this.#inFlight.end();
      throw error;
    }
    if (isAwaitable(running)) return this.#endAfter(running);
    this.#inFlight.end();
    return running;
  }

  /**
   * Waits up to `grace` seconds for what is running, which may still execute
   * other tasks; then interrupts the rest, gives it `abortGrace` seconds to
   * end what it has begun, such as a command, and disposes the singletons. From
   * then on nothing can be executed.
   *
   * A task without `inject` and `timeout` has nothing that could interrupt it:
   * after `grace` it is left behind, and who waits for it is told.
   */
  stop({ grace = 10, abortGrace = 2 }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(grace, abortGrace);
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(grace: number, abortGrace: number): Promise<void> {
    await this.#inFlight.settle(grace);
    this.#stopped = true;
    const left = [...this.#running];
    for (const execution of left) {
      execution.interrupt(new ExecutorStoppedError(execution.taskName, { begun: true }));
    }
    for (const leave of this.#leaving) leave();
    this.#leaving.clear();
    // What a run made may need the singletons until it is disposed.
    await Promise.all(left.map(({ disposal }) => disposal));
    if (left.length > 0)
      await within(abortGrace, Promise.all(left.map(({ finished }) => finished)));
    await this.#container.dispose();
  }

  #begin(task: Task, sent: unknown, options: ExecuteOptions): Awaitable<unknown> {
    if (this.#stopped) throw new ExecutorStoppedError(task.name, { begun: false });
    const { signal, principal = null, timeout = null, owner } = options;
    const watched = typeof signal === "function" ? undefined : signal;
    const params = parseParams(task, sent);
    const isParsed = !(params instanceof Promise);
    // Until the run awaits it, its failure must not count as unhandled.
    if (!isParsed) params.catch(() => {});
    const plan = this.#planOf(task);
    const isTimed = task.timeout !== null || timeout !== null;
    const isWatched = isTimed || watched !== undefined || owner !== undefined;
    // Where nothing was asked for that could end, there is nothing to make or watch.
    if (isParsed && plan.length === 0 && !isWatched) {
      const result = task.run(params);
      return isAwaitable(result) ? this.#await(task, result) : parseResult(task, result);
    }
    const execution = new Execution({
      task,
      database: this.database,
      logger: this.logger,
      principal,
      signal: watched,
      callerSignal: typeof signal === "function" ? signal : undefined,
      timeout,
      owner,
      check: owner?.anyResult ? (result) => result : (result) => parseResult(task, result),
    });
    this.#running.add(execution);
    return this.#run(execution, params, plan);
  }

  /** What a run without an execution comes to, unless it is left behind before. */
  #await(task: Task, result: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(new ExecutorStoppedError(task.name, { begun: true }));
      this.#leaving.add(leave);
      const fail = (error: unknown) => {
        const wasLeft = !this.#leaving.delete(leave);
        if (wasLeft) this.logger.warn("a run failed after it was left behind", { error });
        reject(error);
      };
      parseAwaited(task, result).then((parsed) => {
        this.#leaving.delete(leave);
        resolve(parsed);
      }, fail);
    });
  }

  async #run(
    execution: Execution,
    params: Awaitable<unknown>,
    plan: Plan<Execution>,
  ): Promise<unknown> {
    try {
      return await execution.run(params, plan);
    } finally {
      this.#forget(execution);
    }
  }

  async #endAfter(running: Awaitable<unknown>): Promise<unknown> {
    try {
      return await running;
    } finally {
      this.#inFlight.end();
    }
  }

  /** An interrupted run is answered at once; until what it made is disposed, `stop()` waits for it. */
  #forget(execution: Execution): void {
    const forget = () => this.#running.delete(execution);
    if (execution.disposal === undefined) forget();
    else void execution.disposal.then(forget);
  }

  /** How to make the arguments of a task, worked out again when providers have been added. */
  #planOf(task: Task): Plan<Execution> {
    let plan = this.#plans.get(task);
    if (plan === undefined) {
      plan = this.#container.plan(task.inject, `The task "${task.name}"`);
      this.#plans.set(task, plan);
    }
    return plan;
  }
}

/** Whether `await` may do anything to a value: it does to whatever has a `then`. */
function isAwaitable(value: unknown): boolean {
  const isObject = typeof value === "object" && value !== null;
  return (isObject || typeof value === "function") && "then" in value;
}

async function parseAwaited(task: Task, result: unknown): Promise<unknown> {
  return await parseResult(task, await result);
}
