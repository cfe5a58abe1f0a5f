import type { Database, Session } from "../storage/mod.ts";
import type {
  Artifact,
  ArtifactFilter,
  ArtifactPage,
  ArtifactStats,
  ArtifactTree,
  ExpandedArtifact,
  ListArtifactsOptions,
  PageOptions,
} from "./artifact.ts";
import { inBatches } from "./batches.ts";
import type { ContentStatements } from "./content_statements.ts";
import { contentStream, textStream } from "./content_stream.ts";
import { ArtifactNotFoundError, UnknownParentError } from "./errors.ts";
import { type ArtifactHierarchy, levelName } from "./hierarchy.ts";
import type { StreamArtifactOptions } from "./manager_options.ts";
import { ArtifactReader, type ParseJson, toArtifact } from "./reader.ts";
import type { ArtifactRecords } from "./records.ts";
import type { ArtifactRow, ArtifactTables } from "./tables.ts";
import { growTree } from "./tree.ts";

type LibraryStatements = Pick<ArtifactRecords & ContentStatements, "byId" | "chunkAt">;

export interface ArtifactLibraryOptions {
  readonly database: Database;
  readonly hierarchy: ArtifactHierarchy | null;
  readonly statements: LibraryStatements;
  /** How what is kept as JSON is read. @default {JSON.parse} */
  readonly parse?: ParseJson;
}

/** All that is read of artifacts, with what their levels are called. */
export class ArtifactLibrary {
  readonly #database: Database;
  readonly #reader: ArtifactReader;
  readonly #statements: LibraryStatements;
  readonly #parse: ParseJson;
  readonly #hierarchy: string | null;
  readonly #labelOf: (level: number) => string;

  constructor({ database, hierarchy, statements, parse = JSON.parse }: ArtifactLibraryOptions) {
    this.#database = database;
    this.#statements = statements;
    this.#parse = parse;
    this.#reader = new ArtifactReader({
      db: database.own<ArtifactTables>(),
      from: database,
      statements,
      parse,
    });
    this.#hierarchy = hierarchy?.name ?? null;
    this.#labelOf = hierarchy === null ? levelName : (level) => hierarchy.labelOf(level);
  }

  async get(id: string, session?: Session): Promise<Artifact> {
    return toArtifact(await this.#row(id, session), this.#parse);
  }

  async list({ limit = 100, ...options }: ListArtifactsOptions): Promise<Artifact[]> {
    const reader = await this.#open();
    return await reader.list({ ...options, limit: clamp(limit, 1_000) });
  }

  async page({ page = 1, size = 20, ...filter }: PageOptions): Promise<ArtifactPage> {
    const reader = await this.#open();
    const number = clamp(page, Number.MAX_SAFE_INTEGER);
    const most = clamp(size, 1_000);
    const total = await reader.count(filter);
    const offset = (number - 1) * most;
    const items = offset < total ? await reader.list({ ...filter, limit: most, offset }) : [];
    return { items, total, page: number, size: most, pages: Math.ceil(total / most) };
  }

  /**
   * What `list()` gives, or a page of it with `offset`, one by one: no more than about a mebibyte
   * of their JSON is in memory at once, unless one alone has more.
   */
  async *each({
    limit = 100,
    ...options
  }: ListArtifactsOptions & { offset?: number | undefined }): AsyncIterableIterator<Artifact> {
    const reader = await this.#open();
    const listed = await reader.listed({ ...options, limit: clamp(limit, 1_000) });
    for (const ids of inBatches(listed)) yield* await reader.among(ids);
  }

  async count(filter: ArtifactFilter): Promise<number> {
    return await (await this.#open()).count(filter);
  }

  async expand(id: string, session?: Session): Promise<ExpandedArtifact> {
    const artifact = await this.get(id, session);
    const levelLabel = this.#labelOf(artifact.level);
    return { ...artifact, levelLabel, hierarchy: this.#hierarchy, children: null };
  }

  async tree(id: string, session?: Session): Promise<ArtifactTree> {
    const artifacts = await (await this.#open(session)).subtree(id);
    const names = { hierarchy: this.#hierarchy, labelOf: this.#labelOf };
    const tree = growTree(artifacts, id, names);
    if (tree === undefined) throw new ArtifactNotFoundError(id);
    return tree;
  }

  async stream(
    id: string,
    { start = 0, end, signal }: StreamArtifactOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    refuseUnlessWhole("start", start);
    if (end !== undefined) refuseUnlessWhole("end", end);
    const { data, content_id, size } = await this.#row(id);
    signal?.throwIfAborted();
    if (content_id === null) {
      return textStream(data ?? "null", { start, end: end ?? Number.POSITIVE_INFINITY });
    }
    return contentStream({
      from: this.#database,
      statements: this.#statements,
      artifactId: id,
      contentId: content_id,
      start,
      end: Math.min(end ?? Number.POSITIVE_INFINITY, size ?? 0),
      signal,
    });
  }

  async stats(): Promise<ArtifactStats> {
    return await (await this.#open()).stats(this.#labelOf);
  }

  /** @throws {UnknownParentError} where an id is given and no artifact has it. */
  async refuseUnknownParent(id: string | null | undefined, session?: Session): Promise<void> {
    if (id === null || id === undefined) return;
    const parent = await (await this.#open(session)).row(id);
    if (parent === undefined) throw new UnknownParentError(id);
  }

  async #row(id: string, session?: Session): Promise<ArtifactRow> {
    const row = await (await this.#open(session)).row(id);
    if (row === undefined) throw new ArtifactNotFoundError(id);
    return row;
  }

  async #open(session?: Session): Promise<ArtifactReader> {
    await this.#database.migrate({ ...(session && { session }) });
    if (session === undefined) return this.#reader;
    return new ArtifactReader({
      db: this.#database.own<ArtifactTables>(session),
      from: session,
      statements: this.#statements,
      parse: this.#parse,
    });
  }
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(Math.floor(value), 1), most);
}

function refuseUnlessWhole(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`Cannot use ${value} as ${option}: it is a whole number of bytes from 0 on`);
}
