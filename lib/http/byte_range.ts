/** Some of the bytes of a representation. */
export interface ByteRange {
  /** The first one. */
  readonly start: number;
  /** The one after the last. */
  readonly end: number;
}

const ONE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * What a `Range` header asks of `size` bytes; undefined where all of them are to be sent, as
 * without a header, and for what is malformed, of another unit, or several ranges at once, which a
 * server may pass over.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export function readByteRange(
  header: string | null,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = ONE_RANGE.exec(header ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") return readSuffix(Number(last), size);
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  return { start, end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** The last so many bytes, or all where there are fewer. */
function readSuffix(length: number, size: number): ByteRange | "unsatisfiable" | undefined {
  if (length === 0) return "unsatisfiable";
  // No Content-Range can say which bytes of none are sent.
  if (size === 0) return undefined;
  return { start: Math.max(0, size - length), end: size };
}

/**
 * Whether the `Range` of a request counts: a client that sends `If-Range` wants a part of what it
 * has the beginning of, and else the whole. Times are too coarse to tell, and a weak tag too vague.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-if-range
 */
export function ifRange(header: string | null, etag: string): boolean {
  return header === null || (header.trim() === etag && !etag.startsWith("W/"));
}
