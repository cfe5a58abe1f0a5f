import { DuplicateTaskError, TaskNotFoundError } from "./errors.ts";
import {
  checkTask,
  defineTask,
  type NoParams,
  type Task,
  type TaskOptions,
  type TaskResult,
  type TaskSettings,
} from "./task.ts";
import { describeTask, type TaskInfo } from "./task_info.ts";
import type { Injectable } from "./token.ts";

/**
 * Tasks by name.
 *
 * @example
 * ```ts
 * const registry = new TaskRegistry();
 * registry.register("greet_user", {
 *   description: "Greets somebody.",
 *   tags: ["demo"],
 *   params: v.object({ name: v.optional(v.string(), "World") }),
 *   run: ({ name }) => ({ message: `Hello, ${name}!` }),
 * });
 * registry.listByTags(["demo"]); // ["greet_user"]
 * ```
 */
export class TaskRegistry {
  readonly #tasks = new Map<string, Task>();
  #version = 0;

  /**
   * Adds a task made by {@linkcode defineTask}, or makes one and adds it.
   *
   * @returns The task, by which `execute()` knows the types of params and result.
   * @throws {DuplicateTaskError} where the name is taken.
   * @throws {InvalidTaskError} where a task can't be made of what was given.
   */
  register<T extends Task>(task: T): T;
  register<
    const Name extends string,
    R extends TaskResult,
    In extends object = NoParams,
    Out extends object = In,
    const I extends readonly Injectable[] = readonly [],
    Res = R,
  >(name: Name, options: TaskOptions<In, Out, R, Res, I>): Task<Name, In, Res>;
  register(
    taskOrName: Task | string,
    options?: TaskOptions<object, object, TaskResult, unknown, readonly Injectable[]>,
  ): Task {
    if (typeof taskOrName === "object") {
      // A copy with another name, say, was checked by nobody.
      checkTask(taskOrName ?? {});
      return this.#add(taskOrName);
    }
    // Callers without types may leave the options out, which defineTask() refuses by its own error.
    return this.#add(defineTask(taskOrName, options ?? ({} as NonNullable<typeof options>)));
  }

  /**
   * Adds a function that stands by itself.
   *
   * @throws {DuplicateTaskError} where the name is taken.
   * @throws {InvalidTaskError} where a task can't be made of what was given.
   *
   * @example
   * ```ts
   * function double({ value }: { value: number }) {
   *   return { doubled: value * 2 };
   * }
   * registry.registerFunction("double", double, { params: v.object({ value: v.number() }) });
   * ```
   */
  registerFunction<
    const Name extends string,
    R extends TaskResult,
    In extends object = NoParams,
    Out extends object = In,
    const I extends readonly Injectable[] = readonly [],
    Res = R,
  >(
    name: Name,
    fn: TaskOptions<In, Out, R, Res, I>["run"],
    settings: TaskSettings<In, Out, R, Res, I> = {},
  ): Task<Name, In, Res> {
    return this.register<Name, R, In, Out, I, Res>(name, { ...settings, run: fn });
  }

  /** @internal Changes whenever the tasks do. */
  get version(): number {
    return this.#version;
  }

  has(name: string): boolean {
    return this.#tasks.has(name);
  }

  /** @throws {TaskNotFoundError} */
  get(name: string): Task {
    const task = this.#tasks.get(name);
    if (task === undefined) throw new TaskNotFoundError(name);
    return task;
  }

  /**
   * What can be known of a task without running it.
   *
   * @throws {TaskNotFoundError}
   */
  getInfo(name: string): TaskInfo {
    return describeTask(this.get(name));
  }

  /** All names, sorted. */
  listAll(): string[] {
    return [...this.#tasks.keys()].sort();
  }

  /** The names of the tasks that have all of these tags, sorted. */
  listByTags(tags: readonly string[]): string[] {
    return this.listAll().filter((name) => {
      const task = this.get(name);
      return tags.every((tag) => task.tags.includes(tag));
    });
  }

  /** Forgets every task, as before a module registers its tasks again. */
  clear(): void {
    this.#version += 1;
    this.#tasks.clear();
  }

  #add(task: Task): Task {
    if (this.#tasks.has(task.name)) throw new DuplicateTaskError(task.name);
    this.#version += 1;
    this.#tasks.set(task.name, task);
    return task;
  }
}

/** The registry that a service uses where it is given no other. */
export const registry: TaskRegistry = new TaskRegistry();
