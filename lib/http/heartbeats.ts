/** Seconds; a timer that is set to more fires at once. */
const LONGEST = 2_147_483;

/** Calls many at one interval, with one timer, while there are any. */
export class Heartbeats {
  readonly #milliseconds: number;
  readonly #beats = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @throws {RangeError} where it is no time that can be waited for. */
  constructor(seconds: number) {
    if (!(seconds > 0 && seconds <= LONGEST)) {
      throw new RangeError(
        `Cannot use ${seconds} as heartbeat: it is more than 0 and at most ${LONGEST} seconds`,
      );
    }
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
