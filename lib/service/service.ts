import type { ArtifactManager } from "../artifacts/mod.ts";
import {
  HttpProblem,
  type InFlight,
  isRequestServer,
  pathOf,
  type RequestServer,
  type Router,
  within,
} from "../http/mod.ts";
import type { Scheduler } from "../jobs/mod.ts";
import type { AllowedHosts, Gate } from "../limits/mod.ts";
import type { Database } from "../storage/mod.ts";
import { databaseProblemOf, type StopOptions, type TaskExecutor } from "../tasks/mod.ts";
import { isCalledByEntryPoint } from "./bun/mod.ts";
import { ServiceStoppedError, ShutdownTimeoutError } from "./errors.ts";
import type { Health } from "./health.ts";
import { enter, leave, type RunningService, replaceOlder } from "./running_services.ts";

/** Bytes of what is in a form around its file, and of whatever is so much too large that a route says so. */
const BESIDE_THE_UPLOAD = 64 * 1024 * 1024;

/** Runs when a service starts, or stops. */
export type ServiceHook = (service: Service) => void | Promise<void>;

export interface ServiceParts {
  readonly id: string;
  readonly router: Router;
  readonly hosts: AllowedHosts;
  /** Undefined without limits. */
  readonly gate: Gate | undefined;
  readonly database: Database;
  readonly executor: TaskExecutor;
  readonly scheduler: Scheduler | undefined;
  readonly artifacts: ArtifactManager | undefined;
  /** What is being sent after it was answered. */
  readonly sending: InFlight | undefined;
  readonly startupHooks: readonly ServiceHook[];
  readonly shutdownHooks: readonly ServiceHook[];
  /** Aborted when the service begins to stop. */
  readonly ending: AbortController;
  readonly signals: boolean;
  /** Seconds. */
  readonly grace: number;
}

export interface StartOptions {
  /** Whether SIGINT and SIGTERM stop the service, and end the process. @default {true} */
  signals?: boolean;
}

/**
 * A built service: `Bun.serve(service)`, `export default service`, or its
 * `fetch` in any other server.
 *
 * A request enters at `fetch`, which starts the service where nobody has, and
 * refuses once it stops; the router does the rest.
 */
export class Service implements AsyncDisposable {
  /** The handler to give to a server. It is a property of its own, so that `{ ...service }` keeps it. */
  readonly fetch: (request: Request, server?: RequestServer) => Promise<Response>;
  /**
   * Bytes that a request may have, for Bun, which else takes no more than 128 MiB. It is there
   * where there are artifacts, which may be larger; what a route takes it says itself.
   */
  declare readonly maxRequestBodySize?: number;
  /**
   * Refuses new requests, waits up to `grace` seconds for what is running and
   * aborts the rest, runs the shutdown hooks, and closes the database.
   *
   * @throws What a hook throws, after everything is closed.
   */
  declare readonly stop: (options?: StopOptions) => Promise<void>;
  readonly #parts: ServiceParts;
  readonly #running: RunningService;
  readonly #servers = new Set<RequestServer>();
  #starting: Promise<void> | undefined;
  /** Whether there may be something that only the shutdown hooks can close. */
  #hooksBegun = false;
  #stopping: Promise<void> | undefined;
  /** When the grace of the stop ends, as `performance.now()` tells the time. */
  #deadline = 0;
  /** Started, and not stopping: all that a request needs to know. */
  #isServing = false;

  /** Services come from {@linkcode ServiceBuilder}. */
  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.fetch = (request, server) => this.#fetch(request, server);
    if (parts.artifacts !== undefined) {
      this.maxRequestBodySize = parts.artifacts.maxUpload + BESIDE_THE_UPLOAD;
    }
    const stop = (options?: StopOptions) => this.#stopOnce(options);
    // `export default service` is served by Bun's entry point only if that sees no stop.
    Object.defineProperty(this, "stop", { get: () => (isCalledByEntryPoint() ? undefined : stop) });
    this.#running = {
      id: parts.id,
      logger: parts.executor.logger,
      stop: () => this.stop(),
      letGoOfServers: () => this.#letGoOfServers(),
    };
  }

  get id(): string {
    return this.#parts.id;
  }

  get executor(): TaskExecutor {
    return this.#parts.executor;
  }

  /** @throws {TypeError} where the service was built without `withJobs()`. */
  get scheduler(): Scheduler {
    const { scheduler } = this.#parts;
    if (scheduler === undefined) {
      throw new TypeError(`The service "${this.id}" has no jobs: build it with withJobs()`);
    }
    return scheduler;
  }

  /** @throws {TypeError} where the service was built without `withArtifacts()`. */
  get artifacts(): ArtifactManager {
    const { artifacts } = this.#parts;
    if (artifacts === undefined) {
      throw new TypeError(
        `The service "${this.id}" has no artifacts: build it with withArtifacts()`,
      );
    }
    return artifacts;
  }

  /** @internal What it answers by; its own routes are in here. */
  get router(): Router {
    return this.#parts.router;
  }

  get database(): Database {
    return this.#parts.database;
  }

  /**
   * Does what start-up needs: stops an older service of this id that a hot
   * reload left, brings the database up to date, runs the start-up hooks, begins
   * to run jobs. The first request does it too when nobody has.
   *
   * @throws {ServiceStoppedError} after `stop()`.
   * @throws What the database or a hook throws; then the next call tries again.
   */
  start({ signals = this.#parts.signals }: StartOptions = {}): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(new ServiceStoppedError(this.id));
    this.#starting ??= this.#start(signals).catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * Whether it has started and takes requests; starts it where nobody has.
   *
   * @internal
   */
  async readiness(): Promise<Health> {
    if (this.#stopping !== undefined) return { state: "unhealthy", message: "it is stopping" };
    const failure = await this.#startOrLog();
    if (failure === undefined) return { state: "healthy" };
    const { error } = failure;
    const reason = error instanceof Error ? error.message : String(error);
    return { state: "unhealthy", message: `it could not start: ${reason}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #fetch(request: Request, server: RequestServer | undefined): Promise<Response> {
    let refusal: HttpProblem | undefined;
    if (isRequestServer(server)) {
      this.#servers.add(server);
      refusal = this.#parts.hosts.refusal(request, server);
    }
    const { gate } = this.#parts;
    if (gate !== undefined) return this.#passGate(gate, request, server, refusal);
    return refusal === undefined ? this.#serve(request, server) : refuse(refusal, request);
  }

  /** Apart, since a closure is not for those who pass no gate. */
  #passGate(
    gate: Gate,
    request: Request,
    server: RequestServer | undefined,
    refusal: HttpProblem | undefined,
  ): Promise<Response> {
    return gate.pass(request, server, () =>
      refusal === undefined ? this.#serve(request, server) : refuse(refusal, request),
    );
  }

  #serve(request: Request, server: RequestServer | undefined): Promise<Response> {
    return this.#isServing
      ? this.#parts.router.fetch(request, server)
      : this.#startAndFetch(request, server);
  }

  async #startAndFetch(request: Request, server: RequestServer | undefined): Promise<Response> {
    const { router } = this.#parts;
    if (router.answersAlways(request)) return await router.fetch(request, server);
    if (this.#stopping !== undefined) return unavailable("The service is stopping", request);
    const failure = await this.#startOrLog();
    if (failure !== undefined) {
      return unavailable("The service could not start", request, databaseProblemOf(failure.error));
    }
    return await this.#serve(request, server);
  }

  /** What went wrong, which the log has too; undefined where the service has started. */
  async #startOrLog(): Promise<{ readonly error: unknown } | undefined> {
    try {
      await this.start();
      return undefined;
    } catch (error) {
      this.executor.logger.error("the service could not start", { error });
      return { error };
    }
  }

  #stopOnce(options: StopOptions = {}): Promise<void> {
    this.#isServing = false;
    this.#parts.ending.abort(new ServiceStoppedError(this.id));
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  async #start(signals: boolean): Promise<void> {
    await replaceOlder(this.id);
    // From here on a signal, or a newer service of this id, stops it.
    enter(this.#running, { handlesSignals: signals });
    try {
      const { database, scheduler, artifacts, startupHooks } = this.#parts;
      await database.migrate();
      await artifacts?.start();
      this.#hooksBegun = true;
      for (const hook of startupHooks) await hook(this);
      // Jobs may need what the hooks have made.
      await scheduler?.start();
    } catch (error) {
      leave(this.#running);
      throw error;
    }
    this.#isServing = this.#stopping === undefined;
  }

  async #stop({ grace = this.#parts.grace, abortGrace = 2 }: StopOptions): Promise<void> {
    this.#deadline = performance.now() + grace * 1_000;
    const secondsLeft = () => this.#secondsLeft();
    // A start that fails is reported to who asked for it; there is still something to close.
    const starting = this.#starting?.catch(() => {});
    if (starting !== undefined) await within(grace, starting);
    const { router, executor, scheduler, artifacts, sending, database, shutdownHooks } =
      this.#parts;
    const errors: unknown[] = [];
    const attempt = async (step: () => unknown) => {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    };
    // Requests and jobs drain side by side: a task may wait for a job, and a job for nobody's request.
    const draining = attempt(() => scheduler?.stop({ grace: secondsLeft(), abortGrace }));
    await router.inFlight.settle(secondsLeft());
    await sending?.settle(secondsLeft());
    await draining;
    await attempt(() => executor.stop({ grace: secondsLeft(), abortGrace }));
    // What was interrupted still has to be answered.
    await router.inFlight.settle(1);
    for (const hook of this.#hooksBegun ? shutdownHooks.toReversed() : []) {
      await attempt(async () => {
        const ending = Promise.resolve(hook(this)).then(() => true);
        if (!(await within(grace, ending))) throw new ShutdownTimeoutError(this.id, grace);
      });
    }
    await attempt(() => artifacts?.stop());
    await attempt(() => database.close());
    leave(this.#running);
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, "The service did not stop cleanly");
  }

  /** Of the grace of a stop. */
  #secondsLeft(): number {
    return Math.max(0, this.#deadline - performance.now()) / 1_000;
  }

  /** Waits until the servers have sent the last answers, as long as there is grace, and a second at least. */
  async #letGoOfServers(): Promise<void> {
    const stopped = Promise.all([...this.#servers].map((server) => server.stop()));
    await within(Math.max(1, this.#secondsLeft()), stopped);
  }
}

async function refuse(problem: HttpProblem, { url }: Request): Promise<Response> {
  return problem.toResponse(pathOf(url));
}

/** `problem` says more, where it is known. */
function unavailable(detail: string, request: Request, problem?: HttpProblem): Response {
  // After any answer but an event stream a browser's EventSource never connects again.
  if (request.headers.get("accept")?.includes("text/event-stream")) {
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response("retry:1000\n\n", { headers });
  }
  const headers = { "retry-after": "1" };
  const told = problem ?? new HttpProblem(503, "unavailable", { detail, headers });
  return told.toResponse(pathOf(request.url));
}
