import { setTimeout as sleep } from "node:timers/promises";
import { LONGEST_TIMER, within } from "../http/mod.ts";
import type { Database } from "../storage/mod.ts";

export type HealthState = "healthy" | "degraded" | "unhealthy";

/** What one check found. */
export interface Health {
  readonly state: HealthState;
  readonly message?: string | null;
}

/**
 * Looks at one thing that the service depends on. One that throws is unhealthy,
 * and so is one that takes too long: then `signal` aborts.
 */
export type HealthCheck = (options: { signal: AbortSignal }) => Health | Promise<Health>;

export interface HealthOptions {
  /** By name. The service checks its database by itself, as `database`. @default {{}} */
  checks?: Readonly<Record<string, HealthCheck>>;
  /** Seconds after which a check that has not answered is unhealthy. @default {5} */
  timeout?: number;
  /** Seconds between two looks for those who follow `/health/$stream`. @default {5} */
  interval?: number;
}

/** What all checks found; `status` is the worst of them. */
export interface HealthReport {
  readonly status: HealthState;
  readonly checks: Readonly<Record<string, Required<Health>>>;
}

export interface HealthChecksOptions extends HealthOptions {
  readonly database: Database;
  /** Whether the service has started, and does not stop; this starts it where nobody has. */
  readonly readiness: () => Promise<Health>;
  /** Aborts when the service stops, with what those are told who follow. */
  readonly ending: AbortSignal;
}

const WORST_FIRST: readonly HealthState[] = ["unhealthy", "degraded", "healthy"];

/** Names that are the service's own. */
const OWN_CHECKS = ["database", "service"];

/** The checks of a service. However many ask at once, each check runs once. */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #timeout: number;
  /** Milliseconds. */
  readonly #interval: number;
  #running: Promise<HealthReport> | undefined;
  #latest: { readonly report: HealthReport; readonly at: number } | undefined;

  /**
   * @throws {TypeError} where a check has a name of the service's own.
   * @throws {RangeError} where a time is none that can be waited for.
   */
  constructor(options: HealthChecksOptions) {
    const { checks = {}, timeout = 5, interval = 5 } = options;
    for (const name of OWN_CHECKS) {
      if (!Object.hasOwn(checks, name)) continue;
      throw new TypeError(`Cannot call a health check "${name}": the service has its own`);
    }
    for (const [option, seconds] of Object.entries({ timeout, interval })) {
      if (seconds > 0 && seconds * 1_000 <= LONGEST_TIMER) continue;
      throw new RangeError(
        `Cannot use ${seconds} as ${option} of health: it is a positive number of seconds`,
      );
    }
    this.#options = options;
    this.#timeout = timeout;
    this.#interval = interval * 1_000;
  }

  report(): Promise<HealthReport> {
    this.#running ??= this.#report().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /**
   * The report now, and whenever it says something else.
   *
   * @throws The reason of `ending`, after the report that says so.
   */
  async *follow(signal: AbortSignal): AsyncGenerator<HealthReport, void> {
    const { ending } = this.#options;
    const over = AbortSignal.any([signal, ending]);
    let told = "";
    while (!signal.aborted) {
      const hasEnded = ending.aborted;
      const report = await this.#recent();
      const text = JSON.stringify(report);
      if (text !== told) yield report;
      told = text;
      if (hasEnded) throw ending.reason;
      await sleep(this.#interval, undefined, { signal: over, ref: false }).catch(() => {
        // Who has gone is asked for above; who ends tells once more.
      });
    }
  }

  /** One that others who follow have asked for a moment ago will do, unless the service stops. */
  async #recent(): Promise<HealthReport> {
    const { ending } = this.#options;
    const isRecent = performance.now() - (this.#latest?.at ?? 0) < this.#interval / 2;
    if (this.#latest !== undefined && isRecent && !ending.aborted) return this.#latest.report;
    const report = await this.report();
    this.#latest = { report, at: performance.now() };
    return report;
  }

  async #report(): Promise<HealthReport> {
    const { database, checks = {}, readiness } = this.#options;
    // Before the others: a start brings the database up to date, and makes what checks look at.
    const [, service] = await this.#run(["service", readiness]);
    const all: Record<string, HealthCheck> = { database: () => checkDatabase(database), ...checks };
    const results = await Promise.all(Object.entries(all).map((check) => this.#run(check)));
    // That it runs, the answer shows by itself.
    if (service.state !== "healthy") results.unshift(["service", service]);
    const states = new Set(results.map(([, { state }]) => state));
    const status = WORST_FIRST.find((state) => states.has(state)) ?? "healthy";
    return { status, checks: Object.fromEntries(results) };
  }

  async #run([name, check]: [string, HealthCheck]): Promise<[string, Required<Health>]> {
    const late = new AbortController();
    try {
      const health = await within(this.#timeout, Promise.resolve(check({ signal: late.signal })));
      if (health === undefined) throw new Error(`no answer within ${this.#timeout} seconds`);
      const { state, message } = health;
      if (!WORST_FIRST.includes(state)) throw new TypeError(`there is no state "${String(state)}"`);
      return [name, { state, message: typeof message === "string" ? message : null }];
    } catch (error) {
      late.abort(error);
      const message = error instanceof Error ? String(error.message) : "the check failed";
      return [name, { state: "unhealthy", message }];
    }
  }
}

async function checkDatabase(database: Database): Promise<Health> {
  const concern = await database.probe();
  return concern === undefined ? { state: "healthy" } : { state: "degraded", message: concern };
}
