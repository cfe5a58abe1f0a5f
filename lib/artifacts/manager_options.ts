import type { Database, Session } from "../storage/mod.ts";
import type { ArtifactHierarchy } from "./hierarchy.ts";

export interface ArtifactManagerOptions {
  database: Database;
  /** Names the levels. */
  hierarchy?: ArtifactHierarchy | undefined;
  /** The most that one artifact may have, in bytes. @default {5_368_709_120}, 5 GiB. */
  maxUpload?: number | undefined;
  /** Where the routes of artifacts are mounted. @default {"/api/v1/artifacts"} */
  prefix?: string | undefined;
  /** Where it has the time from, in milliseconds since 1970, so that tests can have their own. */
  clock?: { now(): number } | undefined;
}

export interface ReadArtifactOptions {
  /** The session in whose transaction it is done. */
  session?: Session | undefined;
}

export interface SaveArtifactOptions extends ReadArtifactOptions {
  /** Ends the reading of bytes; nothing is saved then. */
  signal?: AbortSignal | undefined;
}

export interface DeleteArtifactOptions extends ReadArtifactOptions {
  /** Whether all that is under it goes too. @default {false} */
  recursive?: boolean | undefined;
}

export interface StreamArtifactOptions {
  /** Bytes to leave out at the beginning. @default {0} */
  start?: number | undefined;
  /** Bytes before the one after the last. @default {all} */
  end?: number | undefined;
  /** Ends it. */
  signal?: AbortSignal | undefined;
}
