import type { Statements } from "../storage/mod.ts";
import type { ContentStatements } from "./content_statements.ts";
import { UploadLostError } from "./errors.ts";

export interface UploadOptions {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** All of its bytes, where they are so few that they are written with the artifact. */
  readonly bytes: Uint8Array | null;
  readonly statements: ContentStatements;
  /** Frees what is written, unless it is stored. */
  readonly end: (isStored: boolean) => Promise<void>;
}

/** Bytes that are there, and go when it is disposed, unless an artifact has got them. */
export class Upload implements AsyncDisposable {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  /** In lower-case hexadecimal. */
  readonly sha256: string;
  readonly #options: UploadOptions;
  #isStored = false;
  #end: Promise<void> | undefined;

  /** Uploads are made by `ContentStore.write()`. */
  constructor(options: UploadOptions) {
    this.id = options.id;
    this.size = options.size;
    this.sha256 = options.sha256;
    this.#options = options;
  }

  /**
   * Stores the bytes within a transaction, or finds the same ones; the id of the content that the
   * artifact has then. Where the transaction commits, `keep()` follows.
   *
   * @throws {UploadLostError} where others have removed them.
   */
  async adopt(tx: Statements): Promise<string> {
    const { id, size, sha256 } = this;
    const { statements, bytes } = this.#options;
    const [same] = await statements.same.all(tx, { sha256, size });
    if (same !== undefined) return same.id;
    if (bytes === null) {
      const stored = await statements.store.all(tx, { id, sha256, size });
      if (stored.length === 0) throw new UploadLostError();
      return id;
    }
    await statements.put.all(tx, { id, sha256, size });
    if (size > 0) await statements.putChunk.all(tx, { content_id: id, position: 0, bytes });
    return id;
  }

  /** This content is the artifact's, now that the transaction has committed. */
  keep(contentId: string | null): void {
    this.#isStored = contentId === this.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end ??= this.#options.end(this.#isStored);
    await this.#end;
  }
}
