import type { CorsOptions } from "./options.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"];
/** What routes read of a request. */
const REQUEST_HEADERS = [
  "Accept",
  "Authorization",
  "Content-Type",
  "Idempotency-Key",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "Range",
  "X-API-Key",
];
/** What pages may read of an answer besides what they always may. */
const ANSWER_HEADERS = [
  "Accept-Ranges",
  "Allow",
  "Content-Disposition",
  "Content-Range",
  "ETag",
  "Link",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
].join(", ");

/**
 * Tells browsers whose pages may read answers.
 *
 * A preflight is answered from the settings alone, the same for every path: it carries no key, and would
 * else tell which paths there are.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export class Cors {
  /** Undefined for all. */
  readonly #origins: ReadonlySet<string> | undefined;
  readonly #credentials: boolean;
  readonly #preflight: Readonly<Record<string, string>>;

  constructor({ origins, methods, headers, credentials = false, maxAge = 600 }: CorsOptions) {
    this.#origins = origins === "*" ? undefined : new Set(origins);
    this.#credentials = credentials;
    this.#preflight = {
      "access-control-allow-methods": (methods ?? METHODS).join(", "),
      "access-control-allow-headers": (headers ?? REQUEST_HEADERS).join(", "),
      "access-control-max-age": String(maxAge),
    };
  }

  /** The answer to a preflight; undefined for any other request. */
  preflight({ method, headers }: Request): Response | undefined {
    if (method !== "OPTIONS" || !headers.has("access-control-request-method")) return undefined;
    const origin = headers.get("origin");
    if (origin === null) return undefined;
    return new Response(null, {
      status: 204,
      headers: this.#allows(origin) ? this.#preflight : {},
    });
  }

  /** Lets the page that asks read this answer, where it may; says whether it does. */
  allow(request: Request, headers: Headers): boolean {
    headers.append("vary", "Origin");
    const origin = request.headers.get("origin");
    if (origin === null || !this.#allows(origin)) return false;
    headers.set("access-control-allow-origin", this.#origins === undefined ? "*" : origin);
    if (this.#credentials) headers.set("access-control-allow-credentials", "true");
    headers.set("access-control-expose-headers", ANSWER_HEADERS);
    return true;
  }

  #allows(origin: string): boolean {
    return this.#origins?.has(origin) ?? true;
  }
}
