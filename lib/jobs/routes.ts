import {
  type FailingHandler,
  Heartbeats,
  HttpProblem,
  queryOf,
  type RouteHandler,
  type RouteRequest,
  Router,
  type RouterOptions,
  sendEvents,
  waitLong,
  withProblems,
} from "../http/mod.ts";
import { isUlid } from "../storage/mod.ts";
import { jobEventStream } from "./event_stream.ts";
import { type BodyLimits, LARGEST_FILTER, readFilter, refuseNoFilter } from "./filter_request.ts";
import { isEmptyFilter } from "./job_filter.ts";
import { readListQuery } from "./list_query.ts";
import { readLogsQuery } from "./logs_query.ts";
import { isTerminal } from "./record.ts";
import type { Scheduler } from "./scheduler.ts";
import { toProblem } from "./to_problem.ts";
import { logLineToWire, recordToWire, summaryToWire } from "./to_wire.ts";

export interface JobRouterOptions extends RouterOptions {
  scheduler: Scheduler;
  /** @default {scheduler.prefix}, which links to jobs have. */
  prefix?: string;
  /** Seconds after which a silent `$stream` shows that it is still there. @default {5} */
  heartbeat?: number;
  /** The largest body, in bytes; of a filter, what is beyond 65,536 is too large anyway. @default {65_536} */
  maxBody?: number;
  /** Seconds within which the whole body must have come; null for any time. @default {null} */
  bodyTimeout?: number | null;
}

/**
 * The HTTP routes of a scheduler's jobs.
 *
 * | route | answers |
 * | --- | --- |
 * | `GET {prefix}` | the newest first; `?status_filter&task&tag&since&until&before&size` |
 * | `POST {prefix}/$retry` | `{ retried }`: how many failed or canceled jobs of a list's filters are queued again |
 * | `POST {prefix}/$delete` | `{ deleted }`: how many jobs of a list's filters, at least one of them, are deleted |
 * | `GET {prefix}/{id}` | one record |
 * | `DELETE {prefix}/{id}` | 204; a running job is canceled |
 * | `POST {prefix}/{id}/$cancel` | 202 with the record; 200 where it was canceled before |
 * | `POST {prefix}/{id}/$retry` | 202 with the record of a failed or canceled job, queued again |
 * | `GET {prefix}/{id}/$logs` | what it has logged; `?after&size` |
 * | `GET {prefix}/{id}/$stream` | Server-Sent Events up to its end |
 */
export class JobRouter extends Router {
  readonly prefix: string;
  readonly #scheduler: Scheduler;
  readonly #heartbeats: Heartbeats;
  readonly #body: BodyLimits;

  private constructor({
    scheduler,
    prefix = scheduler.prefix,
    // Bun and many proxies close a connection that is silent for ten seconds, or more.
    heartbeat = 5,
    maxBody = LARGEST_FILTER,
    bodyTimeout = null,
    ...options
  }: JobRouterOptions) {
    super(options);
    this.prefix = prefix;
    this.#scheduler = scheduler;
    this.#heartbeats = new Heartbeats(heartbeat);
    this.#body = { maxBody: Math.min(maxBody, LARGEST_FILTER), timeout: bodyTimeout };
    const below = prefix === "/" ? "" : prefix;
    const job = `${below}/{id}`;
    const scopeOf = (method: string) => (method === "GET" ? "jobs:read" : "jobs:write");
    const addOfAll = (method: "GET" | "POST", pattern: string, handler: FailingHandler) =>
      this.add(method, pattern, withProblems(toProblem, handler), { scope: scopeOf(method) });
    const add = (method: "GET" | "POST" | "DELETE", pattern: string, handler: JobHandler) =>
      this.add(method, pattern, forJob(handler), { scope: scopeOf(method) });
    addOfAll("GET", prefix, (request) => this.#list(request));
    addOfAll("POST", `${below}/$retry`, (request) => this.#retryMany(request));
    addOfAll("POST", `${below}/$delete`, (request) => this.#deleteMany(request));
    add("GET", job, (id) => this.#get(id, 200));
    add("DELETE", job, (id) => this.#delete(id));
    add("POST", `${job}/$cancel`, (id) => this.#cancel(id));
    add("POST", `${job}/$retry`, (id) => this.#retry(id));
    add("GET", `${job}/$logs`, (id, request) => this.#logs(id, request));
    add("GET", `${job}/$stream`, (id, request) => this.#stream(id, request));
  }

  /**
   * @throws {RangeError} where `heartbeat` is no time that can be waited for.
   * @throws {TypeError} where `prefix` or `basePath` is no path.
   */
  static create(options: JobRouterOptions): JobRouter {
    return new JobRouter(options);
  }

  async #list({ request, link }: RouteRequest): Promise<Response> {
    const query = queryOf(request.url);
    const options = readListQuery(query);
    const jobs = await this.#scheduler.list(options);
    const headers = new Headers();
    const last = jobs.at(-1)?.id;
    if (last !== undefined && jobs.length === (options.size ?? 100)) {
      const more = await this.#scheduler.list({ ...options, before: last, size: 1 });
      query.set("before", last);
      if (more.length > 0) headers.set("link", `<${link(this.prefix)}?${query}>; rel="next"`);
    }
    return Response.json(
      jobs.map((job) => summaryToWire(job, this.#scheduler)),
      { headers },
    );
  }

  async #get(id: string, status: number): Promise<Response> {
    return Response.json(recordToWire(await this.#scheduler.get(id), this.#scheduler), { status });
  }

  async #delete(id: string): Promise<Response> {
    await this.#scheduler.delete(id);
    return new Response(null, { status: 204 });
  }

  async #cancel(id: string): Promise<Response> {
    const outcome = await this.#scheduler.cancelJob(id);
    return await this.#get(id, outcome === "already" ? 200 : 202);
  }

  async #retry(id: string): Promise<Response> {
    await this.#scheduler.retry(id);
    return await this.#get(id, 202);
  }

  async #retryMany(request: RouteRequest): Promise<Response> {
    const filter = await readFilter(request, this.#body);
    waitLong(request);
    return Response.json({ retried: await this.#scheduler.retryMany(filter) });
  }

  async #deleteMany(request: RouteRequest): Promise<Response> {
    const filter = await readFilter(request, this.#body);
    if (isEmptyFilter(filter)) {
      refuseNoFilter(
        "Nothing is deleted without a filter: to delete all jobs, name them by ?since=1970-01-01",
      );
    }
    waitLong(request);
    return Response.json({ deleted: await this.#scheduler.deleteMany(filter) });
  }

  async #logs(id: string, { request }: RouteRequest): Promise<Response> {
    const lines = await this.#scheduler.logs(id, readLogsQuery(queryOf(request.url)));
    return Response.json(lines.map(logLineToWire));
  }

  async #stream(id: string, { request, server }: RouteRequest): Promise<Response> {
    const { revision, record } = await this.#scheduler.find(id);
    const last = request.headers.get("last-event-id");
    const after = last !== null && /^\d{1,15}$/.test(last) ? Number(last) : undefined;
    // Only this keeps an EventSource from connecting again for ever.
    if (isTerminal(record.status) && after !== undefined && after >= revision) {
      return new Response(null, { status: 204 });
    }
    const { traceback } = this.#scheduler;
    const body = jobEventStream(
      (signal) =>
        this.#scheduler.sharedEvents(id, { signal, ...(after === undefined ? {} : { after }) }),
      { traceback, heartbeats: this.#heartbeats, quiet: after === revision },
    );
    return sendEvents(body, { request, server });
  }
}

type JobHandler = (id: string, request: RouteRequest) => Promise<Response>;

function forJob(handler: JobHandler): RouteHandler {
  return withProblems(toProblem, async (request) => {
    const id = request.parameters["id"] ?? "";
    if (!isUlid(id)) {
      throw new HttpProblem(400, "invalid-id", { detail: "The id of a job is a ULID" });
    }
    return await handler(id, request);
  });
}
