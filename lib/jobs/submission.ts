import { isDeepStrictEqual } from "node:util";
import {
  isObject,
  type Principal,
  parseParams,
  SerializationError,
  type Task,
  ValidationError,
} from "../tasks/mod.ts";
import { chooseBackoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { currentJob } from "./current_job.ts";
import { ParamsTooLargeError } from "./errors.ts";
import { jobId } from "./job_id.ts";
import { checkSubmitOptions, type SubmitOptions } from "./options.ts";
import type { NewJob } from "./records.ts";
import type { Submission } from "./state_machine.ts";

export interface SubmissionContext {
  readonly clock: Clock;
  /** Bytes. */
  readonly maxParams: number;
  readonly principal: Principal | null;
}

/**
 * Checks what is to be submitted, before anything is written.
 *
 * @throws {InvalidJobOptionsError}
 * @throws {ParamsTooLargeError}
 * @throws {SerializationError}
 * @throws {ValidationError}
 */
export async function prepareSubmission(
  task: Task,
  sent: unknown,
  options: Omit<SubmitOptions, "session">,
  { clock, maxParams, principal }: SubmissionContext,
): Promise<Submission> {
  checkSubmitOptions(options, clock.now());
  const json = paramsToJson(task, sent);
  const bytes = Buffer.byteLength(json);
  if (bytes > maxParams) throw new ParamsTooLargeError(task.name, bytes, maxParams);
  // As they will be when the job runs: JSON makes text of a Date.
  const params: unknown = JSON.parse(json);
  if (!isObject(params)) throw notAnObject(task);
  await parseParams(task, params);
  return {
    job: newJob({ task, params: json, options, principal, clock }),
    maxPending: task.job.maxPending ?? null,
    isSame: (earlier) =>
      earlier === json || (earlier !== null && isDeepStrictEqual(JSON.parse(earlier), params)),
  };
}

export interface NewJobOptions {
  /** Null for a closure. */
  readonly task: Task | null;
  /** As JSON. */
  readonly params: string | null;
  readonly options: Omit<SubmitOptions, "session">;
  readonly principal: Principal | null;
  readonly clock: Clock;
}

/** The record of a job that was never run. */
export function newJob({ task, params, options, principal, clock }: NewJobOptions): NewJob {
  const now = clock.now();
  const defaults = task?.job ?? {};
  const { delay, runAt } = options;
  return {
    id: jobId(clock, now),
    task_name: task?.name ?? null,
    description: options.description ?? null,
    tags: JSON.stringify([...new Set(options.tags)]),
    retries: options.retries ?? defaults.retries ?? 0,
    backoff: JSON.stringify(chooseBackoff(options.backoff, defaults.backoff)),
    timeout: options.timeout ?? defaults.timeout ?? null,
    priority: options.priority ?? defaults.priority ?? 0,
    concurrency_key: options.concurrencyKey ?? null,
    idempotency_key: options.idempotencyKey ?? null,
    submitted_at: now,
    run_at: Math.round(runAt?.getTime() ?? now + (delay ?? 0) * 1_000),
    parent_id: currentJob.getStore()?.id ?? null,
    created_by: principal?.name ?? null,
    params,
  };
}

/** Params as they are kept: as sent. */
function paramsToJson(task: Task, sent: unknown): string {
  const params = sent ?? {};
  if (!isObject(params)) throw notAnObject(task);
  let json: string | undefined;
  try {
    json = JSON.stringify(params);
  } catch (cause) {
    throw new SerializationError(task.name, { what: "params", cause });
  }
  if (json === undefined) throw new SerializationError(task.name, { what: "params" });
  return json;
}

function notAnObject(task: Task): ValidationError {
  return new ValidationError(task.name, [{ path: [], message: "Expected an object" }]);
}
