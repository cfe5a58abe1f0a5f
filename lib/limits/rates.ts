import {
  type Guard,
  HttpProblem,
  type Principal,
  type PublicPaths,
  type RequestServer,
} from "../http/mod.ts";
import type { ClientAddress } from "./client_address.ts";
import { UnknownAddressError } from "./errors.ts";
import type { RateOptions } from "./options.ts";
import { RateLimit, type Standing } from "./rate_limit.ts";

/** Seconds for which failures are counted together. */
const FAILURE_WINDOW = 60;

/** What is known of a request while it is answered. */
interface Visit {
  /** Undefined where nobody can tell, of a request that is not limited. */
  readonly address: string | undefined;
  /** Whether it is let in however often it comes, as health is. */
  readonly isExempt: boolean;
  standing: Standing | undefined;
}

export interface RatesOptions extends RateOptions {
  readonly by: "principal" | "address";
  readonly addresses: ClientAddress;
}

/**
 * How often requests come. By address they are counted before anything is known of them; by principal
 * once the guard knows who that is, and who it doesn't know, by address.
 */
export class Rates {
  readonly #options: RatesOptions;
  readonly #requests: RateLimit;
  readonly #failures: RateLimit;
  readonly #visits = new WeakMap<Request, Visit>();

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#requests = new RateLimit(options);
    this.#failures = new RateLimit({ requests: options.failures ?? 10, seconds: FAILURE_WINDOW });
  }

  /**
   * Counts a request where that goes by address.
   *
   * @throws {HttpProblem} 429 where there were too many.
   * @throws {UnknownAddressError}
   */
  async arrive(
    request: Request,
    server: RequestServer | undefined,
    { isExempt }: { isExempt: boolean },
  ): Promise<void> {
    const address = this.#addressOf(request, server, isExempt);
    const visit: Visit = { address, isExempt, standing: undefined };
    this.#visits.set(request, visit);
    if (isExempt || address === undefined || this.#options.by === "principal") return;
    await this.#count(visit, `address ${address}`);
  }

  /** Counts what a guard is asked, and does not ask it for who fails again and again. */
  guard(guard: Guard): Guard {
    return new RateGuard(guard, this);
  }

  /**
   * Writes where the sender stands.
   *
   * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
   */
  describe(request: Request, headers: Headers): void {
    const standing = this.#visits.get(request)?.standing;
    if (standing === undefined) return;
    const { by, requests, seconds } = this.#options;
    headers.set("ratelimit-policy", `"${by}";q=${requests};w=${seconds}`);
    headers.set("ratelimit", `"${by}";r=${standing.remaining};t=${standing.reset}`);
  }

  /** Who sent a request, as the guard says. */
  async identify(guard: Guard, request: Request): Promise<Principal> {
    const visit = this.#visits.get(request);
    // What did not come through arrive() can't be counted, and so not be let in either.
    if (visit?.address === undefined) throw UNKNOWN;
    const address = `address ${visit.address}`;
    const failures = await this.#failures.look(address);
    if (failures?.isExceeded) {
      if (visit.isExempt) throw UNKNOWN;
      throw tooMany("Too many keys that are none came from this address", failures);
    }
    let principal: Principal;
    try {
      principal = await guard.identify(request);
    } catch (error) {
      if (isGuess(error)) await this.#failures.count(address);
      if (!visit.isExempt && visit.standing === undefined) await this.#count(visit, address);
      throw error;
    }
    const { by } = this.#options;
    if (by === "principal" && !visit.isExempt) await this.#count(visit, `name ${principal.name}`);
    return principal;
  }

  #addressOf(
    request: Request,
    server: RequestServer | undefined,
    isExempt: boolean,
  ): string | undefined {
    try {
      return this.#options.addresses.of(request, server);
    } catch (error) {
      // Health answers whatever is wrong; the status alone, as to somebody without a key.
      if (isExempt && error instanceof UnknownAddressError) return undefined;
      throw error;
    }
  }

  async #count(visit: Visit, key: string): Promise<void> {
    const standing = await this.#requests.count(key);
    visit.standing = standing;
    if (!standing.isExceeded) return;
    const { requests, seconds } = this.#options;
    throw tooMany(`More than ${requests} requests in ${seconds} seconds`, standing);
  }
}

class RateGuard implements Guard {
  readonly publicPaths: PublicPaths;
  readonly #guard: Guard;
  readonly #rates: Rates;

  constructor(guard: Guard, rates: Rates) {
    this.publicPaths = guard.publicPaths;
    this.#guard = guard;
    this.#rates = rates;
  }

  identify(request: Request): Promise<Principal> {
    return this.#rates.identify(this.#guard, request);
  }
}

/** For those whose key is not looked at; what answers everybody answers them too. */
const UNKNOWN = new HttpProblem(401, "unauthenticated", { detail: "Keys are not looked at now" });

function tooMany(detail: string, { reset }: Standing): HttpProblem {
  return new HttpProblem(429, "too-many-requests", {
    detail: `${detail}; the next is let in after ${reset} seconds`,
    headers: { "retry-after": String(reset) },
  });
}

/** Whether there was a key, and it was none; who sends no key guesses none. */
function isGuess(error: unknown): boolean {
  return (
    error instanceof HttpProblem &&
    error.status === 401 &&
    error.headers["www-authenticate"]?.includes('error="invalid_token"') === true
  );
}
