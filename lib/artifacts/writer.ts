import type { Database, Session, Statements } from "../storage/mod.ts";
import type { Artifact } from "./artifact.ts";
import type { ContentStatements } from "./content_statements.ts";
import type { Draft } from "./draft.ts";
import {
  ArtifactCycleError,
  ArtifactExistsError,
  ArtifactHasChildrenError,
  ArtifactNotFoundError,
  InvalidArtifactError,
  UnknownParentError,
} from "./errors.ts";
import { toArtifact } from "./reader.ts";
import type { ArtifactRecords } from "./records.ts";
import type { ArtifactRow } from "./tables.ts";
import type { Upload } from "./upload.ts";
import { unit } from "./writing.ts";

export interface ArtifactWriterOptions {
  readonly database: Database;
  readonly records: ArtifactRecords;
  readonly contents: ContentStatements;
}

/** What a change needs beside the draft. */
export interface ChangeContext {
  readonly session: Session | undefined;
  /** The bytes of the draft, if it has any. */
  readonly upload: Upload | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** An artifact as it is now, and the contents that nobody has any more. */
export interface Changed {
  readonly artifact: Artifact;
  readonly garbage: readonly string[];
}

/** Changes artifacts, each in one transaction that awaits nothing but its statements. */
export class ArtifactWriter {
  readonly #options: ArtifactWriterOptions;

  constructor(options: ArtifactWriterOptions) {
    this.#options = options;
  }

  /**
   * @throws {ArtifactExistsError}
   * @throws {UnknownParentError}
   */
  async insert(
    id: string,
    { data, metadata = null, contentType, filename = null, tags = [], parentId = null }: Draft,
    { session, upload, now }: ChangeContext,
  ): Promise<Artifact> {
    if (contentType !== undefined && upload === undefined) throw noBytes();
    const { database, records } = this.#options;
    const row = await unit(database, session, async (tx): Promise<ArtifactRow> => {
      const level = await this.#levelUnder(parentId, tx);
      const row: ArtifactRow = {
        id,
        data: data !== undefined && "json" in data ? data.json : null,
        content_id: (await upload?.adopt(tx)) ?? null,
        metadata,
        content_type: contentType ?? null,
        size: upload?.size ?? null,
        sha256: upload?.sha256 ?? null,
        filename,
        parent_id: parentId,
        level,
        tags: JSON.stringify(tags),
        created_at: now,
        updated_at: now,
      };
      const inserted = await records.insert.all(tx, row);
      if (inserted.length === 0) throw new ArtifactExistsError(id);
      for (const tag of tags) await records.insertTag.all(tx, { tag, id });
      return row;
    });
    upload?.keep(row.content_id);
    return toArtifact(row);
  }

  /**
   * @throws {ArtifactNotFoundError}
   * @throws {ArtifactCycleError}
   * @throws {UnknownParentError}
   */
  async update(
    id: string,
    { data, metadata, contentType, filename, tags, parentId }: Draft,
    { session, upload, now }: ChangeContext,
  ): Promise<Changed> {
    const { database, records, contents } = this.#options;
    const { row, garbage } = await unit(database, session, async (tx) => {
      const [old] = await records.byId.all(tx, { id });
      if (old === undefined) throw new ArtifactNotFoundError(id);
      const row: ArtifactRow = {
        ...old,
        metadata: metadata === undefined ? old.metadata : metadata,
        filename: filename === undefined ? old.filename : filename,
        tags: tags === undefined ? old.tags : JSON.stringify(tags),
        // A clock may have been set back.
        updated_at: Math.max(now, old.updated_at),
      };
      if (parentId !== undefined && parentId !== old.parent_id) {
        row.parent_id = parentId;
        row.level = await this.#move(old, parentId, tx);
      }
      if (data !== undefined) {
        row.data = "json" in data ? data.json : null;
        row.content_id = (await upload?.adopt(tx)) ?? null;
        row.size = upload?.size ?? null;
        row.sha256 = upload?.sha256 ?? null;
        row.content_type = null;
      }
      if (contentType !== undefined) {
        if (row.content_id === null) throw noBytes();
        row.content_type = contentType;
      }
      await records.update.all(tx, row);
      if (tags !== undefined) {
        await records.deleteTags.all(tx, { id });
        for (const tag of tags) await records.insertTag.all(tx, { tag, id });
      }
      const isReplaced = old.content_id !== null && old.content_id !== row.content_id;
      const ids = JSON.stringify(isReplaced ? [old.content_id] : []);
      const garbage = isReplaced ? await contents.release.all(tx, { ids }) : [];
      return { row, garbage: garbage.map(({ id }) => id) };
    });
    upload?.keep(row.content_id);
    return { artifact: toArtifact(row), garbage };
  }

  /**
   * The ids of the contents that nobody has any more.
   *
   * @throws {ArtifactNotFoundError}
   * @throws {ArtifactHasChildrenError}
   */
  async delete(
    id: string,
    { recursive, session }: { recursive: boolean; session: Session | undefined },
  ): Promise<string[]> {
    const { database, records, contents } = this.#options;
    return await unit(database, session, async (tx) => {
      const [child] = await records.child.all(tx, { id });
      if (child !== undefined && !recursive) throw new ArtifactHasChildrenError(id);
      const ids = await (child === undefined ? this.#deleteOne(id, tx) : this.#deleteTree(id, tx));
      if (ids.length === 0) return [];
      const garbage = await contents.release.all(tx, { ids: JSON.stringify(ids) });
      return garbage.map(({ id }) => id);
    });
  }

  /** The contents that it had. */
  async #deleteOne(id: string, tx: Statements): Promise<string[]> {
    const { records } = this.#options;
    const [deleted] = await records.delete.all(tx, { id });
    if (deleted === undefined) throw new ArtifactNotFoundError(id);
    if (deleted.tags !== "[]") await records.deleteTags.all(tx, { id });
    return deleted.content_id === null ? [] : [deleted.content_id];
  }

  async #deleteTree(id: string, tx: Statements): Promise<string[]> {
    const { records } = this.#options;
    await records.deleteTagsOfTree.all(tx, { id });
    const found = await records.contentsOfTree.all(tx, { id });
    await records.deleteTree.all(tx, { id });
    return found.map(({ content_id }) => content_id);
  }

  /** Puts all that is under an artifact on its new level; the level of the artifact itself. */
  async #move(old: ArtifactRow, parentId: string | null, tx: Statements): Promise<number> {
    const { records } = this.#options;
    const level = await this.#levelUnder(parentId, tx);
    if (parentId !== null) {
      const above = await records.isAbove.all(tx, { id: old.id, under: parentId });
      if (above.length > 0) throw new ArtifactCycleError(old.id, parentId);
    }
    if (level !== old.level) await records.shift.all(tx, { id: old.id, by: level - old.level });
    return level;
  }

  async #levelUnder(parentId: string | null, tx: Statements): Promise<number> {
    if (parentId === null) return 0;
    const [parent] = await this.#options.records.level.all(tx, { id: parentId });
    if (parent === undefined) throw new UnknownParentError(parentId);
    return parent.level + 1;
  }
}

function noBytes(): InvalidArtifactError {
  return new InvalidArtifactError([
    { path: ["contentType"], message: "Expected it for bytes alone: JSON data has none" },
  ]);
}
