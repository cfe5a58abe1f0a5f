import type { JobReader } from "./reader.ts";
import type { JobRecord } from "./record.ts";

/** Reads a record once for all who ask for it together, as those who follow a job do when it has changed. */
export class SharedReads {
  readonly #reader: JobReader;
  readonly #asked = new Map<string, ReturnType<JobReader["find"]>>();

  constructor(reader: JobReader) {
    this.#reader = reader;
  }

  /** The record with its revision, which are others' too; undefined where there is none. */
  find(id: string): Promise<{ revision: number; record: JobRecord } | undefined> {
    let asked = this.#asked.get(id);
    if (asked === undefined) {
      // Read in a moment, when all have asked: who asks later may know of a later change.
      asked = Promise.resolve().then(() => {
        this.#asked.delete(id);
        return this.#reader.find(id);
      });
      this.#asked.set(id, asked);
    }
    return asked;
  }
}
