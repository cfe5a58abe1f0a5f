import { eTag } from "@std/http/etag";
import * as v from "valibot";
import {
  type ByteRange,
  countedStream,
  type FailingHandler,
  HttpProblem,
  InFlight,
  queryOf,
  type RouteRequest,
  Router,
  type RouterOptions,
  textBody,
  valuesOf,
  waitLong,
  withProblems,
} from "../http/mod.ts";
import { isUlid } from "../storage/mod.ts";
import { validate } from "../tasks/mod.ts";
import type { Artifact, ArtifactFilter } from "./artifact.ts";
import { ARTIFACT_SCHEMA } from "./artifact_schema.ts";
import { answerDownload, type Downloadable } from "./download.ts";
import { ArtifactChangedError } from "./errors.ts";
import { type ListQuery, readListQuery } from "./list_query.ts";
import type { ArtifactManager } from "./manager.ts";
import { readArtifact, type SentArtifact } from "./sent_artifact.ts";
import { toProblem } from "./to_problem.ts";
import { artifactToWire, expandedToWire, treeToJson } from "./to_wire.ts";

export interface ArtifactRouterOptions extends RouterOptions {
  artifacts: ArtifactManager;
  /** @default {artifacts.prefix}, which links to artifacts have. */
  prefix?: string;
  /** Bytes of a JSON body, and of a form without its file. @default {10485760}, 10 MiB */
  maxBody?: number;
  /** Seconds within which the whole of a JSON body must have come; null for any time. @default {null} */
  bodyTimeout?: number | null;
}

const DeleteQuery = v.strictObject({ recursive: v.optional(v.picklist(["true", "false"])) });

const JSON_TYPE = { "content-type": "application/json" };

/**
 * The HTTP routes of artifacts.
 *
 * | route | answers |
 * | --- | --- |
 * | `POST {prefix}` | 201 with the artifact; sent as JSON, as bytes, or as a form with a file |
 * | `GET {prefix}` | the newest first; `?tag&parent_id&level&size&before`, or with `page` one page and the total |
 * | `GET {prefix}/$schema` | the JSON Schema of an artifact |
 * | `GET {prefix}/$stats` | how many there are, and what they take |
 * | `GET {prefix}/{id}` | one artifact |
 * | `PUT {prefix}/{id}` | the artifact, of which all is replaced; sent as for POST |
 * | `DELETE {prefix}/{id}` | 204; 409 where it has children, unless `?recursive=true` |
 * | `GET {prefix}/{id}/$expand` | the artifact with its level's label |
 * | `GET {prefix}/{id}/$tree` | the artifact with all that is under it |
 * | `GET {prefix}/{id}/$metadata` | its metadata alone |
 * | `GET {prefix}/{id}/$download` | its bytes, or its data as JSON; `Range`, `If-None-Match` |
 */
export class ArtifactRouter extends Router {
  readonly prefix: string;
  /** @internal The downloads that are being sent, for who stops the service. */
  readonly sending: InFlight = new InFlight();
  readonly #artifacts: ArtifactManager;
  readonly #maxBody: number;
  readonly #bodyTimeout: number | null;

  private constructor({
    artifacts,
    prefix = artifacts.prefix,
    maxBody = 10 * 1024 * 1024,
    bodyTimeout = null,
    ...options
  }: ArtifactRouterOptions) {
    super(options);
    this.prefix = prefix;
    this.#artifacts = artifacts;
    this.#maxBody = maxBody;
    this.#bodyTimeout = bodyTimeout;
    const below = prefix === "/" ? "" : prefix;
    const artifact = `${below}/{id}`;
    const scopeOf = (method: string) => (method === "GET" ? "artifacts:read" : "artifacts:write");
    const add = (method: "GET" | "POST", pattern: string, handler: FailingHandler) =>
      this.add(method, pattern, withProblems(toProblem, handler), { scope: scopeOf(method) });
    const addFor = (method: "GET" | "PUT" | "DELETE", pattern: string, handler: ArtifactHandler) =>
      this.add(method, pattern, withProblems(toProblem, forArtifact(handler)), {
        scope: scopeOf(method),
      });
    add("POST", prefix, (request) => this.#save(request));
    add("GET", prefix, (request) => this.#list(request));
    add("GET", `${below}/$schema`, async () => Response.json(ARTIFACT_SCHEMA));
    add("GET", `${below}/$stats`, async () => Response.json(await this.#artifacts.stats()));
    addFor("GET", artifact, (id) => this.#get(id));
    addFor("PUT", artifact, (id, request) => this.#replace(id, request));
    addFor("DELETE", artifact, (id, request) => this.#delete(id, request));
    addFor("GET", `${artifact}/$expand`, (id) => this.#expand(id));
    addFor("GET", `${artifact}/$tree`, (id) => this.#tree(id));
    addFor("GET", `${artifact}/$metadata`, (id) => this.#metadata(id));
    addFor("GET", `${artifact}/$download`, (id, request) => this.#download(id, request));
  }

  /** @throws {TypeError} where `prefix` or `basePath` is no path. */
  static create(options: ArtifactRouterOptions): ArtifactRouter {
    return new ArtifactRouter(options);
  }

  async #save(request: RouteRequest): Promise<Response> {
    await using sent = await this.#read(request);
    const { id } = await this.#artifacts.save(sent.artifact);
    const location = request.link(`${this.prefix === "/" ? "" : this.prefix}/${id}`);
    const artifact = artifactToWire(await this.#artifacts.exact.get(id));
    return Response.json(artifact, { status: 201, headers: { location } });
  }

  async #replace(id: string, request: RouteRequest): Promise<Response> {
    // Before a gigabyte is taken for nothing.
    await this.#artifacts.get(id);
    await using sent = await this.#read(request);
    // What it had is freed, too.
    waitLong(request);
    const { id: sentId = id, ...artifact } = sent.artifact;
    if (sentId !== id) {
      throw new HttpProblem(422, "invalid-request", {
        detail: `The artifact is ${id}, and can't become ${sentId}`,
        issues: [{ path: ["id"], message: "Expected the id of the path, or none" }],
      });
    }
    const { data = null, filename = null, metadata = null, tags = [], parentId = null } = artifact;
    const { contentType } = artifact;
    const changes = { data, contentType, filename, metadata, tags, parentId };
    await this.#artifacts.update(id, changes);
    return await this.#get(id);
  }

  #read(request: RouteRequest): Promise<SentArtifact> {
    const { maxUpload } = this.#artifacts;
    return readArtifact(request, {
      maxBody: this.#maxBody,
      bodyTimeout: this.#bodyTimeout,
      maxUpload,
      upload: (source) => this.#artifacts.upload(source),
    });
  }

  async #list({ request, link }: RouteRequest): Promise<Response> {
    const query = queryOf(request.url);
    const { filter, page, size = 100, before }: ListQuery = readListQuery(query);
    const options = { ...filter, before, limit: size };
    if (page !== undefined) return await this.#page({ page, size, filter, query, link });
    // Only the last one of this page, and whether there is one after it: data may be large.
    const ends = this.#artifacts.exact.each({ ...options, offset: size - 1, limit: 2 });
    const [last, next] = await Array.fromAsync(ends, ({ id }) => id);
    const headers = new Headers(JSON_TYPE);
    if (last !== undefined && next !== undefined) {
      query.set("before", last);
      headers.set("link", `<${link(this.prefix)}?${query}>; rel="next"`);
    }
    const items = jsonArray(this.#artifacts.exact.each(options));
    return new Response(await textBody(items), { headers });
  }

  async #page({
    page,
    size,
    filter,
    query,
    link,
  }: {
    readonly page: number;
    readonly size: number;
    readonly filter: ArtifactFilter;
    readonly query: URLSearchParams;
    readonly link: (path: string) => string;
  }): Promise<Response> {
    const total = await this.#artifacts.exact.count(filter);
    const pages = Math.ceil(total / size);
    const headers = new Headers(JSON_TYPE);
    if (page < pages) {
      query.set("page", String(page + 1));
      headers.set("link", `<${link(this.prefix)}?${query}>; rel="next"`);
    }
    const offset = (page - 1) * size;
    const items = jsonArray(this.#artifacts.exact.each({ ...filter, limit: size, offset }));
    return new Response(await textBody(jsonPage(items, { total, page, size, pages })), { headers });
  }

  async #get(id: string): Promise<Response> {
    return Response.json(artifactToWire(await this.#artifacts.exact.get(id)));
  }

  async #delete(id: string, { request, server }: RouteRequest): Promise<Response> {
    waitLong({ request, server });
    await this.#artifacts.delete(id, { recursive: readRecursive(queryOf(request.url)) });
    return new Response(null, { status: 204 });
  }

  async #expand(id: string): Promise<Response> {
    return Response.json(expandedToWire(await this.#artifacts.exact.expand(id)));
  }

  async #tree(id: string): Promise<Response> {
    const body = await textBody(treeToJson(await this.#artifacts.exact.tree(id)));
    return new Response(body, { headers: JSON_TYPE });
  }

  async #metadata(id: string): Promise<Response> {
    return Response.json((await this.#artifacts.exact.get(id)).metadata ?? {});
  }

  async #download(id: string, request: RouteRequest): Promise<Response> {
    waitLong(request);
    return await answerDownload(request.request, await this.#downloadable(id));
  }

  async #downloadable(id: string): Promise<Downloadable> {
    const artifact = await this.#artifacts.get(id);
    const { size, sha256 } = artifact;
    if (size !== null && sha256 !== null) {
      const stream = (range: ByteRange) => this.#stream(id, { range, sha256 });
      return { artifact, size, etag: `"${sha256}"`, stream };
    }
    const json = await new Response(await this.#artifacts.stream(id)).bytes();
    const stream = async ({ start, end }: ByteRange) => streamOf(json.subarray(start, end));
    return { artifact, size: json.byteLength, etag: await eTag(json), stream };
  }

  /** @throws {ArtifactChangedError} where it has other bytes by now, which the headers don't fit. */
  async #stream(
    id: string,
    { range, sha256 }: { readonly range: ByteRange; readonly sha256: string },
  ): Promise<ReadableStream<Uint8Array>> {
    const stream = await this.#artifacts.stream(id, range);
    const now = await this.#artifacts.get(id);
    if (now.sha256 === sha256) return countedStream(stream, this.sending);
    await stream.cancel();
    throw new ArtifactChangedError(id);
  }
}

type ArtifactHandler = (id: string, request: RouteRequest) => Promise<Response>;

function forArtifact(handler: ArtifactHandler): FailingHandler {
  return async (request) => {
    const id = request.parameters["id"] ?? "";
    if (!isUlid(id)) {
      throw new HttpProblem(400, "invalid-id", { detail: "The id of an artifact is a ULID" });
    }
    return await handler(id, request);
  };
}

/** @throws {HttpProblem} 422 for anything but `?recursive=true` or `false`, once. */
function readRecursive(query: URLSearchParams): boolean {
  const parsed = validate(DeleteQuery, valuesOf(query));
  if (parsed.issues === undefined) return parsed.value.recursive === "true";
  throw new HttpProblem(422, "invalid-request", {
    detail: "The query may have recursive, which is true or false",
    issues: parsed.issues,
  });
}

async function* jsonArray(artifacts: AsyncIterable<Artifact>): AsyncGenerator<string, void> {
  let before = "[";
  for await (const artifact of artifacts) {
    yield before + JSON.stringify(artifactToWire(artifact));
    before = ",";
  }
  yield before === "[" ? "[]" : "]";
}

async function* jsonPage(
  items: AsyncIterable<string>,
  about: { total: number; page: number; size: number; pages: number },
): AsyncGenerator<string, void> {
  yield '{"items":';
  yield* items;
  yield `,${JSON.stringify(about).slice(1)}`;
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream();
}
