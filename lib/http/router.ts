import { type Guard, insufficientScope, recognise } from "./guard.ts";
import { type Handler, isRequestServer, type RequestServer } from "./handler.ts";
import { InFlight } from "./in_flight.ts";
import { refuseCrossSite } from "./origin.ts";
import { pathOf } from "./path.ts";
import { allows, type Principal } from "./principal.ts";
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
  /** Who sent it; null where nobody had to say. */
  readonly principal: Principal | null;
}

export type RouteHandler = (request: RouteRequest) => Response | Promise<Response>;

/** What a key must be allowed to, by what the path has at the pattern's `{names}`; null for any key. */
export type RouteScope = string | ((parameters: Readonly<Record<string, string>>) => string) | null;

/** One route of a router; in `pattern`, `{name}` stands for one segment. */
export interface Route {
  readonly method: Method;
  readonly pattern: string;
  readonly handler: RouteHandler;
  /** The other sites whose pages may send what is no GET. */
  readonly allowedOrigins: ReadonlySet<string>;
  readonly always: boolean;
  readonly scope: RouteScope;
  readonly open: boolean;
}

export interface RouteOptions {
  /** Whether it answers while its service can't, as before it has started, too. @default {false} */
  always?: boolean;
  /**
   * What a key must be allowed to where the service asks for keys, such as `reports:read`; any key
   * will do where it is left out.
   *
   * @default {null}
   */
  scope?: RouteScope;
  /** Whether it answers without a key too; it is told who asks where that is known. @default {false} */
  open?: boolean;
}

export interface MountOptions {
  /** As that of a route. @default {null} */
  scope?: string | null;
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
  /**
   * The problem document for what else a handler threw; undefined where there is none.
   *
   * @internal
   */
  toProblem?: (error: unknown) => HttpProblem | undefined;
  /** Is asked who sent a request before anything is told of its path. @internal */
  guard?: Guard;
}

/**
 * Routes requests, answers HEAD, OPTIONS, 404 and 405 by itself, refuses
 * cross-site requests, and turns a thrown {@linkcode HttpProblem} into a
 * problem document.
 *
 * A request travels through `#fetch`, `#begin` and `#answer`, top to bottom. Where there is a guard,
 * whoever it doesn't know hears of every path, known or not and by whatever method, the same.
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
  readonly #guard: Guard | undefined;
  /** Of those handlers that have one. */
  readonly #mountScopes = new Map<Handler, string>();

  /** @throws {TypeError} where `basePath` is no path, or one of `allowedOrigins` is no origin. */
  constructor(options: RouterOptions = {}) {
    const { basePath = "", allowedOrigins = [], onError = () => {}, guard } = options;
    const { toProblem = () => undefined } = options;
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
    this.#guard = guard;
    this.link = (path) => basePath + path;
    this.fetch = (request, server) => this.#fetch(request, server);
  }

  /** In the order in which they were added. */
  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** Whether it asks for keys. */
  get isGuarded(): boolean {
    return this.#guard !== undefined;
  }

  /** @throws {TypeError} where the pattern is no path, or is taken for this method. */
  add(
    method: Method,
    pattern: string,
    handler: RouteHandler,
    { always = false, scope = null, open = false }: RouteOptions = {},
  ): this {
    const allowedOrigins = this.#allowedOrigins;
    return this.#add({ method, pattern, handler, allowedOrigins, always, scope, open });
  }

  /**
   * Takes over the routes of another router, with the origins that it allows;
   * its base path counts no more.
   *
   * @throws {TypeError} where one of them is taken, or the other router asks for keys by itself.
   */
  include(router: Router): this {
    // Its routes would be open to whoever this one lets in, and maybe to everybody.
    if (router.isGuarded) throw new TypeError("Cannot include a router that asks for keys itself");
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
  mount(prefix: string, handler: Handler, { scope = null }: MountOptions = {}): this {
    // A function of its own, since another scope may hold where the same handler is mounted too.
    const mounted: Handler =
      scope === null ? handler : (request, server) => handler(request, server);
    this.#tree.mount(prefix, mounted);
    if (scope !== null) this.#mountScopes.set(mounted, scope);
    return this;
  }

  /** Whether this request is for a route that answers while its service can't. */
  answersAlways({ method, url }: Request): boolean {
    const target = this.#tree.find(this.#locate(pathOf(url)));
    return routeOf(target, method)?.always === true;
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
      const answer = this.#begin(request, method, path, server);
      answered = Promise.resolve(answer).then(end, fail);
    } catch (error) {
      answered = Promise.resolve(fail(error));
    }
    return method === "HEAD" ? answered.then(withoutBody) : answered;
  }

  /** Looks up what stands at the path, and asks the guard, where there is one, before that matters. */
  #begin(
    request: Request,
    method: string,
    path: string,
    server: RequestServer | undefined,
  ): Response | Promise<Response> {
    const located = this.#locate(path);
    const target = this.#tree.find(located);
    const guard = this.#guard;
    if (guard === undefined) return this.#answer(target, request, method, path, server, null);
    const route = routeOf(target, method);
    const end = typeof target === "object" ? "route" : "handler";
    if (route?.open || guard.publicPaths.has(located, end)) {
      const principal = recognise(guard, request);
      return principal instanceof Promise
        ? principal.then((known) => this.#answer(target, request, method, path, server, known))
        : this.#answer(target, request, method, path, server, principal);
    }
    const pass = (principal: Principal) => {
      const scope = this.#scopeOf(target, route);
      if (scope !== null && !allows(principal, scope)) throw insufficientScope(principal, scope);
      return this.#answer(target, request, method, path, server, principal);
    };
    const principal = guard.identify(request);
    return principal instanceof Promise ? principal.then(pass) : pass(principal);
  }

  #answer(
    target: RouteTarget<Route> | Handler | undefined,
    request: Request,
    method: string,
    path: string,
    server: RequestServer | undefined,
    principal: Principal | null,
  ): Response | Promise<Response> {
    if (target === undefined || typeof target === "function") {
      refuseCrossSite(request, this.#allowedOrigins);
      if (target === undefined) throw notFound(path);
      return target(request, server);
    }
    const route = routeOf(target, method);
    refuseCrossSite(request, route?.allowedOrigins ?? this.#allowedOrigins);
    if (route === undefined) return refuseMethod(method, path, [...target.routes.keys()]);
    const { parameters } = target;
    return route.handler({
      request,
      parameters,
      server: isRequestServer(server) ? server : undefined,
      link: this.link,
      principal,
    });
  }

  /** What a key must be allowed to for what was found; null for any key. */
  #scopeOf(
    target: RouteTarget<Route> | Handler | undefined,
    route: Route | undefined,
  ): string | null {
    if (typeof target === "function") return this.#mountScopes.get(target) ?? null;
    if (target === undefined || route === undefined) return null;
    const { scope } = route;
    return typeof scope === "function" ? scope(target.parameters) : scope;
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

  /** A path as the routes know it: without `basePath` before it, but where there is something only with it. */
  #locate(path: string): string {
    const basePath = this.#basePath;
    if (basePath === "" || !path.startsWith(basePath)) return path;
    const rest = path.slice(basePath.length) || "/";
    // Another server may have taken off what the paths here begin with too.
    return rest.startsWith("/") && this.#tree.find(rest) !== undefined ? rest : path;
  }
}

function routeOf(
  target: RouteTarget<Route> | Handler | undefined,
  method: string,
): Route | undefined {
  if (typeof target !== "object") return undefined;
  return target.routes.get(method === "HEAD" ? "GET" : method);
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

/** What HEAD is answered with: a document is measured, any other stream let go of. */
async function withoutBody(response: Response): Promise<Response> {
  if (response.body === null) return response;
  const headers = new Headers(response.headers);
  const isDocument = /^application\/(problem\+)?json\b/.test(headers.get("content-type") ?? "");
  if (isDocument && !headers.has("content-length")) {
    let length = 0;
    // Piece by piece, since a long list is never in memory as a whole.
    for await (const piece of response.body) length += piece.byteLength;
    headers.set("content-length", String(length));
  } else {
    await response.body.cancel();
  }
  return new Response(null, { status: response.status, headers });
}
