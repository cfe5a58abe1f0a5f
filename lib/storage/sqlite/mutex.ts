interface Waiter {
  readonly wake: () => void;
  next: Waiter | undefined;
}

/** A lock that is granted in the order in which it was asked for. */
export class Mutex {
  #held = false;
  #first: Waiter | undefined;
  #last: Waiter | undefined;

  /** Whether somebody holds it now. */
  get isHeld(): boolean {
    return this.#held;
  }

  /** Resolves once the lock is held; whoever holds it calls `release()`. */
  acquire(): Promise<void> | void {
    if (!this.#held) {
      this.#held = true;
      return;
    }
    return new Promise((wake) => {
      const waiter: Waiter = { wake, next: undefined };
      if (this.#last === undefined) this.#first = waiter;
      else this.#last.next = waiter;
      this.#last = waiter;
    });
  }

  /** Hands the lock to the next in line. */
  release(): void {
    const waiter = this.#first;
    if (waiter === undefined) {
      this.#held = false;
      return;
    }
    this.#first = waiter.next;
    if (this.#first === undefined) this.#last = undefined;
    waiter.wake();
  }
}
