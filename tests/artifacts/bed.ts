import { CHUNK_SIZE } from "../../lib/artifacts/contents.ts";
import { ArtifactManager, type ArtifactManagerOptions, Database } from "../../lib/mod.ts";

/** The tables that tests look into, under their full names. */
export interface StoredTables {
  taskmount_artifacts: { id: string; content_id: string | null };
  taskmount_artifact_tags: { tag: string; artifact_id: string };
  taskmount_artifact_contents: { id: string; state: string; owner: string | null; size: number };
  taskmount_artifact_chunks: { content_id: string; position: number; bytes: Uint8Array };
}

/** What is in the tables of bytes. */
export interface StoredBytes {
  readonly contents: readonly string[];
  readonly chunks: number;
}

/** A manager on a database of its own. */
export class Bed implements AsyncDisposable {
  readonly database: Database;
  readonly artifacts: ArtifactManager;

  constructor({
    path = ":memory:",
    ...options
  }: Omit<ArtifactManagerOptions, "database"> & { path?: string } = {}) {
    this.database = Database.sqlite(path);
    this.artifacts = new ArtifactManager({ ...options, database: this.database });
  }

  /** The states of all contents, and how many chunks there are. */
  async stored(): Promise<StoredBytes> {
    await this.database.migrate();
    const db = this.database.kysely<StoredTables>();
    const contents = await db
      .selectFrom("taskmount_artifact_contents")
      .select("state")
      .orderBy("state")
      .execute();
    const { chunks } = await db
      .selectFrom("taskmount_artifact_chunks")
      .select((eb) => eb.fn.countAll<number>().as("chunks"))
      .executeTakeFirstOrThrow();
    return { contents: contents.map(({ state }) => state), chunks };
  }

  /** All bytes of an artifact. */
  async read(id: string, range: { start?: number; end?: number } = {}): Promise<Uint8Array> {
    return await new Response(await this.artifacts.stream(id, range)).bytes();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.artifacts.stop();
    await this.database.close();
  }
}

export const NOTHING: StoredBytes = { contents: [], chunks: 0 };
export const MEBIBYTE = 1024 * 1024;

/** How many chunks so many bytes are. */
export function chunksFor(bytes: number): number {
  return Math.ceil(bytes / CHUNK_SIZE);
}

/** Bytes that are nowhere the same, and by another `seed` other ones. */
export function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let index = 0; index < words.length; index += 1) {
    words[index] = Math.imul(index + 1, 2_654_435_761) ^ Math.imul(seed, 40_503);
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** A stream of these pieces. */
export function streamOf(pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
