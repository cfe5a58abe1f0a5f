import * as v from "valibot";
import { isUlid } from "../storage/mod.ts";
import type { ArtifactBytes, NewArtifact } from "./artifact.ts";
import { isBytes } from "./byte_source.ts";
import { ArtifactTooLargeError, InvalidArtifactError } from "./errors.ts";
import { toJsonText } from "./json_text.ts";
import { Upload } from "./upload.ts";

/** What is given of an artifact, checked; what was left out is undefined. */
export interface Draft {
  readonly id: string | undefined;
  /** The text of JSON data, or bytes; undefined where neither is given. */
  readonly data: { readonly json: string } | { readonly bytes: ArtifactBytes | Upload } | undefined;
  readonly contentType: string | undefined;
  readonly filename: string | null | undefined;
  /** As JSON text. */
  readonly metadata: string | null | undefined;
  readonly tags: readonly string[] | undefined;
  readonly parentId: string | null | undefined;
}

const Id = v.pipe(v.string(), v.check(isUlid, "Expected a ULID"));

// RFC 9110's media types; nothing else can be put into a header.
const MEDIA_TYPE =
  /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+([ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+=([\w!#$%&'*+.^`|~-]+|"([\t !#-[\]-~]|\\[\t -~])*"))*$/;

const Fields = v.strictObject({
  id: v.optional(Id),
  data: v.optional(v.unknown()),
  contentType: v.optional(
    v.pipe(
      v.string(),
      v.maxLength(255),
      v.regex(MEDIA_TYPE, "Expected a media type such as text/csv"),
    ),
  ),
  filename: v.optional(
    v.nullable(
      v.pipe(
        v.string(),
        v.minLength(1),
        v.maxLength(255),
        v.check(
          (name) => name.isWellFormed() && !/\p{Cc}/u.test(name),
          "Expected no control characters",
        ),
      ),
    ),
  ),
  metadata: v.optional(v.nullable(v.custom<object>(isRecord, "Expected a JSON object, or null"))),
  tags: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(/^[A-Za-z0-9_-]{1,100}$/, "Expected 1 to 100 letters, digits, - and _"),
        ),
      ),
      v.maxLength(50, "Expected at most 50 tags"),
    ),
  ),
  parentId: v.optional(v.nullable(Id)),
});

/**
 * Checks an artifact, or changes of one, before anything is written.
 *
 * @param maxSize Bytes that data may have.
 * @throws {ArtifactTooLargeError}
 * @throws {InvalidArtifactError}
 */
export function toDraft(given: NewArtifact, { maxSize }: { maxSize: number }): Draft {
  const fields = v.safeParse(Fields, given);
  if (!fields.success) {
    throw new InvalidArtifactError(
      fields.issues.map(({ path, message }) => ({
        path: (path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key))),
        message,
      })),
    );
  }
  const { id, data, contentType, filename, metadata, tags, parentId } = fields.output;
  return {
    id,
    data: data === undefined ? undefined : readData(data, maxSize),
    contentType: contentType ?? mediaTypeOf(data),
    filename: filename === undefined ? fileName(data) : filename,
    metadata: metadata == null ? metadata : toJsonText(metadata, "metadata"),
    // As with jobs, a tag that is given twice counts once.
    tags: tags && [...new Set(tags)],
    parentId,
  };
}

function readData(data: unknown, maxSize: number): NonNullable<Draft["data"]> {
  if (data instanceof Upload || isBytes(data)) return { bytes: data };
  const json = toJsonText(data, "data");
  // A character takes three bytes at most.
  if (json.length * 3 > maxSize && Buffer.byteLength(json) > maxSize) {
    throw new ArtifactTooLargeError(maxSize);
  }
  return { json };
}

/** That of a Blob, as far as it is one. */
function mediaTypeOf(data: unknown): string | undefined {
  if (data instanceof Blob && MEDIA_TYPE.test(data.type)) return data.type;
  return data instanceof Upload || isBytes(data) ? "application/octet-stream" : undefined;
}

/**
 * The name of a File, or of what has one as Files do. What the system opened is named by its whole
 * path, of which the last part is the name.
 */
function fileName(data: unknown): string | undefined {
  if (!(data instanceof Blob && "name" in data && typeof data.name === "string")) return undefined;
  const last = data.name.split(/[/\\]/).at(-1) ?? "";
  return v.is(Fields.entries.filename, last) ? last : undefined;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isBytes(value);
}
