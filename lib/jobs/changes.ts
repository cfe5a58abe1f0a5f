import { Repeated } from "./repeated.ts";

export interface ChangesOptions {
  /** Calls `onChange` when another process may have changed something. */
  readonly listen: (onChange: () => void) => Promise<Disposable>;
  /** The revisions of these jobs, without those that are gone. */
  readonly revisions: (ids: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

interface Watched {
  /** As another process's change was last looked for; undefined before the first time. */
  revision: number | undefined;
  readonly watchers: Set<() => void>;
}

/**
 * Wakes those who read a job's record when it may have changed. What has
 * changed they read there.
 *
 * It listens to other processes only while somebody watches.
 */
export class Changes {
  readonly #options: ChangesOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #refreshing = new Repeated(() => this.#refresh());
  #listening: Promise<Disposable> | undefined;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  watch(id: string, wake: () => void): Disposable {
    let watched = this.#watched.get(id);
    if (watched === undefined) {
      watched = { revision: undefined, watchers: new Set() };
      this.#watched.set(id, watched);
    }
    const { watchers } = watched;
    watchers.add(wake);
    if (this.#listening === undefined) {
      this.#listening = this.#options.listen(() => this.#refreshing.request());
      this.#listening.catch(() => {
        // Who reads the record finds out what is wrong with the database.
      });
    }
    return {
      [Symbol.dispose]: () => {
        // A second time, others may watch the same job.
        if (!watchers.delete(wake)) return;
        if (watchers.size === 0) this.#watched.delete(id);
        if (this.#watched.size === 0) this.#stopListening();
      },
    };
  }

  /** These jobs have changed. */
  notify(ids: Iterable<string>): void {
    if (this.#watched.size === 0) return;
    for (const id of ids) {
      for (const wake of this.#watched.get(id)?.watchers ?? []) wake();
    }
  }

  /** Wakes the readers of what another process has changed. */
  async #refresh(): Promise<void> {
    const revisions = await this.#options.revisions([...this.#watched.keys()]).catch(() => {
      // Who reads the record itself finds out what is wrong with the database.
      return new Map<string, number>();
    });
    for (const [id, watched] of this.#watched) {
      const revision = revisions.get(id);
      if (revision !== undefined && revision === watched.revision) continue;
      watched.revision = revision;
      for (const wake of watched.watchers) wake();
    }
  }

  #stopListening(): void {
    // One that could not begin has nothing to end.
    void this.#listening?.then((listening) => listening[Symbol.dispose]()).catch(() => {});
    this.#listening = undefined;
  }
}
