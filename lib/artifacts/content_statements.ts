import { type Kysely, sql } from "kysely";
import { jsonValues, prepare } from "../storage/mod.ts";
import type { ArtifactTables, ChunkRow, ContentRow } from "./tables.ts";

export type ContentStatements = ReturnType<typeof createContentStatements>;

/** The statements on the bytes of artifacts, each compiled once. */
export function createContentStatements(db: Kysely<ArtifactTables>) {
  return {
    begin: prepare<ArtifactTables, { id: string; owner: string }>(db)((db, parameter) =>
      db.insertInto("artifact_contents").values({
        id: parameter("id"),
        state: sql.lit("uploading"),
        owner: parameter("owner"),
      }),
    ),

    /** An upload; no row where others have taken it for lost. */
    uploading: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db
        .selectFrom("artifact_contents")
        .select("id")
        .where("id", "=", parameter("id"))
        .where("state", "=", sql.lit("uploading")),
    ),

    /** Bytes that are stored already. */
    same: prepare<ArtifactTables, { sha256: string; size: number }>(db)((db, parameter) =>
      db
        .selectFrom("artifact_contents")
        .select("id")
        .where("sha256", "=", parameter("sha256"))
        .where("size", "=", parameter("size"))
        .where("state", "=", sql.lit("stored")),
    ),

    /** An upload is complete; no row where others have taken it for lost. */
    store: prepare<ArtifactTables, { id: string; sha256: string; size: number }>(db)(
      (db, parameter) =>
        db
          .updateTable("artifact_contents")
          .set({
            state: sql.lit("stored"),
            owner: null,
            sha256: parameter("sha256"),
            size: parameter("size"),
          })
          .where("id", "=", parameter("id"))
          .where("state", "=", sql.lit("uploading"))
          .returning("id"),
    ),

    /** Bytes of a single chunk, or none, are stored at once, */
    put: prepare<ArtifactTables, { id: string; sha256: string; size: number }>(db)(
      (db, parameter) =>
        db.insertInto("artifact_contents").values({
          id: parameter("id"),
          state: sql.lit("stored"),
          sha256: parameter("sha256"),
          size: parameter("size"),
        }),
    ),
    /** with a chunk; one of an upload is added to it. */
    putChunk: prepare<ArtifactTables, ChunkRow>(db)((db, parameter) =>
      db.insertInto("artifact_chunks").values({
        content_id: parameter("content_id"),
        position: parameter("position"),
        bytes: parameter("bytes"),
      }),
    ),

    /** The chunk that begins at a position, or holds it. */
    chunkAt: prepare<ArtifactTables, { id: string; position: number }>(db)((db, parameter) =>
      db
        .selectFrom("artifact_chunks")
        .select(["position", "bytes"])
        .where("content_id", "=", parameter("id"))
        .where("position", "<=", parameter("position"))
        .orderBy("position", "desc")
        .limit(1),
    ),

    /** What no artifact has any more, of these contents, is garbage. */
    release: prepare<ArtifactTables, { ids: string }>(db)((db, parameter) =>
      db
        .updateTable("artifact_contents")
        .set({ state: sql.lit("garbage") })
        .where("id", "in", jsonValues(parameter("ids")))
        .where("state", "=", sql.lit("stored"))
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom("artifacts")
                .select("artifacts.id")
                .whereRef("artifacts.content_id", "=", "artifact_contents.id"),
            ),
          ),
        )
        .returning("id"),
    ),

    /** An upload that will never be complete is garbage. */
    discard: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db
        .updateTable("artifact_contents")
        .set({ state: sql.lit("garbage"), owner: null })
        .where("id", "=", parameter("id"))
        .where("state", "=", sql.lit("uploading")),
    ),
    /** And so are those of owners who have ended. */
    discardOf: prepare<ArtifactTables, { owners: string }>(db)((db, parameter) =>
      db
        .updateTable("artifact_contents")
        .set({ state: sql.lit("garbage"), owner: null })
        // This one is for the index.
        .where("state", "!=", sql.lit("stored"))
        .where("state", "=", sql.lit("uploading"))
        .where("owner", "in", jsonValues(parameter("owners"))),
    ),

    /** Some chunks of what is garbage are gone, */
    freeChunks: prepare<ArtifactTables, { id: string; count: number }>(db)((db, parameter) =>
      db
        .deleteFrom("artifact_chunks")
        .where("content_id", "=", parameter("id"))
        .where("position", "in", (eb) =>
          eb
            .selectFrom("artifact_chunks")
            .select("position")
            .where("content_id", "=", parameter("id"))
            .orderBy("position")
            .limit(parameter("count")),
        )
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom("artifact_contents")
              .select("id")
              .where("id", "=", parameter("id"))
              .where("state", "=", sql.lit("garbage")),
          ),
        )
        .returning("position"),
    ),
    /** and with the last of them the content. */
    free: prepare<ArtifactTables, { id: string }>(db)((db, parameter) =>
      db
        .deleteFrom("artifact_contents")
        .where("id", "=", parameter("id"))
        .where("state", "=", sql.lit("garbage")),
    ),
  };
}

/** What is neither stored nor free: uploads, of whom, and garbage. */
export async function passing(
  db: Kysely<ArtifactTables>,
): Promise<Pick<ContentRow, "id" | "state" | "owner">[]> {
  return await db
    .selectFrom("artifact_contents")
    .select(["id", "state", "owner"])
    .where("state", "!=", sql.lit("stored"))
    .execute();
}
