/** A run, as far as it waits for other jobs. */
interface Waiting {
  /** The ids of the jobs that it waits for. */
  readonly awaited: string[];
}

export interface StandstillOptions {
  /** Claims what is due, and resolves when that has begun to run. */
  readonly claim: () => Promise<void>;
  /** Whether one of these jobs has ended, so that who waits for it is about to go on. */
  readonly anyEnded: (ids: readonly string[]) => Promise<boolean>;
}

/**
 * Knows when a worker stands still until time passes: there is nothing to claim, and whatever
 * runs waits for another job. Tests let time pass then; nobody else asks.
 */
export class Standstill {
  readonly #options: StandstillOptions;
  readonly #runs = new Map<string, Waiting>();
  #changed = Promise.withResolvers<void>();

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  /** A run has begun; it ends when how it has ended is written. */
  begin(id: string): Disposable {
    const run: Waiting = { awaited: [] };
    this.#runs.set(id, run);
    return {
      [Symbol.dispose]: () => {
        // Handed back and claimed again, the job may have another run by now.
        if (this.#runs.get(id) === run) this.#runs.delete(id);
        this.#change();
      },
    };
  }

  /** The run of `id` does nothing but wait for the job `awaited` until `work` is done. */
  async during<T>(id: string, awaited: string, work: () => Promise<T>): Promise<T> {
    const run = this.#runs.get(id);
    run?.awaited.push(awaited);
    this.#change();
    try {
      return await work();
    } finally {
      run?.awaited.splice(run.awaited.indexOf(awaited), 1);
      this.#change();
    }
  }

  /** Resolves at the next standstill to the runs that wait: for which jobs, by the id of their own. */
  async reached(): Promise<ReadonlyMap<string, readonly string[]>> {
    for (;;) {
      const changed = this.#changed.promise;
      await this.#options.claim();
      const waits = this.#waits();
      if (waits === undefined || (await this.#options.anyEnded([...waits.values()].flat()))) {
        await changed;
      } else if (changed === this.#changed.promise) {
        return waits;
      }
    }
  }

  /** Undefined while a run does something of its own. */
  #waits(): Map<string, readonly string[]> | undefined {
    const waits = new Map<string, readonly string[]>();
    for (const [id, { awaited }] of this.#runs) {
      if (awaited.length === 0) return undefined;
      waits.set(id, [...awaited]);
    }
    return waits;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
