import { type Kysely, type SelectQueryBuilder, sql } from "kysely";
import { jsonValues, type Reads } from "../storage/mod.ts";
import type { Artifact, ArtifactFilter, ArtifactStats } from "./artifact.ts";
import type { ArtifactRecords } from "./records.ts";
import type { ArtifactRow, ArtifactTables } from "./tables.ts";

/** Which part of a list. */
interface Slice extends ArtifactFilter {
  limit: number;
  before?: string | undefined;
  offset?: number | undefined;
}

export interface ArtifactReaderOptions {
  /** The tables, here or in a session. */
  readonly db: Kysely<ArtifactTables>;
  /** The database, or the session. */
  readonly from: Reads;
  readonly statements: Pick<ArtifactRecords, "byId">;
  readonly parse: ParseJson;
}

/** Reads what is kept as JSON. */
export type ParseJson = (json: string) => unknown;

/** Reads artifacts, beside whoever writes or in a session's transaction. */
export class ArtifactReader {
  readonly #db: Kysely<ArtifactTables>;
  readonly #from: Reads;
  readonly #statements: Pick<ArtifactRecords, "byId">;
  readonly #toArtifact: (row: ArtifactRow) => Artifact;

  constructor({ db, from, statements, parse }: ArtifactReaderOptions) {
    this.#db = db;
    this.#from = from;
    this.#statements = statements;
    this.#toArtifact = (row) => toArtifact(row, parse);
  }

  async row(id: string): Promise<ArtifactRow | undefined> {
    const [row] = await this.#from.read(this.#statements.byId.with({ id }));
    return row;
  }

  /** Newest first. */
  async list(options: Slice): Promise<Artifact[]> {
    const rows = await sliced(this.#db, options).selectAll("artifacts").execute();
    return rows.map(this.#toArtifact);
  }

  /** The ids of what `list()` gives, with how many bytes of JSON each has. */
  async listed(options: Slice): Promise<{ id: string; bytes: number }[]> {
    return await sliced(this.#db, options)
      .select("artifacts.id")
      .select(
        sql<number>`coalesce(octet_length(data), 0) + coalesce(octet_length(metadata), 0)`.as(
          "bytes",
        ),
      )
      .execute();
  }

  /** These artifacts, newest first, without those that are gone. */
  async among(ids: readonly string[]): Promise<Artifact[]> {
    const rows = await this.#db
      .selectFrom("artifacts")
      .selectAll()
      .where("id", "in", jsonValues(JSON.stringify(ids)))
      .orderBy("id", "desc")
      .execute();
    return rows.map(this.#toArtifact);
  }

  async count(filter: ArtifactFilter): Promise<number> {
    const { count } = await filtered(this.#db, filter)
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** An artifact and all that is under it, in any order; nothing where it isn't there. */
  async subtree(id: string): Promise<Artifact[]> {
    const artifacts = sql.table("artifacts");
    const { rows } = await sql<ArtifactRow>`
      with recursive subtree (id) as (
        select ${sql.ref("root.id")} from ${artifacts} root where ${sql.ref("root.id")} = ${id}
        union all
        select child.id from ${artifacts} child join subtree on child.parent_id = subtree.id
      )
      select artifact.* from subtree cross join ${artifacts} artifact on artifact.id = subtree.id
    `.execute(this.#db);
    return rows.map(this.#toArtifact);
  }

  async stats(labelOf: (level: number) => string): Promise<ArtifactStats> {
    const roots = await this.count({ level: 0 });
    const below = await this.#db
      .selectFrom("artifacts")
      .select((eb) => ["level", eb.fn.countAll<number>().as("count")])
      .where("level", ">", sql.lit(0))
      .groupBy("level")
      .orderBy("level")
      .execute();
    const levels = roots === 0 ? below : [{ level: 0, count: roots }, ...below];
    const stored = await this.#db
      .selectFrom("artifact_contents")
      .select((eb) => [
        eb.fn.countAll<number>().as("contents"),
        eb.fn.coalesce(eb.fn.sum<number>("size"), sql.lit(0)).as("bytes"),
      ])
      .where("state", "=", sql.lit("stored"))
      .executeTakeFirstOrThrow();
    return {
      total: levels.reduce((total, { count }) => total + count, 0),
      levels: levels.map(({ level, count }) => ({ level, label: labelOf(level), count })),
      ...stored,
    };
  }
}

function sliced(
  db: Kysely<ArtifactTables>,
  { limit, before, offset = 0, ...filter }: Slice,
): SelectQueryBuilder<ArtifactTables, "artifacts", unknown> {
  let query = filtered(db, filter);
  if (before !== undefined) query = query.where("artifacts.id", "<", before);
  return query.orderBy("artifacts.id", "desc").limit(limit).offset(offset);
}

/** Those that a filter means; where there are tags, found by the first one. */
function filtered(
  db: Kysely<ArtifactTables>,
  { tags = [], parentId, level }: ArtifactFilter,
): SelectQueryBuilder<ArtifactTables, "artifacts", unknown> {
  let query = db.selectFrom("artifacts");
  const [first, ...others] = new Set(tags);
  if (first !== undefined) {
    query = query.where("artifacts.id", "in", (eb) =>
      eb.selectFrom("artifact_tags").select("artifact_id").where("tag", "=", first),
    );
  }
  for (const tag of others) {
    query = query.where((eb) =>
      eb.exists(
        eb
          .selectFrom("artifact_tags")
          .select("tag")
          .where("tag", "=", tag)
          .whereRef("artifact_id", "=", "artifacts.id"),
      ),
    );
  }
  if (parentId === null) query = query.where("artifacts.parent_id", "is", null);
  else if (parentId !== undefined) query = query.where("artifacts.parent_id", "=", parentId);
  // Each has an index: roots by having no parent, the others by a level above 0.
  if (level === 0) query = query.where("artifacts.parent_id", "is", null);
  else if (level !== undefined) {
    query = query.where("artifacts.level", "=", level).where("artifacts.level", ">", sql.lit(0));
  }
  return query;
}

const NO_TAGS: readonly string[] = Object.freeze([]);

export function toArtifact(row: ArtifactRow, parse: ParseJson = JSON.parse): Artifact {
  return {
    id: row.id,
    data: row.data === null ? null : parse(row.data),
    metadata: row.metadata === null ? null : (parse(row.metadata) as Artifact["metadata"]),
    contentType: row.content_type,
    size: row.size,
    sha256: row.sha256,
    filename: row.filename,
    parentId: row.parent_id,
    level: row.level,
    tags: row.tags === "[]" ? NO_TAGS : JSON.parse(row.tags),
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  };
}
