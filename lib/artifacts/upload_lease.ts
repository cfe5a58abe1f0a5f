import type { Database, Lease } from "../storage/mod.ts";

/** Seconds without a sign of life after which others may remove what a process uploads. */
const SECONDS = 10;
/** Milliseconds for which it is kept for the next upload: a lease is renewed by a thread. */
const KEPT = 5_000;

/** A lease that is held while it is used; what is marked with its id is not for others to remove. */
export interface HeldUploadLease extends Disposable {
  readonly lease: Lease;
}

/** The lease of the uploads of one manager, which is taken with the first of them. */
export class UploadLease {
  readonly #database: Database;
  readonly #onOthersEnded: () => void;
  #lease: Promise<Lease> | undefined;
  #users = 0;
  #release: NodeJS.Timeout | undefined;

  /** `onOthersEnded` is called when what others upload may be left behind. */
  constructor(database: Database, onOthersEnded: () => void) {
    this.#database = database;
    this.#onOthersEnded = onOthersEnded;
  }

  async hold(): Promise<HeldUploadLease> {
    this.#users += 1;
    clearTimeout(this.#release);
    let isHeld = true;
    const end = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#users -= 1;
      if (this.#users > 0) return;
      this.#release = setTimeout(() => void this.release(), KEPT).unref();
    };
    try {
      return { lease: await this.#acquire(), [Symbol.dispose]: end };
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Gives it up, unless somebody uses it. */
  async release(): Promise<void> {
    clearTimeout(this.#release);
    if (this.#users > 0) return;
    const held = this.#lease;
    this.#lease = undefined;
    const lease = await held?.catch(() => {
      // Whoever wanted it has the error.
    });
    await lease?.release();
  }

  #acquire(): Promise<Lease> {
    const forget = () => {
      if (this.#lease === acquired) this.#lease = undefined;
    };
    if (this.#lease !== undefined) return this.#lease;
    const acquired = this.#database.lease({
      seconds: SECONDS,
      onLost: forget,
      onOthersEnded: this.#onOthersEnded,
    });
    this.#lease = acquired;
    acquired.catch(forget);
    return acquired;
  }
}
