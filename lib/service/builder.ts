import { ArtifactManager, type ArtifactManagerOptions, ArtifactRouter } from "../artifacts/mod.ts";
import { Authenticator, type AuthOptions } from "../auth/mod.ts";
import { type Handler, pathOf, Router } from "../http/mod.ts";
import {
  type Clock,
  JobRouter,
  ScheduleRouter,
  Scheduler,
  type SchedulerOptions,
} from "../jobs/mod.ts";
import { Database } from "../storage/mod.ts";
import {
  databaseProblemOf,
  registry as defaultRegistry,
  type Injectable,
  type ProviderEntry,
  TaskExecutor,
  type TaskRegistry,
  TaskRouter,
} from "../tasks/mod.ts";
import { ServiceConfigurationError } from "./errors.ts";
import { HealthChecks, type HealthOptions } from "./health.ts";
import { addHealthRoutes } from "./health_routes.ts";
import { Service, type ServiceHook } from "./service.ts";

export interface ServiceOptions {
  /** What a person reads. */
  displayName: string;
  /** What a machine reads: letters, digits, `-` and `_`. Made of `displayName` when left out. */
  id?: string;
  /** @default {"1.0.0"} */
  version?: string;
  /** @default {null} */
  description?: string | null;
  /** Where another server has mounted the service, such as `/tools`. @default {""} */
  basePath?: string;
  /** Whether SIGINT and SIGTERM stop the service, and end the process. @default {true} */
  signals?: boolean;
  /** Seconds that running work is given when the service stops, by a signal too. @default {10} */
  grace?: number;
}

export interface TasksOptions {
  /** @default {registry}, the exported default one. */
  registry?: TaskRegistry;
  /** @default {"/api/v1/tasks"} */
  prefix?: string;
  /** Whether callers see the stack of an error. @default {process.env.NODE_ENV !== "production"} */
  traceback?: boolean;
}

/** As `new Scheduler()` takes them; the database is the service's. */
export interface JobsOptions extends Omit<SchedulerOptions, "database"> {
  /** Where the routes of schedules are mounted. @default {"/api/v1/schedules"} */
  schedulesPrefix?: string;
}

/** As `new ArtifactManager()` takes them; the database is the service's. */
export type ArtifactsOptions = Omit<ArtifactManagerOptions, "database">;

/** Something with routes of its own: a {@linkcode TaskRouter}, or any fetch handler with its prefix. */
export interface Includable {
  /** The path at and below which it answers, such as `/webhooks`. */
  readonly prefix: string;
  readonly fetch: Handler;
  /**
   * What a key must be allowed to for a fetch handler, where the service asks for keys; any key will do
   * where it is left out. Routers say so of each route.
   */
  readonly scope?: string;
}

type AddProvider = (executor: TaskExecutor) => void;

interface Parts {
  readonly database: Database | undefined;
  readonly tasks: TasksOptions | undefined;
  readonly providers: readonly AddProvider[];
  readonly jobs: JobsOptions | undefined;
  readonly artifacts: ArtifactsOptions | undefined;
  readonly health: HealthOptions | undefined;
  readonly auth: AuthOptions | undefined;
  readonly included: readonly Includable[];
  readonly startupHooks: readonly ServiceHook[];
  readonly shutdownHooks: readonly ServiceHook[];
}

const NO_PARTS: Parts = {
  database: undefined,
  tasks: undefined,
  providers: [],
  jobs: undefined,
  artifacts: undefined,
  health: undefined,
  auth: undefined,
  included: [],
  startupHooks: [],
  shutdownHooks: [],
};

/**
 * Puts a service together. Each `with…` returns a new builder, and `build()`
 * checks the whole.
 *
 * @example
 * ```ts
 * const service = new ServiceBuilder({ id: "demo", displayName: "Demo" })
 *   .withDatabase(Database.sqlite("app.db"))
 *   .withTasks()
 *   .withHealth()
 *   .build();
 * Bun.serve({ ...service, port: 8000 });
 * ```
 */
export class ServiceBuilder {
  readonly #options: ServiceOptions;
  readonly #parts: Parts;

  constructor(options: ServiceOptions, parts: Parts = NO_PARTS) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The database of tasks and service; `:memory:` when left out. The service closes it. */
  withDatabase(database: Database): ServiceBuilder {
    return this.#with({ database });
  }

  /**
   * Serves tasks, and says how to make what they inject. More than six
   * providers: call it again, or `service.executor.provide()`.
   */
  withTasks<
    A,
    B,
    C,
    D,
    E,
    F,
    const IA extends readonly Injectable[] = [],
    const IB extends readonly Injectable[] = [],
    const IC extends readonly Injectable[] = [],
    const ID extends readonly Injectable[] = [],
    const IE extends readonly Injectable[] = [],
    const IF extends readonly Injectable[] = [],
  >({
    provide,
    ...tasks
  }: TasksOptions & {
    // A tuple, since only in places of their own the tokens, factories and arguments are inferred.
    provide?: readonly [
      ProviderEntry<A, IA>?,
      ProviderEntry<B, IB>?,
      ProviderEntry<C, IC>?,
      ProviderEntry<D, ID>?,
      ProviderEntry<E, IE>?,
      ProviderEntry<F, IF>?,
    ];
  } = {}): ServiceBuilder {
    const [a, b, c, d, e, f] = provide ?? [];
    const providers = [
      adderOf(a),
      adderOf(b),
      adderOf(c),
      adderOf(d),
      adderOf(e),
      adderOf(f),
    ].filter((add) => add !== undefined);
    return this.#with({
      tasks: { ...this.#parts.tasks, ...tasks },
      providers: [...this.#parts.providers, ...providers],
    });
  }

  /**
   * Runs tasks as background jobs too: adds `POST {task}/$submit` and the routes
   * under `/api/v1/jobs` and `/api/v1/schedules`, and injects `Scheduler`. The jobs live in the service's
   * database; they survive the process unless that is `:memory:`.
   */
  withJobs(jobs: JobsOptions = {}): ServiceBuilder {
    return this.#with({ jobs });
  }

  /**
   * Keeps artifacts: adds the routes under `/api/v1/artifacts`, and injects `ArtifactManager`. They
   * live in the service's database, bytes included.
   */
  withArtifacts(artifacts: ArtifactsOptions = {}): ServiceBuilder {
    return this.#with({ artifacts });
  }

  /**
   * Adds `GET /health`, which looks at the database and at what `checks` names, `/health/live`,
   * `/health/ready` and `/health/$stream`.
   */
  withHealth(health: HealthOptions = {}): ServiceBuilder {
    return this.#with({ health });
  }

  /**
   * Asks for a key, or a JWT, before anything else: without one every path is 401 but the public ones
   * and, with the status alone, `/health`, `/health/live` and `/health/ready`.
   *
   * @example
   * ```ts
   * .withAuth({
   *   // API_KEYS="ci:…:tasks:read,tasks:submit ops:…:*"
   *   keys: { env: "API_KEYS" },
   *   publicPaths: ["/docs/*"],
   * })
   * ```
   */
  withAuth(auth: AuthOptions): ServiceBuilder {
    return this.#with({ auth });
  }

  /** Adds routes of the user's own: another {@linkcode TaskRouter}, or a fetch handler. */
  include(included: Includable): ServiceBuilder {
    return this.#with({ included: [...this.#parts.included, included] });
  }

  /** Runs `hook` when the service starts, after those added before; a failed start runs it again. */
  onStartup(hook: ServiceHook): ServiceBuilder {
    return this.#with({ startupHooks: [...this.#parts.startupHooks, hook] });
  }

  /** Runs `hook` when the service stops, before those added earlier; the database is still open. */
  onShutdown(hook: ServiceHook): ServiceBuilder {
    return this.#with({ shutdownHooks: [...this.#parts.shutdownHooks, hook] });
  }

  /**
   * The same service on another database and in another time, for `taskmount/testing`.
   *
   * @internal
   */
  inTest({ database, clock }: { database: Database; clock: Clock }): ServiceBuilder {
    const { jobs, artifacts } = this.#parts;
    return this.#with({
      database,
      jobs: jobs === undefined ? undefined : { ...jobs, clock },
      artifacts: artifacts === undefined ? undefined : { ...artifacts, clock },
    });
  }

  /** @throws {ServiceConfigurationError} naming every mistake. */
  build(): Service {
    const { displayName, version = "1.0.0", description = null, signals = true } = this.#options;
    const { id = toId(displayName), basePath = "", grace = 10 } = this.#options;
    const parts = this.#parts;
    const reasons: string[] = [];
    const attempt = <T>(step: () => T): T | undefined => {
      try {
        return step();
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    };
    if (!/^[a-zA-Z0-9_-]+$/.test(id)) {
      reasons.push(`"${id}" is no id: give one of letters, digits, - and _`);
    }
    const database = parts.database ?? Database.sqlite(":memory:");
    const { tasks, health, auth } = parts;
    const { schedulesPrefix, ...jobs } = parts.jobs ?? {};
    const scheduler =
      parts.jobs === undefined ? undefined : attempt(() => new Scheduler({ ...jobs, database }));
    const artifacts =
      parts.artifacts === undefined
        ? undefined
        : attempt(() => new ArtifactManager({ ...parts.artifacts, database }));
    const executor = new TaskExecutor({
      registry: tasks?.registry ?? defaultRegistry,
      database,
      ...(scheduler === undefined ? {} : { scheduler }),
      ...(artifacts === undefined ? {} : { artifacts }),
    });
    for (const provide of parts.providers) attempt(() => provide(executor));
    const onError = (error: unknown, request: Request) => {
      executor.logger.error("a request failed", {
        method: request.method,
        // Where there are keys, somebody may have sent one in the query.
        url: auth === undefined ? request.url : pathOf(request.url),
        error,
      });
    };
    const guard =
      auth === undefined ? undefined : attempt(() => new Authenticator(auth, executor.logger));
    const routing = { basePath, onError, toProblem: databaseProblemOf };
    const guarded = guard === undefined ? {} : { guard };
    const router = attempt(() => new Router({ ...routing, ...guarded })) ?? new Router();
    const info = { id, display_name: displayName, version, description };
    router.add("GET", "/api/v1/info", () => Response.json(info), { scope: "system:read" });
    const ending = new AbortController();
    if (health !== undefined) {
      const readiness = () => service.readiness();
      attempt(() =>
        addHealthRoutes(
          router,
          new HealthChecks({ ...health, database, readiness, ending: ending.signal }),
        ),
      );
    }
    if (tasks !== undefined) {
      attempt(() => router.include(TaskRouter.create({ ...tasks, executor })));
    }
    if (scheduler !== undefined) {
      const { prefix } = scheduler;
      attempt(() => router.include(JobRouter.create({ scheduler, prefix })));
      const where = schedulesPrefix === undefined ? {} : { prefix: schedulesPrefix };
      attempt(() => router.include(ScheduleRouter.create({ scheduler, ...where })));
    }
    const artifactRoutes =
      artifacts === undefined ? undefined : attempt(() => ArtifactRouter.create({ artifacts }));
    if (artifactRoutes !== undefined) attempt(() => router.include(artifactRoutes));
    for (const included of parts.included) {
      attempt(() =>
        included instanceof Router
          ? router.include(included)
          : router.mount(included.prefix, included.fetch, { scope: included.scope ?? null }),
      );
    }
    if (reasons.length > 0) throw new ServiceConfigurationError(id, reasons);
    const { shutdownHooks } = parts;
    const startupHooks =
      guard === undefined ? parts.startupHooks : [() => guard.start(), ...parts.startupHooks];
    const hooks = { startupHooks, shutdownHooks };
    const sending = artifactRoutes?.sending;
    const running = { database, executor, scheduler, artifacts, sending, ending };
    const service: Service = new Service({ id, router, ...running, ...hooks, signals, grace });
    // Jobs may need what the hooks make.
    scheduler?.startThrough(() => service.start());
    return service;
  }

  #with(parts: Partial<Parts>): ServiceBuilder {
    return new ServiceBuilder(this.#options, { ...this.#parts, ...parts });
  }
}

function adderOf<T, I extends readonly Injectable[]>(
  entry: ProviderEntry<T, I> | undefined,
): AddProvider | undefined {
  if (entry === undefined) return undefined;
  const [token, options] = entry;
  return (executor) => executor.provide(token, options);
}

/** "My Service!" becomes "my-service". */
function toId(displayName: string): string {
  return displayName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}
