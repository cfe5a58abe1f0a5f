/** The tables of artifacts; times are milliseconds since 1970, and JSON is text. */
export interface ArtifactTables {
  artifacts: ArtifactRow;
  artifact_tags: { tag: string; artifact_id: string };
  artifact_contents: ContentRow;
  artifact_chunks: ChunkRow;
}

export interface ArtifactRow {
  id: string;
  /** Null where there are bytes. */
  data: string | null;
  content_id: string | null;
  metadata: string | null;
  /** This and the next two are of the bytes. */
  content_type: string | null;
  size: number | null;
  sha256: string | null;
  filename: string | null;
  parent_id: string | null;
  level: number;
  tags: string;
  created_at: number;
  updated_at: number;
}

/**
 * Bytes, which one artifact has or several share.
 *
 * While they are written they are `uploading`, and their owner's; then `stored`; then `garbage`,
 * which is freed chunk by chunk.
 */
export interface ContentRow {
  id: string;
  state: "uploading" | "stored" | "garbage";
  /** The lease of the process that writes them. */
  owner: string | null;
  /** This and the next one are known when all is written. */
  size: number | null;
  sha256: string | null;
}

export interface ChunkRow {
  content_id: string;
  /** How many bytes come before it. */
  position: number;
  bytes: Uint8Array;
}
