import type { StandardSchemaV1 } from "@standard-schema/spec";
import { InvalidTaskError } from "./errors.ts";
import { type JobSettings, wrongWith } from "./job_settings.ts";
import { type Injectable, type InjectedAll, isInjectable, NO_TOKENS } from "./token.ts";

/** Stands for a task's types; it exists in types alone. */
declare const types: unique symbol;

export type Awaitable<T> = T | Promise<T>;

/** The params of a task that takes none. */
export type NoParams = Readonly<Record<never, never>>;

/** What a task's function may return: an object, or nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement returns void.
export type TaskResult = object | void | null | undefined;

/**
 * A registered function with everything known of it. Its type carries its
 * name, what it takes and what it answers.
 */
export interface Task<out Name extends string = string, out Input = unknown, out Result = unknown> {
  readonly name: Name;
  readonly description: string | null;
  readonly tags: readonly string[];
  /** What the function's arguments after `params` are made of. */
  readonly inject: readonly Injectable[];
  /** The schema of the params; undefined where the task takes none. */
  readonly params: StandardSchemaV1 | undefined;
  /** The schema of the result, where one was given. */
  readonly returns: StandardSchemaV1 | undefined;
  /** Seconds; null for no limit. */
  readonly timeout: number | null;
  /** How its jobs are run, where a submission says nothing else. */
  readonly job: JobSettings;
  /** The function; `params` have been validated and `injected` resolved. */
  readonly run: (params: unknown, ...injected: unknown[]) => unknown;
  readonly [types]?: { readonly input: Input; readonly result: Result };
}

/** Everything about a task but its function. */
export interface TaskSettings<
  In extends object,
  Out extends object,
  R extends TaskResult,
  Res,
  I extends readonly Injectable[],
> {
  /** What the task does, in a sentence; the `docstring` of its TaskInfo. */
  description?: string;
  /** @default {[]} */
  tags?: readonly string[];
  /** A valibot schema, or any other Standard Schema. Without one the task takes no params. */
  params?: StandardSchemaV1<In, Out>;
  /** The schema of the result, which is validated by it. */
  returns?: StandardSchemaV1<R, Res>;
  /** Tokens of the arguments that follow `params`, in their order. */
  inject?: I;
  /**
   * Seconds after which the run fails with {@linkcode TimeoutError}, even if
   * the function goes on.
   */
  timeout?: number;
  /** How its jobs are run, where a submission says nothing else. */
  job?: JobSettings;
}

export interface TaskOptions<
  In extends object,
  Out extends object,
  R extends TaskResult,
  Res,
  I extends readonly Injectable[],
> extends TaskSettings<In, Out, R, Res, I> {
  /** The function: validated params first, then what `inject` names. */
  run: (params: NoInfer<Out>, ...injected: InjectedAll<I>) => Awaitable<R>;
}

const NAME = /^[a-zA-Z0-9_-]+$/;

/** Seconds; a timer holds at most 2^31 - 1 milliseconds. */
export const LONGEST_TIMEOUT = 2_147_483;

/**
 * Makes a task that is in no registry yet; `registry.register(task)` adds it,
 * to as many registries as you like.
 *
 * @throws {InvalidTaskError} where the name, the tags, a token or the time-out can't be used.
 *
 * @example
 * ```ts
 * const double = defineTask("double", {
 *   params: v.object({ value: v.number() }),
 *   run: ({ value }) => ({ doubled: value * 2 }),
 * });
 * ```
 */
export function defineTask<
  const Name extends string,
  R extends TaskResult,
  In extends object = NoParams,
  Out extends object = In,
  const I extends readonly Injectable[] = readonly [],
  Res = R,
>(name: Name, options: TaskOptions<In, Out, R, Res, I>): Task<Name, In, Res> {
  const { description = null, tags = [], params, returns, timeout = null, run } = options;
  const { job = {} } = options;
  const inject: readonly Injectable[] = options.inject ?? [];
  checkTask({ name, description, tags, params, returns, inject, timeout, job, run });
  return Object.freeze({
    name,
    description,
    tags: Object.freeze([...new Set(tags)]),
    inject: Object.freeze([...inject]),
    params,
    returns,
    timeout,
    job: Object.freeze({ ...job }),
    // The executor calls it with what `params` let through and `inject` names, which the types above hold together.
    run: run as (params: unknown, ...injected: unknown[]) => unknown,
  });
}

/**
 * Checks what the types can't, and everything for callers who have none.
 *
 * @throws {InvalidTaskError}
 */
export function checkTask(task: { readonly [K in keyof Task]?: unknown }): void {
  const { name, description, tags, params, returns, inject, timeout, job, run } = task;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new InvalidTaskError(String(name), "a name is letters, digits, _ and -");
  }
  if (typeof run !== "function") throw new InvalidTaskError(name, "run is no function");
  if (description !== null && typeof description !== "string") {
    throw new InvalidTaskError(name, "the description is no text");
  }
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === "string" && tag !== "")) {
    throw new InvalidTaskError(name, "tags is no array of strings with at least one character");
  }
  if (!Array.isArray(inject) || !inject.every(isInjectable)) {
    throw new InvalidTaskError(name, NO_TOKENS);
  }
  if (timeout !== null && !isTimeout(timeout)) {
    throw new InvalidTaskError(
      name,
      `the timeout ${String(timeout)} is no number of seconds from above 0 to ${LONGEST_TIMEOUT}`,
    );
  }
  const wrong = wrongWith(job);
  if (wrong !== undefined) throw new InvalidTaskError(name, wrong);
  for (const [option, schema] of Object.entries({ params, returns })) {
    if (schema !== undefined && !isStandardSchema(schema)) {
      throw new InvalidTaskError(name, `${option} is no Standard Schema, such as valibot's`);
    }
  }
}

function isTimeout(value: unknown): boolean {
  return typeof value === "number" && value > 0 && value <= LONGEST_TIMEOUT;
}

function isStandardSchema(value: unknown): boolean {
  // arktype's schemas are functions.
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObject && "~standard" in value;
}
