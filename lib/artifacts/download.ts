import { ifNoneMatch } from "@std/http/etag";
import { attachment, type ByteRange, HttpProblem, ifRange, readByteRange } from "../http/mod.ts";
import type { Artifact } from "./artifact.ts";

/** What there is to download. */
export interface Downloadable {
  readonly artifact: Artifact;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly stream: (range: ByteRange) => Promise<ReadableStream<Uint8Array>>;
}

/**
 * Headers that keep a browser from taking what somebody has uploaded for a page of the service: it
 * is saved, its type is not guessed, and should a plug-in show it all the same, it runs no script.
 */
const HARMLESS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
};

/** Bytes: no more than a chunk of the database, of which one is in memory anyway. */
const SENT_AT_ONCE = 1024 * 1024;

/**
 * Answers a download: 200 with all of it, 206 with the part that `Range` asks for, 304 where the
 * client has it.
 *
 * @throws {HttpProblem} 416 where the range is beyond its end.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 */
export async function answerDownload(
  { headers: asked }: Request,
  { artifact, size, etag, stream }: Downloadable,
): Promise<Response> {
  // The same address may have other bytes tomorrow: a cache asks each time, by the tag.
  const headers = { ...HARMLESS, etag, "cache-control": "no-cache", "accept-ranges": "bytes" };
  if (!ifNoneMatch(asked.get("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  const wanted = ifRange(asked.get("if-range"), etag) ? asked.get("range") : null;
  const range = readByteRange(wanted, size);
  if (range === "unsatisfiable") {
    throw new HttpProblem(416, "range-not-satisfiable", {
      detail: `There are ${size} bytes, and none of them is in "${wanted}"`,
      headers: { "content-range": `bytes */${size}`, "accept-ranges": "bytes" },
    });
  }
  const { start, end } = range ?? { start: 0, end: size };
  const bytes = await stream({ start, end });
  // Bun sends a stream without its Content-Length, whatever the headers say.
  const body = end - start <= SENT_AT_ONCE ? await new Response(bytes).bytes() : bytes;
  return new Response(body, {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      "content-type": artifact.contentType ?? "application/json",
      "content-length": String(end - start),
      "content-disposition": attachment(filenameOf(artifact)),
      ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${size}` }),
    },
  });
}

function filenameOf({ id, filename, contentType }: Artifact): string {
  return filename ?? (contentType === null ? `${id}.json` : id);
}
