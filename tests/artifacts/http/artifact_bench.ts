import { assertEquals } from "@std/assert";
import {
  type Artifact,
  ArtifactManager,
  type ArtifactManagerOptions,
  ArtifactRouter,
  type NewArtifact,
} from "../../../lib/artifacts/mod.ts";
import { type Handler, Router } from "../../../lib/http/mod.ts";
import { Database } from "../../../lib/storage/mod.ts";

export const ARTIFACTS = "/api/v1/artifacts";

export interface ArtifactBenchOptions extends Omit<ArtifactManagerOptions, "database"> {
  basePath?: string;
  maxBody?: number;
}

/** The routes of artifacts, on a manager and a database of their own. */
export class ArtifactBench implements AsyncDisposable {
  readonly database: Database = Database.sqlite(":memory:");
  readonly artifacts: ArtifactManager;
  /** What the routes throw that is no problem document. */
  readonly errors: unknown[] = [];
  readonly handler: Handler;
  readonly #basePath: string;

  constructor({ basePath = "", maxBody, ...options }: ArtifactBenchOptions = {}) {
    this.#basePath = basePath;
    const { database } = this;
    this.artifacts = new ArtifactManager({ ...options, database });
    const { artifacts } = this;
    const onError = (error: unknown) => void this.errors.push(error);
    const routes = ArtifactRouter.create({ artifacts, ...(maxBody && { maxBody }) });
    this.handler = new Router({ basePath, onError }).include(routes).fetch;
  }

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    return await this.handler(new Request(`http://localhost${this.#basePath}${path}`, init));
  }

  /** Sends JSON to the list, or to one artifact. */
  send(body: unknown, path = "", method = "POST"): Promise<Response> {
    return this.fetch(`${ARTIFACTS}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /** Sends bytes of a type, with a query such as `?tag=a`. */
  upload(body: RequestInit["body"], type: string, query = ""): Promise<Response> {
    return this.fetch(`${ARTIFACTS}${query}`, {
      method: "POST",
      headers: { "content-type": type },
      body: body ?? null,
    });
  }

  /** Sends a form. */
  post(body: FormData): Promise<Response> {
    return this.fetch(ARTIFACTS, { method: "POST", body });
  }

  download(id: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(`${ARTIFACTS}/${id}/$download`, { headers });
  }

  save(artifact: NewArtifact = {}): Promise<Artifact> {
    return this.artifacts.save(artifact);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.artifacts.stop();
    await this.database.close();
    assertEquals(this.errors, []);
  }
}

/** The ids of a list's answer. */
export async function idsOf(response: Response): Promise<string[]> {
  const list: { id: string }[] = JSON.parse(await response.text());
  return list.map(({ id }) => id);
}
