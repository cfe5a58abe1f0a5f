/** Collects promises that reject with nobody to hear it, which would end the process. */
export class UnhandledRejections implements Disposable {
  readonly reasons: unknown[] = [];
  readonly #listener = (reason: unknown) => {
    this.reasons.push(reason);
  };

  constructor() {
    process.on("unhandledRejection", this.#listener);
  }

  /** Lets the event loop turn, after which every rejection so far has been reported. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  [Symbol.dispose](): void {
    process.off("unhandledRejection", this.#listener);
  }
}
