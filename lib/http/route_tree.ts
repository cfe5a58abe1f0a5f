import type { Handler } from "./handler.ts";
import { decodeSegment } from "./segments.ts";

export type Method = "DELETE" | "GET" | "POST" | "PUT";

/** What stands at one path. */
export interface RouteTarget<Route> {
  /** By method. */
  readonly routes: ReadonlyMap<string, Route>;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Node<Route> {
  readonly literals: Map<string, Node<Route>>;
  parameter: { readonly name: string; readonly node: Node<Route> } | undefined;
  routes: Map<string, Route> | undefined;
  mounted: Handler | undefined;
}

/** So many paths that have routes are remembered, */
const REMEMBERED_PATHS = 1_000;
/** if they are no longer than this. */
const LONGEST_REMEMBERED_PATH = 200;

/**
 * Finds what stands at a path by walking it segment by segment, so that the
 * number of routes costs nothing. A path seen before is not walked again.
 */
export class RouteTree<Route> {
  readonly #root: Node<Route> = createNode();
  readonly #remembered = new Map<string, RouteTarget<Route>>();

  /** @throws {TypeError} where the pattern is no path, or is taken for this method. */
  add(method: Method, pattern: string, route: Route): void {
    const node = this.#nodeOf(pattern);
    node.routes ??= new Map();
    if (node.routes.has(method)) throw new TypeError(`Cannot add ${method} ${pattern} twice`);
    node.routes.set(method, route);
    this.#remembered.clear();
  }

  /** @throws {TypeError} where the prefix is no path, or is taken. */
  mount(prefix: string, handler: Handler): void {
    const node = prefix === "/" ? this.#root : this.#nodeOf(prefix);
    if (node.mounted !== undefined) throw new TypeError(`Cannot mount ${prefix} twice`);
    node.mounted = handler;
  }

  /** What has routes at `path`, or else is mounted at or above it, deepest first. */
  find(path: string): RouteTarget<Route> | Handler | undefined {
    const remembered = this.#remembered.get(path);
    if (remembered !== undefined) return remembered;
    const target = this.#walk(path);
    if (typeof target === "object" && path.length <= LONGEST_REMEMBERED_PATH) {
      if (this.#remembered.size === REMEMBERED_PATHS) this.#remembered.clear();
      this.#remembered.set(path, target);
    }
    return target;
  }

  #walk(path: string): RouteTarget<Route> | Handler | undefined {
    const isEncoded = path.includes("%");
    let parameters: Record<string, string> | undefined;
    let node = this.#root;
    let { mounted } = node;
    for (let start = 1; start <= path.length; ) {
      const slash = path.indexOf("/", start);
      const end = slash === -1 ? path.length : slash;
      const sent = path.slice(start, end);
      const segment = isEncoded ? decodeSegment(sent) : sent;
      if (segment === undefined) return mounted;
      const literal = node.literals.get(segment);
      if (literal !== undefined) {
        node = literal;
      } else if (node.parameter !== undefined && segment !== "") {
        parameters ??= {};
        parameters[node.parameter.name] = segment;
        node = node.parameter.node;
      } else {
        return mounted;
      }
      mounted = node.mounted ?? mounted;
      start = end + 1;
    }
    if (node.routes === undefined) return mounted;
    // Frozen, since one that is remembered is given to many requests.
    const found = parameters === undefined ? NO_PARAMETERS : Object.freeze(parameters);
    return { routes: node.routes, parameters: found };
  }

  #nodeOf(pattern: string): Node<Route> {
    if (!/^(\/|(\/[^/?#\s]+)+)$/.test(pattern)) {
      throw new TypeError(`Cannot use "${pattern}" as a path: it is like "/api/v1/tasks"`);
    }
    let node = this.#root;
    for (const segment of pattern === "/" ? [""] : pattern.slice(1).split("/")) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      node = name === undefined ? literalNode(node, segment) : parameterNode(node, name, pattern);
    }
    return node;
  }
}

const NO_PARAMETERS: Readonly<Record<string, string>> = Object.freeze({});

function createNode<Route>(): Node<Route> {
  return { literals: new Map(), parameter: undefined, routes: undefined, mounted: undefined };
}

function literalNode<Route>(node: Node<Route>, segment: string): Node<Route> {
  let child = node.literals.get(segment);
  if (child === undefined) {
    child = createNode();
    node.literals.set(segment, child);
  }
  return child;
}

function parameterNode<Route>(node: Node<Route>, name: string, pattern: string): Node<Route> {
  node.parameter ??= { name, node: createNode() };
  if (node.parameter.name !== name) {
    throw new TypeError(
      `Cannot call a segment of ${pattern} {${name}}: it is {${node.parameter.name}}`,
    );
  }
  return node.parameter.node;
}
