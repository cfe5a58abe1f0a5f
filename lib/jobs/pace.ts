/** Milliseconds that a batch shall keep others from writing. */
const LONGEST = 3;
const LARGEST = 500;

/** How many jobs are changed in one transaction, so that nobody has to wait for it. It learns as it goes. */
export class Pace {
  #size = 100;

  get size(): number {
    return this.#size;
  }

  /** Does the work on a batch of `count`, and sees how long that takes; it is within its transaction. */
  async time<T>(count: number, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      // What a small one takes says little of a large one.
      if (count * 2 > this.#size) this.#learn(count / (performance.now() - begun));
    }
  }

  /** `rate` is jobs in a millisecond. */
  #learn(rate: number): void {
    // One slow batch may have been bad luck, and a fast one had little to do.
    const size = Math.min(Math.max(rate * LONGEST, this.#size / 2), this.#size * 2);
    this.#size = Math.min(Math.max(Math.round(size), 1), LARGEST);
  }
}

/** SQLite answers at once, so that awaiting it lets nothing else run. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
