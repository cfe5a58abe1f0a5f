import { type Expression, type Kysely, sql } from "kysely";
import { prepare } from "../storage/mod.ts";
import type { ArtifactRow, ArtifactTables } from "./tables.ts";

export type ArtifactRecords = ReturnType<typeof createArtifactRecords>;

const artifacts = sql.table("artifacts");

/** An artifact's id and those of all that is under it, found by one index. */
function subtree(id: Expression<string>) {
  return sql<string>`(
    with recursive subtree (id) as (
      select ${id}
      union all
      select child.id from ${artifacts} child join subtree on child.parent_id = subtree.id
    )
    select id from subtree
  )`;
}

/** The statements on the records of artifacts, each compiled once. */
export function createArtifactRecords(db: Kysely<ArtifactTables>) {
  return {
    /** No row where the id is taken. */
    insert: prepare<ArtifactTables, ArtifactRow>(db)((db, parameter) =>
      db
        .insertInto("artifacts")
        .values({
          id: parameter("id"),
          data: parameter("data"),
          content_id: parameter("content_id"),
          metadata: parameter("metadata"),
          content_type: parameter("content_type"),
          size: parameter("size"),
          sha256: parameter("sha256"),
          filename: parameter("filename"),
          parent_id: parameter("parent_id"),
          level: parameter("level"),
          tags: parameter("tags"),
          created_at: parameter("created_at"),
          updated_at: parameter("updated_at"),
        })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .returning("id"),
    ),

    byId: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.selectFrom("artifacts").selectAll().where("id", "=", parameter("id")),
    ),

    level: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.selectFrom("artifacts").select("level").where("id", "=", parameter("id")),
    ),

    update: prepare<ArtifactTables, Omit<ArtifactRow, "created_at">>(db)((db, parameter) =>
      db
        .updateTable("artifacts")
        .set({
          data: parameter("data"),
          content_id: parameter("content_id"),
          metadata: parameter("metadata"),
          content_type: parameter("content_type"),
          size: parameter("size"),
          sha256: parameter("sha256"),
          filename: parameter("filename"),
          parent_id: parameter("parent_id"),
          level: parameter("level"),
          tags: parameter("tags"),
          updated_at: parameter("updated_at"),
        })
        .where("id", "=", parameter("id")),
    ),

    /** A row where an artifact is above another one, or is that one. */
    isAbove: prepare<ArtifactTables, { id: string; under: string }>(db)((db, parameter) =>
      db
        .selectFrom(
          sql<{ id: string }>`(
            with recursive ancestors (id) as (
              select ${parameter("under")}
              union all
              select artifact.parent_id from ${artifacts} artifact
                join ancestors on artifact.id = ancestors.id
                where artifact.parent_id is not null
            )
            select id from ancestors
          )`.as("ancestors"),
        )
        .select("ancestors.id")
        .where("ancestors.id", "=", parameter("id"))
        .limit(1),
    ),

    /** All that is under an artifact has moved by so many levels with it. */
    shift: prepare<ArtifactTables, { id: string; by: number }>(db)((db, parameter) =>
      db
        .updateTable("artifacts")
        .set({ level: sql`level + ${parameter("by")}` })
        .where("id", "in", subtree(parameter("id")))
        .where("id", "!=", parameter("id")),
    ),

    insertTag: prepare<ArtifactTables, { tag: string; id: string }>(db)((db, parameter) =>
      db
        .insertInto("artifact_tags")
        .values({ tag: parameter("tag"), artifact_id: parameter("id") }),
    ),
    deleteTags: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.deleteFrom("artifact_tags").where("artifact_id", "=", parameter("id")),
    ),

    child: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.selectFrom("artifacts").select("id").where("parent_id", "=", parameter("id")).limit(1),
    ),

    /** The deleted artifact's tags and content, for what else is to go. */
    delete: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db
        .deleteFrom("artifacts")
        .where("id", "=", parameter("id"))
        .returning(["tags", "content_id"]),
    ),

    /** The tags of a whole subtree are gone, */
    deleteTagsOfTree: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.deleteFrom("artifact_tags").where("artifact_id", "in", subtree(parameter("id"))),
    ),
    /** whose contents these are, */
    contentsOfTree: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db
        .selectFrom("artifacts")
        .select("content_id")
        .distinct()
        .where("id", "in", subtree(parameter("id")))
        .where("content_id", "is not", null)
        .$narrowType<{ content_id: string }>(),
    ),
    /** and then its artifacts. */
    deleteTree: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db.deleteFrom("artifacts").where("id", "in", subtree(parameter("id"))),
    ),
  };
}
