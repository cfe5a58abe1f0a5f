import * as v from "valibot";
import {
  bodyStream,
  DEEPEST_JSON,
  type FormFile,
  HttpProblem,
  isRawNumber,
  isTooDeep,
  type ProblemIssue,
  parseExactly,
  queryOf,
  type RouteRequest,
  readForm,
  readJson,
  valuesOf,
  waitLong,
} from "../http/mod.ts";
import { isObject, validate } from "../tasks/mod.ts";
import type { NewArtifact } from "./artifact.ts";
import { ArtifactTooLargeError } from "./errors.ts";
import type { Upload } from "./upload.ts";

/** An artifact that somebody has sent; disposing of it frees the bytes that nobody has saved. */
export interface SentArtifact extends AsyncDisposable {
  readonly artifact: NewArtifact;
}

export interface ReadArtifactOptions {
  /** Bytes of a JSON body, and of all fields of a form. */
  readonly maxBody: number;
  /** Bytes of an artifact. */
  readonly maxUpload: number;
  /** Writes the bytes of a form's file, of which more may come to be known after it. */
  readonly upload: (source: ReadableStream<Uint8Array>) => Promise<Upload>;
}

const JsonText = v.pipe(
  v.string(),
  v.check((text) => !isTooDeep(text), `Expected at most ${DEEPEST_JSON} levels`),
  v.check(isJson, "Expected JSON"),
  v.transform(parseExactly),
);
const Metadata = v.nullable(
  v.custom<Record<string, unknown>>(
    (value) => isObject(value) && !isRawNumber(value),
    "Expected an object",
  ),
);
const Tags = v.array(v.string());

/** The body of `application/json`. */
const Body = v.strictObject({
  id: v.optional(v.string()),
  data: v.optional(v.unknown()),
  metadata: v.optional(Metadata),
  tags: v.optional(Tags),
  parent_id: v.optional(v.nullable(v.string())),
  filename: v.optional(v.nullable(v.string())),
});

/** The query beside bytes, and the fields of a form: texts, of which a tag may come several times. */
const Fields = v.strictObject({
  id: v.optional(v.string()),
  metadata: v.optional(v.pipe(JsonText, Metadata)),
  tag: v.optional(Tags),
  tags: v.optional(Tags),
  parent_id: v.optional(v.string()),
  filename: v.optional(v.string()),
});
const REPEATABLE = ["tag", "tags"];

/**
 * Reads an artifact: `application/json` is the artifact itself, `multipart/form-data` a file with
 * fields, and a body of any other type the bytes, described by the query. The bytes of a body are
 * still to be read, those of a form are written.
 *
 * @throws {HttpProblem} for what is no artifact.
 * @throws {ArtifactTooLargeError} where the request says that it has more than `maxUpload` bytes.
 */
export async function readArtifact(
  sent: RouteRequest,
  options: ReadArtifactOptions,
): Promise<SentArtifact> {
  const { request } = sent;
  const type = mediaTypeOf(request);
  if (type === "application/json") return withoutBytes(await readJsonArtifact(sent, options));
  if (type === undefined && request.body === null) {
    throw invalid("There is neither a body nor a content type", [
      { path: [], message: "Expected JSON, bytes or a form" },
    ]);
  }
  // Bun ends a request after its time, however much of it is still coming.
  waitLong(sent);
  if (type === "multipart/form-data") return await readFormArtifact(request, options);
  return withoutBytes(readBytes(request, type, options));
}

/** In lower case, without parameters; undefined where there is none. */
function mediaTypeOf({ headers }: Request): string | undefined {
  return headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() || undefined;
}

async function readJsonArtifact(
  { request, server }: RouteRequest,
  { maxBody }: ReadArtifactOptions,
): Promise<NewArtifact> {
  refuseQuery(request);
  const body =
    (await readJson(request, { maxBody, framed: server !== undefined, exact: true })) ?? {};
  if (!isObject(body) || isRawNumber(body)) {
    throw invalid("The body is no object", [{ path: [], message: "Expected an object" }]);
  }
  const parsed = validate(Body, body);
  if (parsed.issues !== undefined) {
    throw invalid(
      "The body may have id, data, metadata, tags, parent_id and filename",
      parsed.issues,
    );
  }
  const { parent_id: parentId, ...artifact } = parsed.value;
  return { ...artifact, parentId };
}

function readBytes(
  request: Request,
  type: string | undefined,
  { maxUpload }: ReadArtifactOptions,
): NewArtifact {
  if (type === "application/x-www-form-urlencoded") {
    throw new HttpProblem(415, "unsupported-media-type", {
      detail:
        "This content type is what clients send who don't know better: name that of the bytes, or send multipart/form-data",
    });
  }
  const coding = request.headers.get("content-encoding");
  if (coding !== null && coding.toLowerCase() !== "identity") {
    throw new HttpProblem(415, "unsupported-media-type", {
      detail: `Send the bytes without Content-Encoding, not as "${coding}"`,
      headers: { "accept-encoding": "identity" },
    });
  }
  if (Number(request.headers.get("content-length")) > maxUpload) {
    throw new ArtifactTooLargeError(maxUpload);
  }
  const fields = parseFields(valuesOf(queryOf(request.url), REPEATABLE), "The query");
  return {
    ...fields,
    contentType: request.headers.get("content-type") ?? undefined,
    data: bodyStream(request),
  };
}

async function readFormArtifact(
  request: Request,
  { maxBody, maxUpload, upload }: ReadArtifactOptions,
): Promise<SentArtifact> {
  refuseQuery(request);
  if (Number(request.headers.get("content-length")) > maxUpload + maxBody) {
    throw new ArtifactTooLargeError(maxUpload);
  }
  const written = new AsyncDisposableStack();
  try {
    let file: (Omit<FormFile, "stream"> & { readonly data: Upload }) | undefined;
    const texts = await readForm(request, {
      maxFields: maxBody,
      takeFile: async ({ stream, ...about }) => {
        file = { ...about, data: written.use(await upload(stream)) };
      },
    });
    const fields = parseFields(valuesOf(entriesOf(texts), REPEATABLE), "The form");
    if (file === undefined) {
      throw invalid("The form has no file", [{ path: ["file"], message: "Expected a file" }]);
    }
    const artifact = { ...file, ...fields };
    return { artifact, [Symbol.asyncDispose]: () => written.disposeAsync() };
  } catch (error) {
    await written.disposeAsync();
    throw error;
  }
}

function parseFields(values: object, where: string): NewArtifact {
  const parsed = validate(Fields, values);
  if (parsed.issues !== undefined) {
    throw invalid(
      `${where} may have id, filename, parent_id, metadata and tag, each once but for tag`,
      parsed.issues,
    );
  }
  const { tag = [], tags = [], parent_id: parentId, ...rest } = parsed.value;
  const fields: NewArtifact = { ...rest, parentId, tags: [...tag, ...tags] };
  if (fields.filename === undefined) delete fields.filename;
  return fields;
}

/** As a query has them. */
function entriesOf(fields: ReadonlyMap<string, readonly string[]>): URLSearchParams {
  const entries = new URLSearchParams();
  for (const [name, values] of fields) {
    for (const value of values) entries.append(name, value);
  }
  return entries;
}

/** What it says would be lost. */
function refuseQuery(request: Request): void {
  const names = [...queryOf(request.url).keys()];
  if (names.length === 0) return;
  throw invalid(
    "The query is for bytes: a form and JSON have all of it in the body",
    names.map((name) => ({ path: [name], message: "Expected no query" })),
  );
}

function withoutBytes(artifact: NewArtifact): SentArtifact {
  return { artifact, [Symbol.asyncDispose]: async () => {} };
}

function invalid(detail: string, issues: readonly ProblemIssue[]): HttpProblem {
  return new HttpProblem(422, "invalid-request", { detail, issues });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
