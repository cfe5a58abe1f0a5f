/**
 * Entity tags, made and compared.
 *
 * Source: RFC 9110, 8.8.3 "ETag" and 13.1.2 "If-None-Match".
 *
 * @module
 */

const ANY = /^\s*\*\s*$/;
const COMMA = /\s*,\s*/;
const encoder = new TextEncoder();

/** What an entity tag can be made of instead of the entity itself. */
export interface FileInfo {
  /** When it was last modified, where that is known. */
  mtime: Date | null;
  /** Bytes. */
  size: number;
}

/** The algorithms that a tag can be made with. */
export type DigestAlgorithm = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";

export interface ETagOptions {
  /** @default {"SHA-256"} */
  algorithm?: DigestAlgorithm;
  /** Whether the tag is a weak one. @default {false} for an entity, true for a {@linkcode FileInfo}. */
  weak?: boolean;
}

/**
 * The entity tag of a text, bytes, or a file; undefined for a file of which nobody knows when it
 * was modified.
 *
 * @example
 * ```ts
 * import { eTag } from "@std/http/etag";
 *
 * const body = "hello";
 * new Response(body, { headers: { etag: await eTag(body) } });
 * ```
 */
export async function eTag(entity: string | Uint8Array, options?: ETagOptions): Promise<string>;
export async function eTag(entity: FileInfo, options?: ETagOptions): Promise<string | undefined>;
export async function eTag(
  entity: string | Uint8Array | FileInfo,
  options: ETagOptions = {},
): Promise<string | undefined> {
  const { algorithm = "SHA-256" } = options;
  const isEntity = typeof entity === "string" || entity instanceof Uint8Array;
  const weak = options.weak ?? !isEntity;
  const tag = isEntity ? await ofEntity(entity, algorithm) : await ofFile(entity, algorithm);
  return tag === undefined ? undefined : `${weak ? "W/" : ""}"${tag}"`;
}

/**
 * Whether a request with this `If-None-Match` is to be answered with the entity: false where one
 * of the tags is the entity's, as far as weak tags tell.
 */
export function ifNoneMatch(value: string | null, etag: string | undefined): boolean {
  if (!value || !etag) return true;
  if (ANY.test(value)) return false;
  return !value.split(COMMA).map(withoutWeakness).includes(withoutWeakness(etag));
}

function withoutWeakness(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

async function ofEntity(entity: string | Uint8Array, algorithm: DigestAlgorithm): Promise<string> {
  // The tag of nothing, whatever the algorithm.
  if (entity.length === 0) return "0-47DEQpj8HBSa+/TImW+5JCeuQeR";
  const bytes = typeof entity === "string" ? encoder.encode(entity) : entity;
  return `${bytes.length.toString(16)}-${await digest(bytes, algorithm)}`;
}

async function ofFile(
  { mtime, size }: FileInfo,
  algorithm: DigestAlgorithm,
): Promise<string | undefined> {
  if (mtime === null) return undefined;
  return `${size.toString(16)}-${await digest(encoder.encode(mtime.toJSON()), algorithm)}`;
}

async function digest(bytes: Uint8Array, algorithm: DigestAlgorithm): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest(algorithm, new Uint8Array(bytes)));
  return hash.toBase64().slice(0, 27);
}
