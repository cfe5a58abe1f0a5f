import type { ValidationIssue } from "./schema/mod.ts";

/** No task of this name is registered. */
export class TaskNotFoundError extends Error {
  override readonly name = "TaskNotFoundError";

  readonly taskName: string;

  constructor(taskName: string) {
    super(`No task is registered as "${shorten(taskName)}"`);
    this.taskName = taskName;
  }
}

/** The name is taken. */
export class DuplicateTaskError extends Error {
  override readonly name = "DuplicateTaskError";

  readonly taskName: string;

  constructor(taskName: string) {
    super(
      `A task is registered as "${taskName}" already; choose another name, or clear() the registry first, as when a module is loaded again`,
    );
    this.taskName = taskName;
  }
}

/** A task can't be made of what was given. */
export class InvalidTaskError extends TypeError {
  override readonly name = "InvalidTaskError";

  constructor(taskName: string, reason: string) {
    super(`Cannot make a task "${shorten(taskName)}": ${reason}`);
  }
}

/** The params of a task are not what its schema asks for. */
export class ValidationError extends Error {
  override readonly name = "ValidationError";
  readonly taskName: string;
  readonly issues: readonly ValidationIssue[];

  constructor(taskName: string, issues: readonly ValidationIssue[]) {
    super(`The params of "${taskName}" are not valid: ${summarize(issues)}`);
    this.taskName = taskName;
    this.issues = issues;
  }
}

/** The result of a task is not what its `returns` promises. */
export class ResultValidationError extends Error {
  override readonly name = "ResultValidationError";
  readonly issues: readonly ValidationIssue[];

  constructor(taskName: string, issues: readonly ValidationIssue[]) {
    super(`The result of "${taskName}" is not what its returns promises: ${summarize(issues)}`);
    this.issues = issues;
  }
}

/** A task returned something else than an object or nothing. */
export class InvalidResultError extends TypeError {
  override readonly name = "InvalidResultError";

  constructor(taskName: string, result: unknown) {
    super(`"${taskName}" returned a ${typeof result}; a task returns an object, or nothing`);
  }
}

/** A result, or the params of a job, that JSON can't hold. */
export class SerializationError extends Error {
  override readonly name = "SerializationError";

  constructor(
    taskName: string,
    { what = "result", ...options }: ErrorOptions & { what?: "result" | "params" } = {},
  ) {
    const reason = options.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(`JSON can't hold the ${what} of "${taskName}"${reason}`, options);
  }
}

/** A run took longer than its task's `timeout`. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";

  constructor(taskName: string, seconds: number) {
    super(`"${taskName}" was still running after ${seconds} seconds`);
  }
}

/** The service is stopping: the run could not begin, or was aborted. */
export class ExecutorStoppedError extends Error {
  override readonly name = "ExecutorStoppedError";
  /** Whether the run had begun, and may have done a part of its work. */
  readonly begun: boolean;

  constructor(taskName: string, { begun }: { begun: boolean }) {
    super(`"${shorten(taskName)}" ${begun ? "was aborted" : "can't run"}: the service is stopping`);
    this.begun = begun;
  }
}

/** `complete()` was called a second time in one run. */
export class AlreadyCompletedError extends Error {
  override readonly name = "AlreadyCompletedError";

  constructor(taskName: string) {
    super(`"${taskName}" has called complete() already; a run completes once`);
  }
}

/** Nobody provides a token that a task, or a provider it needs, asks for. */
export class MissingProviderError extends Error {
  override readonly name = "MissingProviderError";

  constructor(tokenName: string, neededBy: string) {
    super(
      `${neededBy} needs "${tokenName}", which nobody provides: call provide() for it, or ask for optional(${tokenName})`,
    );
  }
}

/** A provider can't be added. */
export class InvalidProviderError extends TypeError {
  override readonly name = "InvalidProviderError";

  constructor(tokenName: string, reason: string) {
    super(`Cannot provide "${tokenName}": ${reason}`);
  }
}

function summarize(issues: readonly ValidationIssue[]): string {
  const [first] = issues;
  if (first === undefined) return "the schema gives no reason";
  const where = first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `${where}${first.message}${more}`;
}

// A name that somebody sent may be as long as a request.
function shorten(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
