/** Knows the timers that are set while it is in use. */
export class RecordedTimers implements Disposable {
  readonly #original = globalThis.setTimeout;
  readonly #pending = new Set<unknown>();
  readonly #clear = globalThis.clearTimeout;
  /** How many were set. */
  count = 0;

  constructor() {
    const set = (callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) => {
      this.count += 1;
      const timer: unknown = this.#original(() => {
        this.#pending.delete(timer);
        callback(...args);
      }, delay);
      this.#pending.add(timer);
      return timer;
    };
    globalThis.setTimeout = Object.assign(set as typeof setTimeout, this.#original);
    const clear = (timer: Timer | undefined) => {
      this.#pending.delete(timer);
      this.#clear(timer);
    };
    globalThis.clearTimeout = clear as typeof clearTimeout;
  }

  /** How many are still to fire. */
  get pending(): number {
    return this.#pending.size;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#original;
    globalThis.clearTimeout = this.#clear;
  }
}
