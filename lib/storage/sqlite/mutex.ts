/** A lock that is granted in the order in which it was asked for. */
export class Mutex {
  #held = false;
  #waiting: (() => void)[] = [];
  #next = 0;

  /** Resolves once the lock is held; whoever holds it calls `release()`. */
  acquire(): Promise<void> | void {
    if (!this.#held) {
      this.#held = true;
      return;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the lock to the next in line. */
  release(): void {
    const next = this.#waiting[this.#next];
    if (next === undefined) {
      this.#held = false;
      this.#waiting = [];
      this.#next = 0;
      return;
    }
    this.#next += 1;
    next();
  }
}
