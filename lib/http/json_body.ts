import { throwBrokenOff } from "./body_stream.ts";
import { parseExactly } from "./exact_json.ts";
import { DEEPEST_JSON, isTooDeep } from "./json_depth.ts";
import { HttpProblem } from "./problem.ts";

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

const utf8 = new TextDecoder("utf-8", { fatal: true });

export interface ReadJsonOptions {
  /** Bytes. */
  maxBody: number;
  /**
   * Whether an HTTP server has framed the body, so that a `Content-Length`
   * is the truth. Otherwise every body is counted as it comes.
   */
  framed: boolean;
  /** Whether numbers are to be kept as they were written, as `parseExactly()` does. @default {false} */
  exact?: boolean;
}

/**
 * Reads a JSON body; undefined where there is none.
 *
 * @throws {HttpProblem} 400 for malformed JSON or a body that breaks off, 413
 * for more than `maxBody` bytes, 415 for another content type or coding, 422
 * for absurdly deep JSON.
 * @throws {TypeError} where something has read the body before.
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export function readJson(request: Request, options: ReadJsonOptions): Promise<unknown> {
  const { headers } = request;
  const length = headers.get("content-length");
  // What nearly everybody sends, in as few steps as that takes.
  if (
    options.framed &&
    length !== null &&
    length !== "0" &&
    Number(length) <= options.maxBody &&
    isPlainJson(headers) &&
    !request.bodyUsed
  ) {
    return request.bytes().then((bytes) => parse(bytes, options), throwBrokenOff);
  }
  return readAny(request, length, options);
}

async function readAny(
  request: Request,
  length: string | null,
  options: ReadJsonOptions,
): Promise<unknown> {
  if (length === "0" || (length === null && request.body === null)) return undefined;
  if (request.bodyUsed) throw new TypeError("Cannot read the body of a request a second time");
  const refusal = refuseType(request.headers);
  if (refusal !== undefined) {
    if (length !== null || !(await isEmpty(request))) throw refusal;
    return undefined;
  }
  if (length !== null && Number(length) > options.maxBody) throw tooLarge(options.maxBody);
  const isFramed = length !== null && options.framed;
  const bytes = await (isFramed
    ? request.bytes().catch(throwBrokenOff)
    : readBounded(request, options.maxBody));
  return parse(bytes, options);
}

function isPlainJson(headers: Headers): boolean {
  return (
    headers.get("content-type") === "application/json" && headers.get("content-encoding") === null
  );
}

function refuseType(headers: Headers): HttpProblem | undefined {
  const type = headers.get("content-type");
  const coding = headers.get("content-encoding");
  if (type === null || !JSON_TYPE.test(type) || !/^utf-?8$/i.test(charsetOf(type))) {
    return new HttpProblem(415, "unsupported-media-type", {
      detail: `Send the body as application/json in UTF-8${type === null ? "" : `, not as "${type}"`}`,
      headers: { accept: "application/json" },
    });
  }
  if (coding !== null && coding.toLowerCase() !== "identity") {
    return new HttpProblem(415, "unsupported-media-type", {
      detail: `Send the body without Content-Encoding, not as "${coding}"`,
      headers: { "accept-encoding": "identity" },
    });
  }
  return undefined;
}

function charsetOf(type: string): string {
  return CHARSET.exec(type)?.[1] ?? "utf-8";
}

async function isEmpty(request: Request): Promise<boolean> {
  for await (const chunk of chunksOf(request)) {
    if (chunk.byteLength > 0) return false;
  }
  return true;
}

async function readBounded(request: Request, maxBody: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(request)) {
    size += chunk.byteLength;
    if (size > maxBody) throw tooLarge(maxBody);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throwBrokenOff(cause);
  } finally {
    // Not awaited: of a request that was made of another one Bun never answers this.
    reader.cancel().catch(() => {
      // What broke off can't be canceled, and needn't be.
    });
  }
}

/** Undefined where there is nothing. */
function parse(bytes: Uint8Array, { exact = false }: ReadJsonOptions): unknown {
  if (bytes.byteLength === 0) return undefined;
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch (cause) {
    throw malformed("it is not UTF-8", cause);
  }
  if (isTooDeep(text)) {
    throw new HttpProblem(422, "invalid-request", {
      detail: `The body is nested more than ${DEEPEST_JSON} levels deep`,
    });
  }
  try {
    return exact ? parseExactly(text) : JSON.parse(text);
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function malformed(reason: string, cause: unknown): HttpProblem {
  return new HttpProblem(400, "malformed-json", {
    detail: `The body is no JSON: ${reason}`,
    cause,
  });
}

function tooLarge(maxBody: number): HttpProblem {
  return new HttpProblem(413, "content-too-large", {
    detail: `The body is larger than ${maxBody} bytes`,
  });
}
