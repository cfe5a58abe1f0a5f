import type { Kysely } from "kysely";
import type { Database, Session } from "../storage/mod.ts";
import { type ContentStatements, passing } from "./content_statements.ts";
import type { ArtifactTables } from "./tables.ts";
import type { UploadLease } from "./upload_lease.ts";
import { unit } from "./writing.ts";

/** Chunks that are freed in one transaction, in a few milliseconds. */
const BATCH = 4;

export interface GarbageOptions {
  readonly database: Database;
  readonly statements: ContentStatements;
  readonly lease: UploadLease;
}

/**
 * Frees the bytes that nobody has any more, chunk by chunk, so that nobody waits for it. Where
 * several processes do so on one file, each finds less; whatever stops half-way, the next sweep
 * goes on.
 */
export class Garbage {
  readonly #options: GarbageOptions;
  readonly #db: Kysely<ArtifactTables>;
  #sweeping: Promise<void> | undefined;
  /** Whether more may have been left behind since a sweep has begun. */
  #isDue = false;
  #isStopping = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
    this.#db = options.database.own<ArtifactTables>();
  }

  /** Frees a content that is garbage. */
  async free(id: string, { session }: { session?: Session | undefined } = {}): Promise<void> {
    const { database, statements } = this.#options;
    for (let left = true; left && !this.#isStopping; ) {
      const begun = performance.now();
      left = await unit(database, session, async (tx) => {
        const freed = await statements.freeChunks.all(tx, { id, count: BATCH });
        if (freed.length === BATCH) return true;
        await statements.free.all(tx, { id });
        return false;
      });
      // Who has a transaction open holds the writer in any case.
      if (left && session === undefined) await rest(performance.now() - begun);
    }
  }

  /** An upload will never be complete. */
  async discard(id: string, { session }: { session?: Session | undefined } = {}): Promise<void> {
    const { database, statements } = this.#options;
    await unit(database, session, async (tx) => {
      await statements.discard.all(tx, { id });
    });
    await this.free(id, { session });
  }

  /** Frees what others have left behind: uploads of processes that have ended, and garbage. */
  sweep(): Promise<void> {
    this.#isDue = true;
    this.#sweeping ??= this.#sweepWhileDue().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Leaves what it has not come to, and resolves when the batch that is under way is done. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#sweeping;
  }

  async #sweepWhileDue(): Promise<void> {
    while (this.#isDue && !this.#isStopping) {
      this.#isDue = false;
      await this.#sweep();
    }
  }

  async #sweep(): Promise<void> {
    const found = await passing(this.#db);
    const owners = new Set<string>();
    for (const { state, owner } of found) {
      if (state === "uploading" && owner !== null) owners.add(owner);
    }
    if (owners.size > 0 && (await this.#discardAbandoned([...owners]))) {
      return await this.#freeAll(await passing(this.#db));
    }
    await this.#freeAll(found);
  }

  /** Whether some of these owners have ended, so that their uploads are garbage now. */
  async #discardAbandoned(owners: readonly string[]): Promise<boolean> {
    const { database, statements, lease } = this.#options;
    using held = await lease.hold();
    const ended = await held.lease.ended(owners);
    if (ended.length === 0) return false;
    await database.unit(async (tx) => {
      await statements.discardOf.all(tx, { owners: JSON.stringify(ended) });
    });
    return true;
  }

  async #freeAll(found: Awaited<ReturnType<typeof passing>>): Promise<void> {
    for (const { id, state } of found) if (state === "garbage") await this.free(id);
  }
}

/**
 * Lets others have as long as a batch took. SQLite answers at once, so that awaiting it lets
 * nothing else run here; and other processes look only from time to time whether they can write.
 */
async function rest(took: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, took));
}
