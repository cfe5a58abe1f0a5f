import type { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

/** So many who ask are known at once, which takes about 30 MB; whose window began first is forgotten for more. */
const KNOWN = 50_000;

/** Where somebody stands. */
export interface Standing {
  /** How many more requests are let in. */
  readonly remaining: number;
  /** Seconds until it begins anew. */
  readonly reset: number;
  readonly isExceeded: boolean;
}

export interface RateLimitOptions {
  readonly requests: number;
  readonly seconds: number;
  /** How many are known at once. @default {50_000} */
  readonly known?: number;
}

/** Counts requests in windows of time, each of which begins with the first request of whoever asks. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  /** Of those that are counted, in the order in which their windows began. */
  readonly #keys = new Set<string>();
  #limiter: RateLimiterMemory | undefined;
  #loading: Promise<RateLimiterMemory> | undefined;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Counts one request. */
  async count(key: string): Promise<Standing> {
    const limiter = this.#limiter ?? (await this.#load());
    // penalty() counts as consume() does, and doesn't reject.
    const counted = await limiter.penalty(key);
    if (counted.isFirstInDuration) this.#remember(key, limiter);
    return this.#standing(counted, counted.consumedPoints > this.#options.requests);
  }

  /** Where somebody stands, without counting; undefined for who has never asked. */
  async look(key: string): Promise<Standing | undefined> {
    const limiter = this.#limiter ?? (await this.#load());
    const counted = await limiter.get(key);
    // One whose window is over may not have been swept yet.
    if (counted === null || counted.msBeforeNext <= 0) return undefined;
    return this.#standing(counted, counted.consumedPoints >= this.#options.requests);
  }

  #standing(counted: RateLimiterRes, isExceeded: boolean): Standing {
    const remaining = Math.max(0, this.#options.requests - counted.consumedPoints);
    return { remaining, reset: Math.max(1, Math.ceil(counted.msBeforeNext / 1_000)), isExceeded };
  }

  /** The limiter has no bound of its own, and whoever has a large network has many addresses. */
  #remember(key: string, limiter: RateLimiterMemory): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= (this.#options.known ?? KNOWN)) return;
    const [oldest] = this.#keys;
    if (oldest === undefined) return;
    this.#keys.delete(oldest);
    void limiter.delete(oldest);
  }

  /** Loaded only where there is a limit: the package brings twenty stores of which one is needed. */
  #load(): Promise<RateLimiterMemory> {
    this.#loading ??= import("rate-limiter-flexible").then(({ RateLimiterMemory }) => {
      const { requests, seconds } = this.#options;
      this.#limiter = new RateLimiterMemory({ points: requests, duration: seconds });
      return this.#limiter;
    });
    return this.#loading;
  }
}
