/** Resolves when it has been called so many times. */
export class Countdown {
  readonly over: Promise<void>;
  readonly #end: () => void;
  #left: number;

  constructor(count: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#end = resolve;
    this.#left = count;
  }

  count(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#end();
  }
}
