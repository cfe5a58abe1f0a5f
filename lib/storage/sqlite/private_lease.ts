import { DatabaseClosedError } from "../errors.ts";
import type { Lease, LeaseOptions } from "../lease.ts";

/**
 * The leases of a database that no other process can open. Nothing ends them but `release()`: who
 * could take over dies with whoever holds them.
 */
export class PrivateLeases {
  readonly #url: string;
  readonly #live = new Map<string, LeaseOptions>();

  constructor(url: string) {
    this.#url = url;
  }

  acquire(options: LeaseOptions): Lease {
    const id = crypto.randomUUID();
    this.#live.set(id, options);
    return {
      id,
      ended: async (ids) => {
        if (!this.#live.has(id)) throw new DatabaseClosedError(this.#url);
        return ids.filter((id) => !this.#live.has(id));
      },
      release: async () => {
        if (!this.#live.delete(id)) return;
        for (const { onOthersEnded } of this.#live.values()) queueMicrotask(onOthersEnded);
      },
    };
  }
}
