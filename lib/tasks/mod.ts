export type { Principal } from "../http/mod.ts";
export { type ContextOf, TaskContext } from "./context.ts";
export { databaseProblemOf } from "./database_problem.ts";
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
  type RunArtifacts,
  type RunScheduler,
  type StopOptions,
  TaskExecutor,
  type TaskExecutorOptions,
} from "./executor.ts";
export { JOB_SETTINGS, type JobSettings } from "./job_settings.ts";
export { consoleLogger, type Logger } from "./logger.ts";
export { parseParams } from "./parse.ts";
export type { ProviderEntry, ProviderOptions, ProviderScope } from "./provider.ts";
export { registry, TaskRegistry } from "./registry.ts";
export { TaskRouter, type TaskRouterOptions } from "./routes.ts";
export type { RunOwner } from "./run_owner.ts";
export { cut, isObject, type ParameterInfo, type ValidationIssue, validate } from "./schema/mod.ts";
export type { SubmitRequest } from "./submit_request.ts";
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
export { isInstance, messageOf, nameOf, tracebackOf } from "./thrown.ts";
export { resultToJson } from "./to_wire.ts";
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
