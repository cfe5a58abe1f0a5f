import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/**
 * The tables of artifacts: what is known of each (`artifacts`, with its tags), and their bytes, in
 * chunks, since a row is read and written whole.
 *
 * Times are milliseconds since 1970.
 */
export const createArtifacts = (prefix: string): Migration => ({
  up: async (db: Kysely<unknown>): Promise<void> => {
    // With a rowid: rows of more than a quarter of a page are no good in the tree of a key.
    await db.schema
      .createTable("artifacts")
      .addColumn("id", "text", (column) => column.primaryKey().notNull())
      .addColumn("data", "text")
      .addColumn("content_id", "text")
      .addColumn("metadata", "text")
      .addColumn("content_type", "text")
      .addColumn("size", "integer")
      .addColumn("sha256", "text")
      .addColumn("filename", "text")
      .addColumn("parent_id", "text")
      .addColumn("level", "integer", (column) => column.notNull())
      .addColumn("tags", "text", (column) => column.notNull())
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("updated_at", "integer", (column) => column.notNull())
      .execute();
    // Lists run from the newest id down, all of them or those of one parent or level.
    await db.schema
      .createIndex(`${prefix}artifacts_of_parent`)
      .on("artifacts")
      .columns(["parent_id", "id"])
      .execute();
    // Roots are those without a parent, and as a rule the most: they cost nothing here.
    await db.schema
      .createIndex(`${prefix}artifacts_of_level`)
      .on("artifacts")
      .columns(["level", "id"])
      .where(sql.ref("level"), ">", sql.lit(0))
      .execute();
    await db.schema
      .createIndex(`${prefix}artifacts_of_content`)
      .on("artifacts")
      .column("content_id")
      .where(sql.ref("content_id"), "is not", null)
      .execute();

    await db.schema
      .createTable("artifact_tags")
      .addColumn("tag", "text", (column) => column.notNull())
      .addColumn("artifact_id", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}artifact_tags_key`, ["tag", "artifact_id"])
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createIndex(`${prefix}artifact_tags_of_artifact`)
      .on("artifact_tags")
      .column("artifact_id")
      .execute();

    await db.schema
      .createTable("artifact_contents")
      .addColumn("id", "text", (column) => column.primaryKey().notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addColumn("owner", "text")
      .addColumn("size", "integer")
      .addColumn("sha256", "text")
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema
      .createIndex(`${prefix}artifact_contents_stored`)
      .unique()
      .on("artifact_contents")
      .columns(["sha256", "size"])
      .where(sql.ref("state"), "=", "stored")
      .execute();
    await db.schema
      .createIndex(`${prefix}artifact_contents_passing`)
      .on("artifact_contents")
      .columns(["state", "owner"])
      .where(sql.ref("state"), "!=", "stored")
      .execute();

    await db.schema
      .createTable("artifact_chunks")
      .addColumn("content_id", "text", (column) => column.notNull())
      .addColumn("position", "integer", (column) => column.notNull())
      .addColumn("bytes", "blob", (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}artifact_chunks_key`, ["content_id", "position"])
      .execute();
  },
});
