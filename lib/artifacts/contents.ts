import { createHash } from "node:crypto";
import type { Database, Session } from "../storage/mod.ts";
import type { ArtifactBytes } from "./artifact.ts";
import { chunksOf } from "./byte_source.ts";
import type { ContentStatements } from "./content_statements.ts";
import { ArtifactTooLargeError, UploadLostError } from "./errors.ts";
import type { Garbage } from "./garbage.ts";
import { Upload } from "./upload.ts";
import type { HeldUploadLease, UploadLease } from "./upload_lease.ts";
import { unit } from "./writing.ts";

/**
 * Bytes in a chunk: each is a row, which is written in some milliseconds, and read whole. Smaller
 * ones take longer to free, larger ones more memory; neither is faster (bench/README.md).
 */
export const CHUNK_SIZE = 512 * 1024;

export interface WriteOptions {
  /** Ends it; nothing is kept then. */
  signal?: AbortSignal | undefined;
  /** Bytes. */
  maxSize: number;
  /** The session in whose transaction all of it is written. */
  session?: Session | undefined;
}

/** An upload that is being written. */
interface Begun {
  readonly id: string;
  readonly held: HeldUploadLease;
}

/**
 * Writes bytes into the database. Each chunk is a short transaction of its own, so that however
 * long or slow an upload is, it never keeps others from writing. What fits into one chunk waits
 * for the artifact's own transaction.
 */
export class ContentStore {
  readonly #database: Database;
  readonly #statements: ContentStatements;
  readonly #lease: UploadLease;
  readonly #garbage: Garbage;

  constructor(options: {
    database: Database;
    statements: ContentStatements;
    lease: UploadLease;
    garbage: Garbage;
  }) {
    this.#database = options.database;
    this.#statements = options.statements;
    this.#lease = options.lease;
    this.#garbage = options.garbage;
  }

  /**
   * Writes all of the source; what it gives is to be disposed. Where it throws, nothing is left.
   *
   * @throws {ArtifactTooLargeError} where there is more than `maxSize`.
   * @throws {InvalidArtifactError} where the source can't be read, or gives no bytes.
   * @throws {UploadLostError} where others took this process for dead meanwhile.
   * @throws The signal's reason, or what the source fails by.
   */
  async write(source: ArtifactBytes, { signal, maxSize, session }: WriteOptions): Promise<Upload> {
    const hash = createHash("sha256");
    let begun: Begun | undefined;
    let waiting: Uint8Array | undefined;
    let size = 0;
    try {
      for await (const chunk of chunksOf(source, { size: CHUNK_SIZE, signal })) {
        if (size + chunk.byteLength > maxSize) throw new ArtifactTooLargeError(maxSize);
        hash.update(chunk);
        if (waiting !== undefined) {
          begun ??= await this.#begin(session);
          await this.#append(begun.id, size - waiting.byteLength, waiting, session);
        }
        waiting = chunk;
        size += chunk.byteLength;
      }
      if (begun !== undefined && waiting !== undefined) {
        await this.#append(begun.id, size - waiting.byteLength, waiting, session);
      }
      signal?.throwIfAborted();
    } catch (error) {
      await this.#end(begun, false, session);
      throw error;
    }
    return new Upload({
      id: begun?.id ?? crypto.randomUUID(),
      size,
      sha256: hash.digest("hex"),
      bytes: begun === undefined ? (waiting ?? new Uint8Array()) : null,
      statements: this.#statements,
      end: (isStored) => this.#end(begun, isStored, session),
    });
  }

  async #begin(session: Session | undefined): Promise<Begun> {
    const held = await this.#lease.hold();
    const id = crypto.randomUUID();
    try {
      await unit(this.#database, session, async (tx) => {
        await this.#statements.begin.all(tx, { id, owner: held.lease.id });
      });
      return { id, held };
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
  }

  async #append(
    id: string,
    position: number,
    bytes: Uint8Array,
    session: Session | undefined,
  ): Promise<void> {
    await unit(this.#database, session, async (tx) => {
      const uploads = await this.#statements.uploading.all(tx, { id });
      if (uploads.length === 0) throw new UploadLostError();
      await this.#statements.putChunk.all(tx, { content_id: id, position, bytes });
    });
    // SQLite answers at once, and so may the source: all else here has its turn now.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async #end(
    begun: Begun | undefined,
    isStored: boolean,
    session: Session | undefined,
  ): Promise<void> {
    if (begun === undefined) return;
    using _ = begun.held;
    if (isStored) return;
    try {
      await this.#garbage.discard(begun.id, { session });
    } catch {
      // The transaction is over, and so are the bytes; or the database is closed or locked: then
      // they wait for a sweep, when the lease has ended. What matters is why the upload has ended.
    }
  }
}
