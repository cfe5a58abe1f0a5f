import type { Route } from "../../../lib/http/mod.ts";
import type { SeededRandom } from "../../jobs/crash/seeded_random.ts";
import { FORM_TYPE, formText, OTHER_TYPES, SHAPES, type Shape } from "./grammar.ts";
import { type Json, mutatePath, mutateText, mutateValue, oddText } from "./values.ts";

/** A request before anything has made it decent. */
export interface FuzzedRequest {
  readonly method: string;
  /** With the query; as it stands in the request's first line. */
  readonly path: string;
  /** A name may come more than once. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array<ArrayBuffer> | null;
}

export interface RequestGeneratorOptions {
  readonly random: SeededRandom;
  /** What is mounted: a new one is sent requests too, and what it says of itself needs no more. */
  readonly routes: readonly Pick<Route, "method" | "pattern">[];
  readonly tasks: readonly string[];
  readonly schedules: readonly string[];
  /** Keys of every kind, with what makes the request theirs; empty where there are none. */
  readonly credentials: readonly (readonly [name: string, value: string])[];
}

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "OPTIONS",
  "BREW",
  "PROPFIND",
  "get",
];

const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  [
    "content-type",
    [
      ...["application/json", "application/json; charset=utf-8", "application/json;charset=latin1"],
      ...[
        "text/plain",
        "",
        ";",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
      ],
      ...[
        "application/vnd.api+json",
        "application/octet-stream",
        "application/problem+json",
        "*/*",
      ],
    ],
  ],
  ["content-encoding", ["gzip", "identity", "br, gzip", ""]],
  ["accept", ["*/*", "text/event-stream", "application/json;q=0", "nonsense", ""]],
  ["accept-encoding", ["gzip", "*;q=0", "identity"]],
  ["last-event-id", ["0", "1", "999999999999999", "9999999999999999", "-1", "x", ""]],
  ["idempotency-key", ["key", "", "x".repeat(256), "é", "a,b", '"quoted"']],
  [
    "range",
    [
      "bytes=0-",
      "bytes=5-2",
      "bytes=-1",
      "bytes=0-0,2-3",
      "lines=1-2",
      "bytes=99999999999999999999-",
    ],
  ],
  ["if-none-match", ["*", '"x"', 'W/"x"', "x"]],
  ["if-match", ["*", '"x"']],
  ["if-modified-since", ["Wed, 21 Oct 2015 07:28:00 GMT", "yesterday"]],
  ["if-range", ['"x"', "Wed, 21 Oct 2015 07:28:00 GMT"]],
  ["origin", ["null", "http://localhost", "https://evil.example", "nonsense", ""]],
  ["sec-fetch-site", ["same-origin", "cross-site", "same-site", "none", "odd"]],
  [
    "authorization",
    ["Bearer", "Bearer x", "Basic eDp5", "Bearer a b", "bearer  x", "Negotiate x", ""],
  ],
  ["x-api-key", ["", "x", "x".repeat(10_000), "é"]],
  ["x-request-id", ["1", "x".repeat(1_000), "a b", ""]],
  ["traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-0-0-0", ""]],
  ["x-forwarded-for", ["1.2.3.4, 5.6.7.8", "::1", "nonsense"]],
  ["x-forwarded-proto", ["https", "gopher"]],
  ["x-http-method-override", ["DELETE", "GET"]],
  ["content-disposition", ['attachment; filename="x"', "attachment; filename*=UTF-8''%ff", "x"]],
  ["digest", ["sha-256=x", "md5=x"]],
  ["cookie", ["a=b; c=d", "=", "x".repeat(4_000)]],
  ["prefer", ["respond-async", "wait=1"]],
  ["x", ["y".repeat(8_000)]],
];

/** Valid requests for each route by turns, most of them with something odd about them. */
export class RequestGenerator {
  readonly #options: RequestGeneratorOptions;
  readonly #random: SeededRandom;
  /** By the collection that they are in, such as `jobs`. */
  readonly #ids = new Map<string, string[]>();

  constructor(options: RequestGeneratorOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Makes known what the service has made, by its Location, so that some requests find something. */
  learn(location: string): void {
    const [collection = "", id = ""] = location.split("/").slice(-2);
    const ids = this.#ids.get(collection) ?? [];
    this.#ids.set(collection, ids);
    // The last ones, since old ones are deleted by and by.
    if (ids.length < 50) ids.push(id);
    else ids[this.#random.below(50)] = id;
  }

  next(): FuzzedRequest {
    const random = this.#random;
    const route = random.pick(this.#options.routes);
    const { pattern } = route;
    const method = random.oneIn(6) ? random.pick(METHODS) : route.method;
    const shape = this.#shapeOf(pattern);
    let path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      this.#parameter(name, pattern),
    );
    for (let odd = 0; odd < 3 && random.oneIn(odd === 0 ? 6 : 3); odd++)
      path = mutatePath(random, path);
    if (random.oneIn(3)) path += this.#query(shape, pattern);
    const hasBody = method === "GET" || method === "HEAD" ? random.oneIn(20) : !random.oneIn(8);
    const headers = this.#headers();
    if (!hasBody) return { method, path, headers, body: null };
    const { type, body } = this.#body(shape, pattern);
    if (!random.oneIn(12)) headers.push(["content-type", type]);
    return { method, path, headers, body };
  }

  #shapeOf(pattern: string): Shape {
    const own = SHAPES.find((shape) => shape.of.test(pattern));
    return own === undefined || this.#random.oneIn(10) ? this.#random.pick(SHAPES) : own;
  }

  #parameter(name: string, pattern: string): string {
    const random = this.#random;
    const { tasks, schedules } = this.#options;
    if (random.oneIn(15)) return encodeURIComponent(oddText(random).toWellFormed()) || "x";
    if (name !== "name") return this.#id(pattern);
    const isOfSchedules = pattern.includes("schedule") !== random.oneIn(10);
    return random.pick(isOfSchedules ? schedules : tasks);
  }

  /** One of the collection that the pattern names, or now and then of another. */
  #id(pattern: string): string {
    const random = this.#random;
    const own = [...this.#ids].find(([collection]) => pattern.includes(`/${collection}`))?.[1];
    const ids = own === undefined || random.oneIn(15) ? [...this.#ids.values()].flat() : own;
    return ids.length === 0 ? "01J00000000000000000000000" : random.pick(ids);
  }

  #query({ query }: Shape, pattern: string): string {
    const random = this.#random;
    const pairs = Array.from({ length: random.below(5) }, () => {
      const [name, value] = random.pick(Object.entries(query));
      const known = value === "{id}" ? this.#id(pattern) : value;
      const text = random.oneIn(5) ? oddText(random) : known;
      const encoded = random.oneIn(6) ? text.replaceAll(/[^!-~]|#/g, "") : encode(text);
      return random.oneIn(15) ? encode(oddText(random)) : `${name}=${encoded}`;
    });
    return `?${pairs.join("&")}${random.oneIn(20) ? "&%ff=%zz&&=" : ""}`;
  }

  #headers(): [string, string][] {
    const random = this.#random;
    const headers: [string, string][] = [];
    const { credentials } = this.#options;
    if (credentials.length > 0 && !random.oneIn(10)) headers.push([...random.pick(credentials)]);
    while (random.oneIn(3)) {
      const [name, values] = random.pick(HEADERS);
      headers.push([name, random.pick(values)]);
    }
    return headers;
  }

  #body(
    { body, required }: Shape,
    pattern: string,
  ): { readonly type: string; readonly body: Uint8Array<ArrayBuffer> } {
    const random = this.#random;
    const bytes = (text: string) =>
      random.oneIn(6) ? mutateText(random, text) : new TextEncoder().encode(text);
    if (random.oneIn(8)) {
      const fields = Array.from({ length: random.below(4) }, () => random.below(100));
      return { type: FORM_TYPE, body: bytes(formText(fields)) };
    }
    const chosen = Object.entries(body).filter(
      ([name]) => random.oneIn(5) || (required.includes(name) && !random.oneIn(10)),
    );
    const entries = chosen.map(([name, value]) => {
      return [name, value === "{id}" ? this.#id(pattern) : value] as const;
    });
    let value: Json = Object.fromEntries(entries);
    for (let odd = 0; odd < 3 && random.oneIn(3); odd++) value = mutateValue(random, value);
    const type = random.oneIn(8) ? random.pick(OTHER_TYPES) : "application/json";
    if (random.oneIn(500)) {
      return {
        type,
        body: new Uint8Array(random.pick([70_000, 2_000_000, 11_000_000])).fill(0x20),
      };
    }
    return { type, body: bytes(JSON.stringify(value)) };
  }
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
