import { type Handler, isRequestServer, type RequestServer } from "./handler.ts";
import { InFlight } from "./in_flight.ts";
import { refuseCrossSite } from "./origin.ts";
import { pathOf } from "./path.ts";
import { HttpProblem } from "./problem.ts";
import { type Method, type RouteTarget, RouteTree } from "./route_tree.ts";

/** One request, as a route's handler sees it. */
export interface RouteRequest {
  readonly request: Request;
  /** What the path has at the pattern's `{names}`, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The server that passed the request, where it says so. */
  readonly server: RequestServer | undefined;
  /** The path of a link to `path`, where this router is mounted. */
  readonly link: (path: string) => string;
}

export type RouteHandler = (request: RouteRequest) => Response | Promise<Response>;

/** One route of a router; in `pattern`, `{name}` stands for one segment. */
export interface Route {
  readonly method: Method;
  readonly pattern: string;
  readonly handler: RouteHandler;
  /** The other sites whose pages may send what is no GET. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly always: boolean;
}

export interface RouteOptions {
  /** Whether it answers while its service can't, as before it has started, too. @default {false} */
  always?: boolean;
}

export interface RouterOptions {
  /**
   * Where another server has mounted this router, such as `/tools`: taken off
   * the paths of requests that carry it, and put before links.
   *
   * @default {""}
   */
  basePath?: string;
  /**
   * Other sites whose pages may send requests that change something, such as
   * `https://app.example.org`.
   *
   * @default {[]}
   */
  allowedOrigins?: readonly string[];
  /**
   * Is told what a handler threw that is no problem document, for which the client gets a bare
   * 500, and what has caused a problem that is the service's own.
   */
  onError?: (error: unknown, request: Request) => void;
  /** The problem document for what else a handler threw; undefined where there is none. */
  toProblem?: (error: unknown) => HttpProblem | undefined;
}

/**
 * Routes requests, answers HEAD, OPTIONS, 404 and 405 by itself, refuses
 * cross-site requests, and turns a thrown {@linkcode HttpProblem} into a
 * problem document.
 *
 * A request travels through `#fetch` and `#answer`, top to bottom.
 */
export class Router {
  /** The handler to give to a server. It needs no `this`. */
  readonly fetch: (request: Request, server?: RequestServer) => Promise<Response>;
  /** The path of a link to `path`, where this router is mounted. */
  readonly link: (path: string) => string;
  /** The requests that are being answered. */
  readonly inFlight: InFlight = new InFlight();
  readonly #basePath: string;
  readonly #allowedOrigins: ReadonlySet<string>;
  readonly #onError: (error: unknown, request: Request) => void;
  readonly #toProblem: (error: unknown) => HttpProblem | undefined;
  readonly #tree = new RouteTree<Route>();
  readonly #routes: Route[] = [];

  /** @throws {TypeError} where `basePath` is no path, or one of `allowedOrigins` is no origin. */
  constructor({
    basePath = "",
    allowedOrigins = [],
    onError = () => {},
    toProblem = () => undefined,
  }: RouterOptions = {}) {
    if (!/^(\/[^/?#\s]+)*$/.test(basePath)) {
      throw new TypeError(`Cannot use "${basePath}" as basePath: it is like "/tools"`);
    }
    for (const origin of allowedOrigins) {
      if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(origin)) {
        throw new TypeError(
          `Cannot allow "${origin}" as an origin: it is like "https://app.example.org"`,
        );
      }
    }
    this.#basePath = basePath;
    this.#allowedOrigins = new Set(allowedOrigins);
    this.#onError = onError;
    this.#toProblem = toProblem;
    this.link = (path) => basePath + path;
    this.fetch = (request, server) => this.#fetch(request, server);
  }

  /** In the order in which they were added. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** @throws {TypeError} where the pattern is no path, or is taken for this method. */
  add(
    method: Method,
    pattern: string,
    handler: RouteHandler,
    { always = false }: RouteOptions = {},
  ): this {
    return this.#add({ method, pattern, handler, always, allowedOrigins: this.#allowedOrigins });
  }

  /**
   * Takes over the routes of another router, with the origins that it allows;
   * its base path counts no more.
   *
   * @throws {TypeError} where one of them is taken.
   */
  include(router: Router): this {
    for (const route of router.routes) {
      const allowedOrigins = this.#allowedOrigins.union(route.allowedOrigins);
      this.#add({ ...route, allowedOrigins });
    }
    return this;
  }

  /**
   * Gives every request at or below `prefix` for which there is no route to `handler`.
   *
   * @throws {TypeError} where the prefix is no path, or is taken.
   */
  mount(prefix: string, handler: Handler): this {
    this.#tree.mount(prefix, handler);
    return this;
  }

  /** Whether this request is for a route that answers while its service can't. */
  answersAlways({ method, url }: Request): boolean {
    const target = this.#find(pathOf(url));
    if (target === undefined || typeof target === "function") return false;
    return target.routes.get(method === "HEAD" ? "GET" : method)?.always === true;
  }

  /** Asks the route at once, and makes one promise for all that is left; each one more costs. */
  #fetch(request: Request, server: RequestServer | undefined): Promise<Response> {
    const { method } = request;
    const path = pathOf(request.url);
    const end = (response: Response): Response => {
      this.inFlight.end();
      return response;
    };
    const fail = (error: unknown): Response => end(this.#problemOf(error, request, path));
    this.inFlight.begin();
    let answered: Promise<Response>;
    try {
      const answer = this.#answer(request, method, path, server);
      answered = Promise.resolve(answer).then(end, fail);
    } catch (error) {
      answered = Promise.resolve(fail(error));
    }
    return method === "HEAD" ? answered.then(withoutBody) : answered;
  }

  #answer(
    request: Request,
    method: string,
    path: string,
    server: RequestServer | undefined,
  ): Response | Promise<Response> {
    const target = this.#find(path);
    if (target === undefined || typeof target === "function") {
      refuseCrossSite(request, this.#allowedOrigins);
      if (target === undefined) throw notFound(path);
      return target(request, server);
    }
    const route = target.routes.get(method === "HEAD" ? "GET" : method);
    refuseCrossSite(request, route?.allowedOrigins ?? this.#allowedOrigins);
    if (route === undefined) return refuseMethod(method, path, [...target.routes.keys()]);
    const { parameters } = target;
    return route.handler({
      request,
      parameters,
      server: isRequestServer(server) ? server : undefined,
      link: this.link,
    });
  }

  /** What was thrown, as a problem document. */
  #problemOf(error: unknown, request: Request, path: string): Response {
    const problem = error instanceof HttpProblem ? error : this.#toProblem(error);
    if (problem !== undefined) {
      if (problem.status >= 500 && problem.cause !== undefined) {
        this.#onError(problem.cause, request);
      }
      return problem.toResponse(path);
    }
    this.#onError(error, request);
    return new HttpProblem(500, "internal-error", {
      detail: "The service failed to answer; its log says why",
    }).toResponse(path);
  }

  #add(route: Route): this {
    this.#tree.add(route.method, route.pattern, route);
    this.#routes.push(route);
    return this;
  }

  /** What stands at a path, without `basePath` before it, or where there is nothing with it. */
  #find(path: string): RouteTarget<Route> | Handler | undefined {
    const basePath = this.#basePath;
    if (basePath === "" || !path.startsWith(basePath)) return this.#tree.find(path);
    const rest = path.slice(basePath.length) || "/";
    // Another server may have taken off what the paths here begin with too.
    return (rest.startsWith("/") ? this.#tree.find(rest) : undefined) ?? this.#tree.find(path);
  }
}

function notFound(path: string): HttpProblem {
  return new HttpProblem(404, "not-found", { detail: `There is nothing at ${path}` });
}

/** Answers OPTIONS, and refuses every other method that has no route. */
function refuseMethod(method: string, path: string, methods: string[]): Response {
  if (methods.includes("GET")) methods.push("HEAD");
  const allow = [...methods, "OPTIONS"].sort().join(", ");
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  throw new HttpProblem(405, "method-not-allowed", {
    detail: `${method} is not allowed at ${path}; allowed are ${allow}`,
    headers: { allow },
  });
}

/** What HEAD is answered with: a document is measured, a stream let go of. */
async function withoutBody(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const headers = new Headers(response.headers);
  if (/^application\/(problem\+)?json\b/.test(headers.get("content-type") ?? "")) {
    headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  } else {
    await response.body.cancel();
  }
  return new Response(null, { status: response.status, headers });
}
