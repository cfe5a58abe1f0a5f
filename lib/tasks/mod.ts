export { type ContextOf, type Principal, TaskContext } from "./context.ts";
export {
  AlreadyCompletedError,
  DuplicateTaskError,
  ExecutorStoppedError,
  InvalidProviderError,
  InvalidResultError,
  InvalidTaskError,
  MissingProviderError,
  ResultValidationError,
  SerializationError,
  TaskNotFoundError,
  TimeoutError,
  ValidationError,
} from "./errors.ts";
export {
  type ExecuteArguments,
  type ExecuteOptions,
  type StopOptions,
  TaskExecutor,
  type TaskExecutorOptions,
} from "./executor.ts";
export { consoleLogger, type Logger } from "./logger.ts";
export type { ProviderEntry, ProviderOptions, ProviderScope } from "./provider.ts";
export { registry, TaskRegistry } from "./registry.ts";
export { TaskRouter, type TaskRouterOptions } from "./routes.ts";
export type { ParameterInfo, ValidationIssue } from "./schema/mod.ts";
export {
  type Awaitable,
  defineTask,
  type NoParams,
  type Task,
  type TaskOptions,
  type TaskResult,
  type TaskSettings,
} from "./task.ts";
export type { TaskInfo } from "./task_info.ts";
export {
  type ClassToken,
  type Injectable,
  type Injected,
  type InjectedAll,
  type OptionalToken,
  optional,
  type Providable,
  type Token,
  token,
} from "./token.ts";
