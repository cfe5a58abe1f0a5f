import { sql } from "kysely";
import { type Router, within } from "../http/mod.ts";
import type { Database } from "../storage/mod.ts";

export type HealthState = "healthy" | "degraded" | "unhealthy";

/** What one check found. */
export interface Health {
  readonly state: HealthState;
  readonly message?: string | null;
}

/** Looks at one thing that the service depends on. One that throws is unhealthy. */
export type HealthCheck = () => Health | Promise<Health>;

export interface HealthOptions {
  /** By name. The service checks its database by itself, as `database`. @default {{}} */
  checks?: Readonly<Record<string, HealthCheck>>;
}

/** Seconds after which a check that has not answered is unhealthy. */
const CHECK_TIMEOUT = 5;

const WORST_FIRST: readonly HealthState[] = ["unhealthy", "degraded", "healthy"];

/**
 * `GET /health`: `{ status, checks }`, with 503 where something is unhealthy.
 *
 * @throws {TypeError} where a check has the name of the service's own.
 */
export function addHealthRoutes(
  router: Router,
  { checks, database }: { checks: Readonly<Record<string, HealthCheck>>; database: Database },
): void {
  if (Object.hasOwn(checks, "database")) {
    throw new TypeError('Cannot call a health check "database": the service has its own');
  }
  const all = { database: () => checkDatabase(database), ...checks };
  router.add("GET", "/health", async () => {
    const results = await Promise.all(Object.entries(all).map(run));
    const status = WORST_FIRST.find((state) =>
      results.some(([, result]) => result.state === state),
    );
    return Response.json(
      { status, checks: Object.fromEntries(results) },
      { status: status === "unhealthy" ? 503 : 200, headers: { "cache-control": "no-store" } },
    );
  });
}

async function run([name, check]: [string, HealthCheck]): Promise<[string, Health]> {
  try {
    const health = await within(CHECK_TIMEOUT, Promise.resolve(check()));
    if (health === undefined) throw new Error(`no answer within ${CHECK_TIMEOUT} seconds`);
    const { state, message } = health;
    if (!WORST_FIRST.includes(state)) throw new TypeError(`there is no state "${String(state)}"`);
    return [name, { state, message: typeof message === "string" ? message : null }];
  } catch (error) {
    const message = error instanceof Error ? String(error.message) : "the check failed";
    return [name, { state: "unhealthy", message }];
  }
}

async function checkDatabase(database: Database): Promise<Health> {
  await sql`select 1`.execute(database.kysely());
  return { state: "healthy" };
}
