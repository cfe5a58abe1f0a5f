/** How many jobs run at once. */
export class Slots {
  readonly #onFree: () => void;
  readonly #waiting: (() => void)[] = [];
  #max: number;
  #taken = 0;
  #kept = false;
  /** Whether there was something to hand on while they were kept. */
  #missed = false;

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

  /** How many are free for something new: what waits to go on comes first. */
  get free(): number {
    return this.#waiting.length > 0 ? 0 : Math.max(0, this.#max - this.#taken);
  }

  /** Keeps what is free, or becomes free, from who waits to go on, until what is new has taken of it. */
  keep(): Disposable {
    this.#kept = true;
    return {
      [Symbol.dispose]: () => {
        this.#kept = false;
        if (!this.#missed) return;
        this.#missed = false;
        this.#hand();
      },
    };
  }

  /** Takes a slot, whether or not one is free. */
  take(): Slot {
    this.#taken += 1;
    return new Slot({
      release: () => this.#release(),
      takeAgain: () => this.#takeAgain(),
    });
  }

  #release(): void {
    this.#taken -= 1;
    this.#hand();
  }

  async #takeAgain(): Promise<void> {
    if (this.#kept || this.free === 0) {
      this.#missed = this.#kept;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else {
      this.#taken += 1;
    }
  }

  /** Gives what is free to who waits to go on, then to something new. */
  #hand(): void {
    if (this.#kept) {
      this.#missed = true;
      return;
    }
    while (this.#taken < this.#max) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#taken += 1;
      next();
    }
    if (this.free > 0) this.#onFree();
  }
}

/** The slot of one job. */
export class Slot {
  readonly #slots: { release(): void; takeAgain(): Promise<void> };
  #held = true;
  #yields = 0;
  #taking: Promise<void> | undefined;
  #over = false;

  /** Slots come from {@linkcode Slots.take}. */
  constructor(slots: { release(): void; takeAgain(): Promise<void> }) {
    this.#slots = slots;
  }

  /** Gives the slot up while `work` is waited for, and then waits for another; also when called several times at once. */
  async yieldDuring<T>(work: () => Promise<T>): Promise<T> {
    this.#yields += 1;
    this.#letGo();
    try {
      return await work();
    } finally {
      this.#yields -= 1;
      if (this.#yields === 0 && !this.#over) await this.#takeAgain();
    }
  }

  /** The job has ended: its slot is free. False where it has none, since it waited for another job. */
  end(): boolean {
    const hadOne = this.#held;
    this.#over = true;
    this.#letGo();
    return hadOne;
  }

  /** Once, for all who wait for it. */
  #takeAgain(): Promise<void> {
    this.#taking ??= this.#take();
    return this.#taking;
  }

  async #take(): Promise<void> {
    await this.#slots.takeAgain();
    this.#taking = undefined;
    this.#held = true;
    // The job may have ended while it waited, or wait for something else by now.
    if (this.#over || this.#yields > 0) this.#letGo();
  }

  #letGo(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#slots.release();
  }
}
