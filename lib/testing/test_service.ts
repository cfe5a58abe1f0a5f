import type { ArtifactManager } from "../artifacts/mod.ts";
import type { JobRecord, Scheduler } from "../jobs/mod.ts";
import type { Service, ServiceBuilder } from "../service/mod.ts";
import { Database } from "../storage/mod.ts";
import type { TaskExecutor } from "../tasks/mod.ts";
import { FakeClock } from "./fake_clock.ts";
import { PassingTime } from "./passing_time.ts";
import type { WaitOptions } from "./test_scheduler.ts";

export interface TestServiceOptions {
  /** What stands in for the builder's own; a new one in memory when left out. The service closes it. */
  database?: Database | undefined;
  /** The time of its jobs and artifacts at first. @default {new Date()} */
  now?: Date | undefined;
}

/** As `fetch()` takes them, and a body of JSON. */
export interface TestRequestInit extends RequestInit {
  /** What is sent as JSON; the method is then POST where none is given. */
  json?: unknown;
}

/**
 * A service without a port: what a builder makes in production, on a database in memory, without
 * handlers of signals, and with a {@linkcode FakeClock} for its jobs and artifacts.
 *
 * @example
 * ```ts
 * await using service = await TestService.start(builder);
 * const response = await service.fetch("/api/v1/tasks/greet/$submit", {
 *   json: { params: { name: "Ada" }, delay: 3_600 },
 * });
 * const { id } = await response.json();
 * const { result } = await service.wait(id);
 * ```
 */
export class TestService implements AsyncDisposable {
  /** The time of its jobs and artifacts. */
  readonly clock: FakeClock;
  readonly #service: Service;
  #time: PassingTime | undefined;

  private constructor(service: Service, clock: FakeClock) {
    this.#service = service;
    this.clock = clock;
  }

  /**
   * Builds a service and starts it, with its hooks. The database that the builder was given is left
   * alone.
   *
   * @throws {ServiceConfigurationError}
   * @throws What a start-up hook throws.
   */
  static async start(
    builder: ServiceBuilder,
    { database = Database.sqlite(":memory:"), now }: TestServiceOptions = {},
  ): Promise<TestService> {
    const clock = new FakeClock({ now });
    const service = new TestService(builder.inTest({ database, clock }).build(), clock);
    try {
      await service.#service.start({ signals: false });
    } catch (error) {
      await service[Symbol.asyncDispose]();
      throw error;
    }
    return service;
  }

  get executor(): TaskExecutor {
    return this.#service.executor;
  }

  get database(): Database {
    return this.#service.database;
  }

  /** @throws {TypeError} where the service was built without `withJobs()`. */
  get scheduler(): Scheduler {
    return this.#service.scheduler;
  }

  /** @throws {TypeError} where the service was built without `withArtifacts()`. */
  get artifacts(): ArtifactManager {
    return this.#service.artifacts;
  }

  /**
   * Answers a request as the service does behind a port.
   *
   * @param input A path such as `/health`, a URL, or a whole request.
   */
  async fetch(
    input: string | URL | Request,
    { json, ...init }: TestRequestInit = {},
  ): Promise<Response> {
    const asked =
      input instanceof Request ? input : new Request(new URL(input, "http://localhost").href);
    if (json === undefined) return await this.#service.fetch(new Request(asked, init));
    const headers = new Headers(init.headers ?? asked.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    const body = JSON.stringify(json);
    const method = asked.method === "GET" ? "POST" : asked.method;
    const request = new Request(asked, { method, ...init, headers, body });
    return await this.#service.fetch(request);
  }

  /** As {@linkcode TestScheduler.wait}. */
  async wait(id: string, { signal }: WaitOptions = {}): Promise<JobRecord> {
    return await this.#passingTime().waitFor(id, signal);
  }

  /** As {@linkcode TestScheduler.advance}. */
  async advance(seconds: number): Promise<void> {
    await this.#passingTime().pass(seconds);
  }

  /** As {@linkcode TestScheduler.settled}. */
  async settled(): Promise<void> {
    await this.#passingTime().pass(0);
  }

  /** Ends what runs by its signal, runs the shutdown hooks, and closes the database. */
  async [Symbol.asyncDispose](): Promise<void> {
    // What runs is given no time, but requests are answered and hooks awaited as ever.
    if (this.executor.scheduler !== undefined) await this.scheduler.stop({ grace: 0 });
    await this.executor.stop({ grace: 0 });
    await this.#service.stop();
  }

  /** @throws {TypeError} where the service was built without `withJobs()`. */
  #passingTime(): PassingTime {
    const { scheduler, executor, clock } = this;
    this.#time ??= new PassingTime({ scheduler, executor, clock });
    return this.#time;
  }
}
