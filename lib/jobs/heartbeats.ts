/** Calls many at one interval, with one timer, while there are any. */
export class Heartbeats {
  readonly #milliseconds: number;
  readonly #beats = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1_000;
  }

  add(beat: () => void): Disposable {
    this.#beats.add(beat);
    this.#timer ??= setInterval(() => {
      for (const each of this.#beats) each();
    }, this.#milliseconds);
    return {
      [Symbol.dispose]: () => {
        this.#beats.delete(beat);
        if (this.#beats.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }
}
