import type { Clock } from "../jobs/mod.ts";

export interface FakeClockOptions {
  /** The time at first. @default {new Date()} */
  now?: Date | undefined;
}

interface Timer {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly fn: () => void;
}

/**
 * A clock of which the time passes only when it is told to.
 *
 * @example
 * ```ts
 * const clock = new FakeClock({ now: new Date("2030-01-01T00:00:00Z") });
 * clock.after(5_000, () => console.log(clock.date().toISOString()));
 * clock.advance(60); // prints 2030-01-01T00:00:05.000Z
 * ```
 */
export class FakeClock implements Clock {
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();
  #now: number;

  /** @throws {RangeError} where `now` is no valid date. */
  constructor({ now = new Date() }: FakeClockOptions = {}) {
    this.#now = now.getTime();
    if (Number.isNaN(this.#now)) throw new RangeError("Cannot begin at an invalid date");
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#now;
  }

  /** The time, `seconds` from now. */
  date(seconds = 0): Date {
    return new Date(this.#now + seconds * 1_000);
  }

  /** Calls `fn` once this time has passed; without any to pass, in a moment. */
  after(milliseconds: number, fn: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, milliseconds), fn };
    this.#timers.add(timer);
    if (milliseconds <= 0) queueMicrotask(() => this.#fire(timer));
    return () => this.#timers.delete(timer);
  }

  /**
   * Lets time pass, and calls whatever was set to a time on the way: in the order of these times,
   * each at its own, also what is set meanwhile. A negative number sets the clock back.
   *
   * @throws {RangeError} where `seconds` is no number that ends.
   */
  advance(seconds: number): void {
    if (!Number.isFinite(seconds)) throw new RangeError(`Cannot let ${seconds} seconds pass`);
    const to = this.#now + Math.round(seconds * 1_000);
    for (let next = this.#next(to); next !== undefined; next = this.#next(to)) {
      this.#passTo(next.at);
      this.#fire(next);
    }
    if (seconds < 0) this.#now = to;
    else this.#passTo(to);
  }

  /**
   * As {@linkcode advance} to a time in milliseconds since 1970, but a timer that is set meanwhile
   * is called at the end at the earliest: what keeps house every minute does so once, and not half
   * a million times in a year.
   *
   * @internal
   */
  leap(to: number): void {
    const set = [...this.#timers].filter(({ at }) => at <= to).sort((a, b) => a.at - b.at);
    for (const timer of set) {
      this.#passTo(timer.at);
      this.#fire(timer);
    }
    this.#passTo(to);
    for (const timer of [...this.#timers]) {
      if (timer.at <= to) this.#fire(timer);
    }
  }

  /** @internal How many timers have neither fired nor been called off. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The first timer up to a time; of several at one time, the one that was set first. */
  #next(to: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= to && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }

  #passTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  /** Unless it has fired, or was called off. */
  #fire(timer: Timer): void {
    if (this.#timers.delete(timer)) timer.fn();
  }
}
