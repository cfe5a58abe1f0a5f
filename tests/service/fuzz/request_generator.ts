import type { Route } from "../../../lib/http/mod.ts";
import type { SeededRandom } from "../../jobs/crash/seeded_random.ts";
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

/** What some route knows; whatever route is asked, it is sent some of these. */
const KNOWN_BODY: Readonly<Record<string, Json>> = {
  params: { name: "Ada", n: 3, tags: ["a"], nested: { at: "2026-01-01" } },
  retries: 1,
  retry_delay: 0.01,
  delay: 0.01,
  run_at: "2026-01-01T00:00:00Z",
  timeout: 1,
  priority: 5,
  tags: ["a", "b"],
  description: "fuzzed",
  idempotency_key: "key",
  concurrency_key: "one",
  status_filter: "failed",
  task: "typed",
  tag: ["a"],
  since: "1970-01-01",
  until: "2100-01-01T00:00:00+02:00",
  before: "01J00000000000000000000000",
  name: "thing",
  size: 10,
};

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

/** Valid requests for each route in turn, most of them with something odd about them. */
export class RequestGenerator {
  readonly #options: RequestGeneratorOptions;
  readonly #random: SeededRandom;
  readonly #ids: string[] = [];

  constructor(options: RequestGeneratorOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Makes an id that the service has given known, so that some requests find something. */
  learn(id: string): void {
    // The last ones, since old ones are deleted by and by.
    if (this.#ids.length < 50) this.#ids.push(id);
    else this.#ids[this.#random.below(50)] = id;
  }

  next(): FuzzedRequest {
    const random = this.#random;
    const route = random.pick(this.#options.routes);
    const method = random.oneIn(6) ? random.pick(METHODS) : route.method;
    let path = route.pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      this.#parameter(name, route.pattern),
    );
    for (let odd = 0; odd < 3 && random.oneIn(odd === 0 ? 6 : 3); odd++)
      path = mutatePath(random, path);
    if (random.oneIn(3)) path += this.#query();
    const hasBody = method === "GET" || method === "HEAD" ? random.oneIn(20) : !random.oneIn(8);
    return {
      method,
      path,
      headers: this.#headers(hasBody),
      body: hasBody ? this.#body(route.pattern) : null,
    };
  }

  #parameter(name: string, pattern: string): string {
    const random = this.#random;
    const { tasks, schedules } = this.#options;
    const isOfSchedules = pattern.includes("schedule") !== random.oneIn(10);
    if (random.oneIn(15)) return encodeURIComponent(oddText(random).toWellFormed()) || "x";
    const known = name === "name" ? (isOfSchedules ? schedules : tasks) : this.#ids;
    return known.length === 0 ? "01J00000000000000000000000" : random.pick(known);
  }

  #query(): string {
    const random = this.#random;
    const pairs = Array.from({ length: random.below(5) }, () => {
      const [name, value] = random.pick(Object.entries(KNOWN_BODY));
      const text = random.oneIn(3) ? oddText(random) : String(value);
      const encoded = random.oneIn(6) ? text.replaceAll(/[^!-~]|#/g, "") : encode(text);
      return random.oneIn(10) ? encode(oddText(random)) : `${name}=${encoded}`;
    });
    return `?${pairs.join("&")}${random.oneIn(20) ? "&%ff=%zz&&=" : ""}`;
  }

  #headers(hasBody: boolean): [string, string][] {
    const random = this.#random;
    const headers: [string, string][] = [];
    const { credentials } = this.#options;
    if (credentials.length > 0 && !random.oneIn(10)) headers.push([...random.pick(credentials)]);
    if (hasBody && !random.oneIn(12)) headers.push(["content-type", "application/json"]);
    while (random.oneIn(3)) {
      const [name, values] = random.pick(HEADERS);
      headers.push([name, random.pick(values)]);
    }
    return headers;
  }

  #body(pattern: string): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const takesParams = pattern.endsWith("$execute") && !random.oneIn(10);
    const names = Object.keys(KNOWN_BODY);
    const chosen = takesParams ? ["params"] : names.filter(() => random.oneIn(5));
    let value: Json = Object.fromEntries(chosen.map((name) => [name, KNOWN_BODY[name] ?? null]));
    for (let odd = 0; odd < 3 && random.oneIn(2); odd++) value = mutateValue(random, value);
    const text = JSON.stringify(value);
    if (random.oneIn(500))
      return new Uint8Array(random.pick([70_000, 2_000_000, 11_000_000])).fill(0x20);
    return random.oneIn(5) ? mutateText(random, text) : new TextEncoder().encode(text);
  }
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
