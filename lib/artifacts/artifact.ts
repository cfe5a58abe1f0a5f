/** What a task, or anybody else, has left behind: JSON data, or bytes, at a place in a hierarchy. */
export interface Artifact {
  /** A ULID, which sorts by the time at which it was made. */
  readonly id: string;
  /** Any JSON; null where there are bytes. */
  readonly data: unknown;
  /** A JSON object. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** The media type of bytes; null for JSON data, as `size` and `sha256` are. */
  readonly contentType: string | null;
  /** Bytes. */
  readonly size: number | null;
  /** In lower-case hexadecimal. */
  readonly sha256: string | null;
  readonly filename: string | null;
  /** Null at a root. */
  readonly parentId: string | null;
  /** Its depth: 0 at a root. */
  readonly level: number;
  readonly tags: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is kept as bytes rather than as JSON. Don't change a buffer until it is saved. */
export type ArtifactBytes = Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>;

/** An artifact as `save()` takes it. */
export interface NewArtifact {
  /** A ULID that was made in advance, so that it could be announced. @default {a new one} */
  id?: string | undefined;
  /** Any JSON, or bytes: `Blob`, `Uint8Array`, `ArrayBuffer` or a stream. @default {null} */
  data?: unknown;
  /** The media type of bytes. @default {that of the Blob, else "application/octet-stream"} */
  contentType?: string | undefined;
  /** At most 255 characters. @default {the name of the File, else null} */
  filename?: string | null | undefined;
  /** A JSON object. @default {null} */
  metadata?: Readonly<Record<string, unknown>> | null | undefined;
  /** At most 50 of letters, digits, - and _, each at most 100 characters. @default {[]} */
  tags?: readonly string[] | undefined;
  /** Under which artifact it is; null at a root. @default {null} */
  parentId?: string | null | undefined;
}

/** What `update()` changes: what is left out stays. */
export type ArtifactChanges = Omit<NewArtifact, "id">;

/** An artifact with what its level is called. */
export interface ExpandedArtifact extends Artifact {
  readonly levelLabel: string;
  /** The name of the hierarchy; null where there is none. */
  readonly hierarchy: string | null;
  readonly children: null;
}

/** An artifact with all that is under it, the oldest first. */
export interface ArtifactTree extends Artifact {
  readonly levelLabel: string;
  /** The name of the hierarchy; null where there is none. */
  readonly hierarchy: string | null;
  /** Empty at a leaf. */
  readonly children: readonly ArtifactTree[];
}

/** Which artifacts are meant; all that is given must hold. */
export interface ArtifactFilter {
  /** All of these. */
  tags?: readonly string[] | undefined;
  /** Those right under this artifact; null for roots. */
  parentId?: string | null | undefined;
  level?: number | undefined;
}

export interface ListArtifactsOptions extends ArtifactFilter {
  /** From 1 to 1,000. @default {100} */
  limit?: number | undefined;
  /** Only those whose ids sort before this one: of the page before, the last one. */
  before?: string | undefined;
}

export interface PageOptions extends ArtifactFilter {
  /** From 1 on. @default {1} */
  page?: number | undefined;
  /** From 1 to 1,000. @default {20} */
  size?: number | undefined;
}

/** One page of a list. */
export interface ArtifactPage {
  readonly items: readonly Artifact[];
  /** How many there are on all pages. */
  readonly total: number;
  readonly page: number;
  readonly size: number;
  /** How many pages there are. */
  readonly pages: number;
}

export interface ArtifactStats {
  readonly total: number;
  /** Of the levels that have artifacts, from the roots down. */
  readonly levels: readonly {
    readonly level: number;
    readonly label: string;
    readonly count: number;
  }[];
  /** How many contents are stored; artifacts of the same bytes share one. */
  readonly contents: number;
  /** What they take, in bytes. */
  readonly bytes: number;
}
