import { describeParams, type ParameterInfo } from "./schema/mod.ts";
import type { Task } from "./task.ts";
import { unwrap } from "./token.ts";

/** What can be known of a task without running it. */
export interface TaskInfo {
  readonly name: string;
  /** The task's `description`. */
  readonly docstring: string | null;
  /** Such as `(name: string = "World") => { message: string }`. */
  readonly signature: string;
  /** What a caller may send, in the order of the schema. Injected arguments are not among it. */
  readonly parameters: readonly ParameterInfo[];
  readonly tags: readonly string[];
  /** The names of the tokens that are injected. */
  readonly inject: readonly string[];
  /** JSON Schema 2020-12 of the params. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

const described = new WeakMap<Task, TaskInfo>();

/** Describes a task; its schemas are read once. */
export function describeTask(task: Task): TaskInfo {
  let info = described.get(task);
  if (info === undefined) {
    info = Object.freeze({
      name: task.name,
      docstring: task.description,
      ...describeParams(task.params, task.returns),
      tags: task.tags,
      inject: task.inject.map((injectable) => unwrap(injectable).token.name),
    });
    described.set(task, info);
  }
  return info;
}

const asking = new WeakMap<Task, boolean>();

/** Whether a parameter is called as something that every object inherits, such as `toString`. */
export function asksForInherited(task: Task): boolean {
  let asks = asking.get(task);
  if (asks === undefined) {
    asks = describeTask(task).parameters.some(({ name }) => name in Object.prototype);
    asking.set(task, asks);
  }
  return asks;
}
