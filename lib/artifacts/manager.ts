import { parseExactly } from "../http/mod.ts";
import {
  afterCommit,
  DatabaseClosedError,
  type Session,
  UlidSequence,
  ulid,
} from "../storage/mod.ts";
import { consoleLogger, type Logger, type RunArtifacts, type TaskExecutor } from "../tasks/mod.ts";
import type {
  Artifact,
  ArtifactBytes,
  ArtifactChanges,
  ArtifactPage,
  ArtifactStats,
  ArtifactTree,
  ExpandedArtifact,
  ListArtifactsOptions,
  NewArtifact,
  PageOptions,
} from "./artifact.ts";
import { createContentStatements } from "./content_statements.ts";
import { ContentStore } from "./contents.ts";
import { type Draft, toDraft } from "./draft.ts";
import { Garbage } from "./garbage.ts";
import type { ArtifactHierarchy } from "./hierarchy.ts";
import { ArtifactLibrary } from "./library.ts";
import type {
  ArtifactManagerOptions,
  DeleteArtifactOptions,
  ReadArtifactOptions,
  SaveArtifactOptions,
  StreamArtifactOptions,
} from "./manager_options.ts";
import { createArtifactRecords } from "./records.ts";
import type { ArtifactTables } from "./tables.ts";
import { Upload } from "./upload.ts";
import { UploadLease } from "./upload_lease.ts";
import { ArtifactWriter } from "./writer.ts";

/**
 * Keeps artifacts: what tasks leave behind, as JSON or bytes, in a hierarchy.
 *
 * Bytes go in and out in chunks, however many there are; artifacts of the same bytes share them.
 * An executor that is given a manager injects it into its tasks.
 *
 * @example
 * ```ts
 * const artifacts = new ArtifactManager({ database });
 * const run = await artifacts.save({ data: { rows: 3 }, tags: ["report"] });
 * await artifacts.save({ data: Bun.file("plot.png"), parentId: run.id });
 * ```
 */
export class ArtifactManager implements RunArtifacts, AsyncDisposable {
  /** Where the routes of artifacts are mounted. */
  readonly prefix: string;
  /** Names the levels; null where nobody does. */
  readonly hierarchy: ArtifactHierarchy | null;
  /** The most that one artifact may have, in bytes. */
  readonly maxUpload: number;
  /** @internal As they are kept, numbers with all their digits, for the routes. */
  readonly exact: ArtifactLibrary;
  readonly #database: ArtifactManagerOptions["database"];
  readonly #clock: { now(): number } | undefined;
  readonly #ids = new UlidSequence();
  readonly #library: ArtifactLibrary;
  readonly #writer: ArtifactWriter;
  readonly #lease: UploadLease;
  readonly #garbage: Garbage;
  readonly #contents: ContentStore;
  readonly #freeing = new Set<Promise<void>>();
  #logger: Logger = consoleLogger;
  #hasSwept = false;

  /** @throws {RangeError} where `maxUpload` is no whole number of bytes. */
  constructor({
    database,
    hierarchy,
    maxUpload = 5 * 1024 ** 3,
    prefix = "/api/v1/artifacts",
    clock,
  }: ArtifactManagerOptions) {
    if (!(Number.isSafeInteger(maxUpload) && maxUpload >= 0)) {
      throw new RangeError(
        `Cannot use ${maxUpload} as maxUpload: it is a whole number of bytes from 0 on`,
      );
    }
    this.prefix = prefix;
    this.hierarchy = hierarchy ?? null;
    this.maxUpload = maxUpload;
    this.#database = database;
    this.#clock = clock;
    const db = database.own<ArtifactTables>();
    const statements = createContentStatements(db);
    const records = createArtifactRecords(db);
    const reading = {
      database,
      hierarchy: this.hierarchy,
      statements: { ...records, ...statements },
    };
    this.#library = new ArtifactLibrary(reading);
    this.exact = new ArtifactLibrary({ ...reading, parse: parseExactly });
    this.#writer = new ArtifactWriter({ database, records, contents: statements });
    this.#lease = new UploadLease(database, () => this.#sweepBehind());
    this.#garbage = new Garbage({ database, statements, lease: this.#lease });
    this.#contents = new ContentStore({
      database,
      statements,
      lease: this.#lease,
      garbage: this.#garbage,
    });
  }

  /** Called by the executor whose tasks are to have it injected. */
  attach(executor: TaskExecutor): void {
    this.#logger = executor.logger;
    executor.lend(ArtifactManager, this);
  }

  /**
   * Brings the tables up to date, and begins to free what processes have left behind that were
   * killed during an upload. A service does this when it starts, and the first `save()` when nobody
   * has.
   */
  async start(): Promise<void> {
    await this.#database.migrate();
    if (!this.#hasSwept) this.#sweepBehind();
  }

  /** Leaves what it has not freed for the next start. Artifacts can still be saved and read. */
  async stop(): Promise<void> {
    await this.#garbage.stop();
    await Promise.all(this.#freeing);
    await this.#lease.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Saves an artifact. With a session it appears when that commits, bytes included, or never.
   *
   * @throws {InvalidArtifactError} where it can't be kept as it is; the message says where.
   * @throws {ArtifactExistsError} where the id that it gives is taken.
   * @throws {UnknownParentError} where its parent is none of the artifacts.
   * @throws {ArtifactTooLargeError} where it has more bytes than `maxUpload`.
   * @throws {NestedWriteError} inside a transaction whose session was not given.
   * @throws The signal's reason, or what a stream fails by. Nothing is kept then.
   *
   * @example
   * ```ts
   * await session.transaction(async (tx) => {
   *   const { id } = await artifacts.save({ data: csv, contentType: "text/csv" }, { session: tx });
   *   await tx.kysely<Tables>().insertInto("reports").values({ artifact: id }).execute();
   * });
   * ```
   */
  async save(
    artifact: NewArtifact,
    { session, signal }: SaveArtifactOptions = {},
  ): Promise<Artifact> {
    const draft = toDraft(artifact, { maxSize: this.maxUpload });
    await this.#begin(session);
    // Whoever sends much shall hear of this before.
    if (hasBytes(draft)) await this.#library.refuseUnknownParent(draft.parentId, session);
    await using upload = await this.#receive(draft, { session, signal });
    const now = this.#now();
    const id = draft.id ?? (this.#clock === undefined ? ulid(now) : this.#ids.next(now));
    return await this.#writer.insert(id, draft, { session, upload, now });
  }

  /** @throws {ArtifactNotFoundError} */
  async get(id: string, { session }: ReadArtifactOptions = {}): Promise<Artifact> {
    return await this.#library.get(id, session);
  }

  /** The newest first; `before` goes on where a list has ended. */
  async list(options: ListArtifactsOptions = {}): Promise<Artifact[]> {
    return await this.#library.list(options);
  }

  /** As `list()`, but page by page, with how many there are. */
  async page(options: PageOptions = {}): Promise<ArtifactPage> {
    return await this.#library.page(options);
  }

  /**
   * Changes an artifact; what is left out stays. Where its parent changes, so do the levels of all
   * that is under it.
   *
   * @throws {ArtifactNotFoundError}
   * @throws {ArtifactCycleError} where it would be under itself.
   * @throws As `save()` does.
   */
  async update(
    id: string,
    changes: ArtifactChanges,
    { session, signal }: SaveArtifactOptions = {},
  ): Promise<Artifact> {
    const draft = toDraft(changes, { maxSize: this.maxUpload });
    await this.#begin(session);
    if (hasBytes(draft)) {
      await this.#library.get(id, session);
      await this.#library.refuseUnknownParent(draft.parentId, session);
    }
    await using upload = await this.#receive(draft, { session, signal });
    const change = { session, upload, now: this.#now() };
    const { artifact, garbage } = await this.#writer.update(id, draft, change);
    await this.#free(garbage, session);
    return artifact;
  }

  /**
   * Deletes an artifact. Its bytes go with the last artifact that has them.
   *
   * @throws {ArtifactNotFoundError}
   * @throws {ArtifactHasChildrenError} where there are others under it, unless it is `recursive`.
   * @throws {NestedWriteError} inside a transaction whose session was not given.
   */
  async delete(
    id: string,
    { recursive = false, session }: DeleteArtifactOptions = {},
  ): Promise<void> {
    await this.#begin(session);
    const garbage = await this.#writer.delete(id, { recursive, session });
    await this.#free(garbage, session);
  }

  /**
   * An artifact with what its level is called.
   *
   * @throws {ArtifactNotFoundError}
   */
  async expand(id: string, { session }: ReadArtifactOptions = {}): Promise<ExpandedArtifact> {
    return await this.#library.expand(id, session);
  }

  /**
   * An artifact with all that is under it.
   *
   * @throws {ArtifactNotFoundError}
   */
  async tree(id: string, { session }: ReadArtifactOptions = {}): Promise<ArtifactTree> {
    return await this.#library.tree(id, session);
  }

  /**
   * The bytes of an artifact, or the text of its JSON, read as somebody takes them. It fails with an
   * {@linkcode ArtifactChangedError} where the artifact is deleted meanwhile.
   *
   * @throws {ArtifactNotFoundError}
   * @throws {RangeError} where `start` or `end` is no whole number of bytes.
   */
  async stream(
    id: string,
    options: StreamArtifactOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return await this.#library.stream(id, options);
  }

  async stats(): Promise<ArtifactStats> {
    return await this.#library.stats();
  }

  /**
   * Writes bytes before it is known what artifact they are for: `save({ data: upload })` gives them
   * to one, and disposing frees them if that hasn't happened.
   *
   * @throws As `save()` does.
   * @internal For the routes.
   */
  async upload(
    source: ArtifactBytes,
    { session, signal }: SaveArtifactOptions = {},
  ): Promise<Upload> {
    await this.#begin(session);
    return await this.#contents.write(source, { session, signal, maxSize: this.maxUpload });
  }

  /** @internal Frees what processes have left behind that have ended, and what is garbage. */
  async sweep(): Promise<void> {
    this.#hasSwept = true;
    await this.#database.migrate();
    await this.#garbage.sweep();
  }

  async #begin(session: Session | undefined): Promise<void> {
    if (session !== undefined) return await this.#database.migrate({ session });
    this.#database.refuseNested();
    await this.#database.migrate();
    if (!this.#hasSwept) this.#sweepBehind();
  }

  async #receive({ data }: Draft, options: SaveArtifactOptions): Promise<Upload | undefined> {
    if (data === undefined || "json" in data) return undefined;
    if (data.bytes instanceof Upload) return data.bytes;
    return await this.#contents.write(data.bytes, { ...options, maxSize: this.maxUpload });
  }

  #now(): number {
    return Math.floor(this.#clock?.now() ?? Date.now());
  }

  /** Frees contents that are garbage: at once, or after a session's commit. */
  async #free(contents: readonly string[], session: Session | undefined): Promise<void> {
    if (contents.length === 0) return;
    const free = async () => {
      for (const id of contents) await this.#garbage.free(id);
    };
    if (session === undefined) return await this.#behind(free);
    afterCommit(session, () => void this.#behind(free));
  }

  #sweepBehind(): void {
    this.#hasSwept = true;
    void this.#behind(() => this.#garbage.sweep());
  }

  /** What can't be freed now is freed by the next sweep, and nobody's failure. */
  #behind(work: () => Promise<void>): Promise<void> {
    const working = work().catch((error: unknown) => {
      if (error instanceof DatabaseClosedError) return;
      this.#logger.warn("bytes of artifacts could not be freed", { error });
    });
    this.#freeing.add(working);
    return working.finally(() => this.#freeing.delete(working));
  }
}

/** Whether bytes are still to be read. */
function hasBytes({ data }: Draft): boolean {
  return data !== undefined && "bytes" in data && !(data.bytes instanceof Upload);
}
