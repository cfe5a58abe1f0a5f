import { assertEquals } from "@std/assert";
import * as v from "valibot";
import { type Handler, Router } from "../../../lib/http/mod.ts";
import { JobRouter, Scheduler, type SchedulerOptions } from "../../../lib/jobs/mod.ts";
import { Database } from "../../../lib/storage/mod.ts";
import { TaskContext, TaskExecutor, TaskRegistry, TaskRouter } from "../../../lib/tasks/mod.ts";
import { RecordingLogger } from "../../tasks/recording_logger.ts";

export interface JobBenchOptions extends Omit<SchedulerOptions, "database"> {
  basePath?: string;
  heartbeat?: number;
  /** The database; one in memory when left out. */
  path?: string;
}

/** The routes of tasks and jobs, on a scheduler and a database of their own. */
export class JobBench implements AsyncDisposable {
  readonly registry = new TaskRegistry();
  readonly logger = new RecordingLogger();
  readonly database: Database;
  readonly scheduler: Scheduler;
  readonly executor: TaskExecutor;
  readonly tasks: TaskRouter;
  readonly jobs: JobRouter;
  /** What the routes throw that is no problem document. */
  readonly errors: unknown[] = [];
  readonly handler: Handler;
  readonly #basePath: string;

  constructor({ basePath = "", heartbeat, path = ":memory:", ...options }: JobBenchOptions = {}) {
    const { registry, logger } = this;
    this.#basePath = basePath;
    this.database = Database.sqlite(path);
    const { database } = this;
    this.scheduler = new Scheduler({ ...options, database });
    const { scheduler } = this;
    this.executor = new TaskExecutor({ registry, database, scheduler, logger });
    const onError = (error: unknown) => void this.errors.push(error);
    const beating = heartbeat === undefined ? {} : { heartbeat };
    this.tasks = TaskRouter.create({ executor: this.executor });
    this.jobs = JobRouter.create({ scheduler, ...beating });
    this.handler = new Router({ basePath, onError }).include(this.tasks).include(this.jobs).fetch;
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return await this.handler(new Request(`http://localhost${this.#basePath}${path}`, init));
  }

  /** Sends a body, text as it is and anything else as JSON, or nothing. */
  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    if (body === undefined) return this.fetch(path, { method: "POST", headers });
    return this.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  submitTo(task: string, body?: unknown, headers?: Record<string, string>): Promise<Response> {
    return this.post(`/api/v1/tasks/${task}/$submit`, body, headers);
  }

  /** The record that a submission is answered with, which must be 202. */
  async submit(task: string, body?: unknown, headers?: Record<string, string>) {
    return await recordOf(await this.submitTo(task, body, headers), 202);
  }

  /** The record at `/api/v1/jobs/{id}`. */
  async record(id: string) {
    return await recordOf(await this.fetch(`/api/v1/jobs/${id}`), 200);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler.stop({ grace: 0, abortGrace: 0.01 });
    await this.executor.stop({ grace: 0, abortGrace: 0.01 });
    await this.database.close();
    assertEquals(this.errors, []);
  }
}

/** The JSON of an answer, whose status must be this; what it holds is for the test to know. */
export async function recordOf(response: Response, status: number) {
  const text = await response.text();
  assertEquals(response.status, status, text);
  return JSON.parse(text);
}

/** Registers `greet`, which greets who is named. */
export function registerGreet({ registry }: { registry: TaskRegistry }): void {
  registry.register("greet", {
    params: v.object({ name: v.optional(v.string(), "World") }),
    run: ({ name }) => ({ message: `Hello, ${name}!` }),
  });
}

/** Registers `follow`, whose runs do what a test tells them. */
export class Puppet {
  readonly #begun: Run[] = [];
  readonly #waiting: ((run: Run) => void)[] = [];

  constructor({ registry }: { registry: TaskRegistry }, name = "follow") {
    registry.register(name, {
      inject: [TaskContext],
      run: (_params, context) => {
        const { promise, resolve, reject } = Promise.withResolvers<object>();
        const { signal } = context;
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        const run: Run = { context, end: resolve, fail: reject };
        const next = this.#waiting.shift();
        if (next === undefined) this.#begun.push(run);
        else next(run);
        return promise;
      },
    });
  }

  /** The next run that begins. */
  async run(): Promise<Run> {
    return this.#begun.shift() ?? (await new Promise((resolve) => this.#waiting.push(resolve)));
  }
}

export interface Run {
  readonly context: TaskContext;
  readonly end: (result: object) => void;
  readonly fail: (error: unknown) => void;
}
