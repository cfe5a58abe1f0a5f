import type { Kysely } from "kysely";
import type { Statements } from "../storage/mod.ts";
import { changeInBatches } from "./bulk.ts";
import { checkFilter, isEmptyFilter } from "./job_filter.ts";
import type { JobFilter } from "./job_list.ts";
import { Pace } from "./pace.ts";
import type { StateMachine } from "./state_machine.ts";
import type { JobTables } from "./tables.ts";
import type { Writes } from "./writes.ts";

export interface BulkChangesOptions {
  readonly db: Kysely<JobTables>;
  readonly states: StateMachine;
  readonly writes: Writes;
  /** Called with the jobs of each batch. */
  readonly onChanged: (ids: readonly string[]) => void;
  /** What it gives throws once a stop has come since: it may take minutes, for which a stop does not wait. */
  readonly watchStop: () => () => void;
}

/** Changes many jobs, as many in one transaction as keep nobody waiting. */
export class BulkChanges {
  readonly #options: BulkChangesOptions;

  constructor(options: BulkChangesOptions) {
    this.#options = options;
  }

  /** Failed and canceled → pending, and how many; `onRetried` is called after each batch. */
  async retry(filter: JobFilter, onRetried: () => void): Promise<number> {
    checkFilter(filter);
    const { states } = this.#options;
    const { status } = filter;
    // One of them is asked for, or both: what has just become the other one has changed since.
    const filters = (["failed", "canceled"] as const)
      .filter((each) => status === undefined || status === each)
      .map((each) => ({ ...filter, status: each }));
    const retry = (ids: readonly string[], tx: Statements) =>
      states.retryMany(ids, { status: status ?? null }, tx);
    return await this.#change(filters, retry, onRetried);
  }

  /** Anything → gone, and how many. */
  async delete(filter: JobFilter): Promise<number> {
    checkFilter(filter);
    if (isEmptyFilter(filter)) {
      throw new TypeError(
        "Cannot delete jobs without a filter: to delete all, give one that all fit, { since: new Date(0) }",
      );
    }
    const { states } = this.#options;
    const only = { status: filter.status ?? null };
    return await this.#change([filter], (ids, tx) => states.deleteMany(ids, only, tx));
  }

  /** Changes what it can of these jobs in one transaction, and says which. */
  changeBatch(
    ids: readonly string[],
    pace: Pace,
    change: (tx: Statements) => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    return this.#options.writes.commits.run((tx) => pace.time(ids.length, () => change(tx)));
  }

  async #change(
    filters: readonly JobFilter[],
    change: (ids: readonly string[], tx: Statements) => Promise<readonly string[]>,
    onBatch = () => {},
  ): Promise<number> {
    const { db, writes, onChanged, watchStop } = this.#options;
    const refuseStopped = watchStop();
    await writes.prepare();
    const pace = new Pace();
    return await changeInBatches(filters, {
      db,
      pace,
      change: async (ids) => {
        refuseStopped();
        const changed = await this.changeBatch(ids, pace, (tx) => change(ids, tx));
        onChanged(changed);
        if (changed.length > 0) onBatch();
        return changed.length;
      },
    });
  }
}
