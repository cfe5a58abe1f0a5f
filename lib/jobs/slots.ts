/** How many jobs run at once. */
export class Slots {
  readonly #onFree: () => void;
  readonly #waiting: (() => void)[] = [];
  #max: number;
  #taken = 0;

  /** `onFree` is called when a slot has become free for something new. */
  constructor(max: number, onFree: () => void) {
    this.#max = max;
    this.#onFree = onFree;
  }

  get max(): number {
    return this.#max;
  }

  set max(max: number) {
    this.#max = max;
    this.#hand();
  }

  get taken(): number {
    return this.#taken;
  }

  /** How many are free for something new: what waits to go on comes first. */
  get free(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#max - this.#taken);
  }

  take(): void {
    this.#taken += 1;
  }

  release(): void {
    this.#taken -= 1;
    this.#hand();
  }

  /** Gives a slot up while `work` is waited for, and then waits for another. */
  async yieldDuring<T>(work: () => Promise<T>): Promise<T> {
    this.release();
    try {
      return await work();
    } finally {
      await this.#takeAgain();
    }
  }

  #takeAgain(): Promise<void> | void {
    if (this.free > 0) return this.take();
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        this.take();
        resolve();
      });
    });
  }

  #hand(): void {
    while (this.#taken < this.#max) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      next();
    }
    if (this.free > 0) this.#onFree();
  }
}
