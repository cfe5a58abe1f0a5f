import * as v from "valibot";
import {
  HttpProblem,
  queryOf,
  type RouteRequest,
  Router,
  type RouterOptions,
  readJson,
} from "../http/mod.ts";
import { DatabaseClosedError } from "../storage/mod.ts";
import { databaseProblemOf } from "./database_problem.ts";
import { ExecutorStoppedError, TaskNotFoundError, ValidationError } from "./errors.ts";
import type { TaskExecutor } from "./executor.ts";
import { isObject, validate } from "./schema/mod.ts";
import type { Task } from "./task.ts";
import { isInstance } from "./thrown.ts";
import { errorToWire, resultToJson, toWire } from "./to_wire.ts";

export interface TaskRouterOptions extends Omit<RouterOptions, "onError"> {
  executor: TaskExecutor;
  /** @default {"/api/v1/tasks"} */
  prefix?: string;
  /** Under which headings the routes stand in an API's description. @default {["Tasks"]} */
  tags?: readonly string[];
  /**
   * Whether callers see the stack of an error.
   *
   * @default {process.env.NODE_ENV !== "production"}
   */
  traceback?: boolean;
  /** The largest body, in bytes. @default {10_485_760} */
  maxBody?: number;
  /** Seconds within which the whole body must have come; null for any time. @default {null} */
  bodyTimeout?: number | null;
  /** Seconds that an `$execute` may take, where its task has no `timeout` of its own. @default {null} */
  timeout?: number | null;
  /** How many `$execute` run at once; those beyond are 503. @default {Infinity} */
  concurrency?: number;
}

const JSON_INIT = { headers: new Headers({ "content-type": "application/json" }) };

const JsonObject = v.custom<object>(isObject, "Expected an object");
const ExecuteBody = v.pipe(
  JsonObject,
  v.strictObject({ params: v.optional(v.nullable(JsonObject)) }),
);

/**
 * The HTTP routes of an executor's tasks.
 *
 * | route | answers |
 * | --- | --- |
 * | `GET {prefix}` | every task, or with `?tag=a&tag=b` those that have all the tags |
 * | `GET {prefix}/{name}` | one task |
 * | `POST {prefix}/{name}/$execute` | runs it: `{ task_name, params, result, error }` |
 * | `POST {prefix}/{name}/$submit` | runs it as a job, where the executor has a scheduler: its record |
 *
 * @example
 * ```ts
 * const router = TaskRouter.create({ prefix: "/api/v1/tasks", executor });
 * Bun.serve({ fetch: router.fetch });
 * ```
 */
export class TaskRouter extends Router {
  readonly prefix: string;
  readonly tags: readonly string[];
  readonly #executor: TaskExecutor;
  readonly #traceback: boolean;
  readonly #maxBody: number;
  readonly #bodyTimeout: number | null;
  readonly #timeout: number | null;
  readonly #concurrency: number;
  #running = 0;

  private constructor({
    executor,
    prefix = "/api/v1/tasks",
    tags = ["Tasks"],
    traceback = process.env["NODE_ENV"] !== "production",
    maxBody = 10 * 1024 * 1024,
    bodyTimeout = null,
    timeout = null,
    concurrency = Number.POSITIVE_INFINITY,
    ...options
  }: TaskRouterOptions) {
    super({
      ...options,
      onError: (error, request) => {
        executor.logger.error("a request failed", {
          method: request.method,
          url: request.url,
          error,
        });
      },
    });
    this.prefix = prefix;
    this.tags = tags;
    this.#executor = executor;
    this.#traceback = traceback;
    this.#maxBody = maxBody;
    this.#bodyTimeout = bodyTimeout;
    this.#timeout = timeout;
    this.#concurrency = concurrency;
    const task = `${prefix === "/" ? "" : prefix}/{name}`;
    const read = { scope: "tasks:read" };
    this.add("GET", prefix, ({ request }) => this.#list(request), read);
    this.add("GET", task, ({ parameters }) => this.#info(this.#find(parameters["name"])), read);
    this.add(
      "POST",
      `${task}/$execute`,
      (request) => this.#execute(this.#find(request.parameters["name"]), request),
      { scope: ({ name }) => `tasks:execute:${name}` },
    );
    const { scheduler } = executor;
    if (scheduler === undefined) return;
    this.add(
      "POST",
      `${task}/$submit`,
      ({ parameters, ...submitted }) =>
        scheduler.answerSubmit(this.#find(parameters["name"]), {
          ...submitted,
          maxBody,
          bodyTimeout,
        }),
      { scope: ({ name }) => `tasks:submit:${name}` },
    );
  }

  /** @throws {TypeError} where `prefix` or `basePath` is no path. */
  static create(options: TaskRouterOptions): TaskRouter {
    return new TaskRouter(options);
  }

  #list(request: Request): Response {
    const tags = parseQuery(queryOf(request.url));
    const { registry } = this.#executor;
    return Response.json(registry.listByTags(tags).map((name) => toWire(registry.getInfo(name))));
  }

  #info({ name }: Task): Response {
    return Response.json(toWire(this.#executor.registry.getInfo(name)));
  }

  #execute(task: Task, sent: RouteRequest): Promise<Response> {
    const options = {
      maxBody: this.#maxBody,
      framed: sent.server !== undefined,
      timeout: this.#bodyTimeout,
    };
    // Where as many run as may, there is no use in reading.
    this.#refuseTooMany();
    return readJson(sent.request, options).then((body) =>
      this.#concurrency === Number.POSITIVE_INFINITY
        ? this.#run(task, body, sent)
        : this.#runInPlace(task, body, sent),
    );
  }

  /** Runs as one of those that may run at once. A body that is still coming takes no place. */
  async #runInPlace(task: Task, body: unknown, sent: RouteRequest): Promise<Response> {
    this.#refuseTooMany();
    this.#running += 1;
    try {
      return await this.#run(task, body, sent);
    } finally {
      this.#running -= 1;
    }
  }

  #refuseTooMany(): void {
    if (this.#running < this.#concurrency) return;
    throw new HttpProblem(503, "too-busy", {
      detail: `${this.#running} tasks are being executed, and no more may be at once`,
      headers: { "retry-after": "1" },
    });
  }

  #run(
    task: Task,
    body: unknown,
    { request, server, principal }: RouteRequest,
  ): Response | Promise<Response> {
    const params = parseBody(body);
    // Bun would close the connection after ten silent seconds, and the run may take longer.
    server?.timeout(request, 0);
    // Written before the task runs: the echo is what was sent, whatever the task does to it.
    const head = `{"task_name":"${task.name}","params":${JSON.stringify(params)},"result":`;
    const succeed = (result: unknown): Response =>
      new Response(`${head}${resultToJson(task.name, result)},"error":null}`, JSON_INIT);
    const fail = (error: unknown): Response => {
      refuseUnavailable(error);
      if (!isInstance(error, ValidationError) && !isCallerGone(request, error)) {
        this.#executor.logger.error("a task failed", { task: task.name, error });
      }
      const wire = errorToWire(error, { traceback: this.#traceback });
      return new Response(`${head}null,"error":${JSON.stringify(wire)}}`, JSON_INIT);
    };
    try {
      const result = this.#executor.begin(task, params, {
        signal: () => request.signal,
        principal,
        timeout: this.#timeout,
      });
      return result instanceof Promise ? result.then(succeed).catch(fail) : succeed(result);
    } catch (error) {
      return fail(error);
    }
  }

  #find(name: string | undefined): Task {
    try {
      return this.#executor.registry.get(name ?? "");
    } catch (error) {
      if (!(error instanceof TaskNotFoundError)) throw error;
      throw new HttpProblem(404, "task-not-found", { detail: error.message });
    }
  }
}

function parseQuery(query: URLSearchParams): string[] {
  const issues = [...query]
    .filter(([name, value]) => name !== "tag" || value === "")
    .slice(0, 100)
    .map(([name]) => ({
      path: [name.slice(0, 100)],
      message: name === "tag" ? "Expected a tag" : "There is no such parameter",
    }));
  if (issues.length === 0) return query.getAll("tag");
  throw new HttpProblem(422, "invalid-request", {
    detail: "The query may have tags, as in ?tag=a&tag=b",
    issues,
  });
}

function parseBody(body: unknown): object {
  if (body === undefined || body === null) return {};
  const parsed = validate(ExecuteBody, body);
  if (parsed.issues === undefined) return parsed.value.params ?? {};
  throw new HttpProblem(422, "invalid-request", {
    detail: 'The body must be {"params": {...}}, {} or empty',
    issues: parsed.issues,
  });
}

/**
 * What is no fault of the task or the params, and may go away. A run that was
 * aborted may have done a part of its work, so it has a type of its own.
 */
function refuseUnavailable(error: unknown): void {
  // One that a task has closed itself is its own fault.
  const isClosed = isInstance(error, DatabaseClosedError);
  const problem = isClosed ? undefined : databaseProblemOf(error);
  if (problem !== undefined) throw problem;
  if (!isInstance(error, ExecutorStoppedError)) return;
  throw new HttpProblem(503, error.begun ? "run-aborted" : "unavailable", {
    detail: error.message,
    headers: { "retry-after": "1" },
  });
}

/** Whether the run ended because nobody waits for its answer any more, which is no failure. */
function isCallerGone({ signal }: Request, error: unknown): boolean {
  return signal.aborted && error === signal.reason;
}
