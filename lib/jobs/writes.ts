import type { Database, Session } from "../storage/mod.ts";
import { type Batch, GroupCommit, type Work } from "./group_commit.ts";

/** Writes in the transaction of a caller's session, or else together with what else is written at the moment. */
export class Writes {
  /** For what begins in no caller's transaction, with the tables there already. */
  readonly commits: GroupCommit;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.commits = new GroupCommit(database);
  }

  /** @throws {NestedWriteError} inside a transaction whose session was not given. */
  async run<T>(session: Session | undefined, work: Work<T>): Promise<T> {
    if (session === undefined) {
      await this.prepare();
      return await this.commits.run(work);
    }
    await this.#database.migrate({ session });
    return await session.unit(work);
  }

  /**
   * As `run()`, in one batch with others.
   *
   * @throws {NestedWriteError}
   */
  async runBatched<Item, T>(
    session: Session | undefined,
    batch: Batch<Item, T>,
    item: Item,
  ): Promise<T> {
    if (session !== undefined) {
      const [result] = await this.run(session, async (tx) => [...(await batch([item], tx))]);
      // A batch gives as many results as it is given items.
      return result as T;
    }
    await this.prepare();
    return await this.commits.runBatched(batch, item);
  }

  /**
   * The tables are there, and no transaction that a write would wait for is open around it.
   *
   * @throws {NestedWriteError}
   */
  async prepare(): Promise<void> {
    this.#database.refuseNested();
    await this.#database.migrate();
  }
}
