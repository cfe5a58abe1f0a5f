import { JobReader } from "../../../lib/jobs/reader.ts";
import type { Database } from "../../../lib/storage/mod.ts";

const find = JobReader.prototype.find;
const revisions = JobReader.prototype.revisions;

/** Counts what streams cost and hold, while it is in use. */
export class StreamCosts implements Disposable {
  /** How many records were read. */
  reads = 0;
  /** How often many were asked for their revisions. */
  looks = 0;
  /** How many listen to the commits of other processes. */
  listeners = 0;
  readonly #intervals = new Set<unknown>();
  readonly #set = globalThis.setInterval;
  readonly #clear = globalThis.clearInterval;
  #quiet = Promise.withResolvers<void>();

  constructor(database: Database) {
    const countRead = () => this.reads++;
    const countLook = () => this.looks++;
    JobReader.prototype.find = function (this: JobReader, id) {
      countRead();
      return find.call(this, id);
    };
    JobReader.prototype.revisions = function (this: JobReader, ids) {
      countLook();
      return revisions.call(this, ids);
    };
    const listen = database.onForeignCommit.bind(database);
    database.onForeignCommit = async (listener) => {
      const listening = await listen(listener);
      this.listeners++;
      return {
        [Symbol.dispose]: () => {
          listening[Symbol.dispose]();
          this.listeners--;
          this.#quiet.resolve();
          this.#quiet = Promise.withResolvers();
        },
      };
    };
    globalThis.setInterval = Object.assign((...args: Parameters<typeof setInterval>) => {
      const timer = this.#set(...args);
      this.#intervals.add(timer);
      return timer;
    }, this.#set);
    const clear = (timer: Timer | undefined) => {
      this.#intervals.delete(timer);
      this.#clear(timer);
    };
    globalThis.clearInterval = clear as typeof clearInterval;
  }

  /** How many intervals are set. */
  get intervals(): number {
    return this.#intervals.size;
  }

  /** Resolves when somebody listens no more. */
  async quiet(): Promise<void> {
    await this.#quiet.promise;
  }

  [Symbol.dispose](): void {
    JobReader.prototype.find = find;
    JobReader.prototype.revisions = revisions;
    globalThis.setInterval = this.#set;
    globalThis.clearInterval = this.#clear;
  }
}
