/** The longest time that a timer can be set to, in seconds. */
const LONGEST_WAIT = (2 ** 31 - 1) / 1_000;

/** Counts what is under way, for who has to wait until it is done. */
export class InFlight {
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resolve of this.#waiting) resolve();
    this.#waiting = [];
  }

  /** Resolves when nothing is under way, or after `seconds`. */
  async settle(seconds: number): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, Math.min(seconds, LONGEST_WAIT) * 1_000);
    await promise;
    clearTimeout(timer);
  }
}
