/** Milliseconds that a batch shall keep others from writing. */
const LONGEST = 3;
const LARGEST = 500;

/**
 * How many jobs are changed in one transaction, and how long others have the
 * database then, so that nobody waits for it. It learns as it goes.
 */
export class Pace {
  #size = 100;
  /** Milliseconds that the last batch took, if nobody has rested since. */
  #took = 0;

  /** How many the next batch shall have. */
  get size(): number {
    return this.#size;
  }

  /** Does the work on a batch of `count`, and sees how long that takes; it is within its transaction. */
  async time<T>(count: number, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      this.#took = performance.now() - begun;
      // What a small one takes says little of a large one.
      if (count * 2 > this.#size) this.#learn(count / this.#took);
    }
  }

  /**
   * Lets others have as long as the last batch took. SQLite answers at once, so
   * that awaiting it lets nothing else run here; and other processes look only
   * from time to time whether they can write.
   */
  async rest(): Promise<void> {
    const took = this.#took;
    this.#took = 0;
    await new Promise<void>((resolve) => {
      if (took > 0) setTimeout(resolve, took);
      else setImmediate(resolve);
    });
  }

  /** `rate` is jobs in a millisecond. */
  #learn(rate: number): void {
    // One slow batch may have been bad luck, and a fast one had little to do.
    const size = Math.min(Math.max(rate * LONGEST, this.#size / 2), this.#size * 2);
    this.#size = Math.min(Math.max(Math.round(size), 1), LARGEST);
  }
}
