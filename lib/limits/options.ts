/** Seconds; ten mebibytes come in by a line of 1.4 megabits a second. */
export const BODY_TIMEOUT = 60;

export interface LimitsOptions {
  /** The largest JSON body, in bytes. @default {10_485_760} */
  maxBody?: number;
  /** Seconds within which the whole of a JSON body must have come. @default {60} */
  bodyTimeout?: number;
  /**
   * Seconds that an `$execute` may take, where its task has no `timeout` of its own; null for any
   * number.
   *
   * @default {null}
   */
  timeout?: number | null;
  /** How many `$execute` run at once; those beyond are 503 `too-busy`. @default {Infinity} */
  concurrency?: number;
  /** How often somebody may ask. No limit where it is left out. */
  rate?: RateOptions;
  /** Which other sites' pages may read answers. None where it is left out. */
  cors?: CorsOptions;
  /**
   * Other sites whose pages may send requests that change something, without reading the answer;
   * those of `cors` may anyway.
   *
   * @default {[]}
   */
  allowedOrigins?: readonly string[];
  /**
   * What `Host` may name besides localhost where the server listens there, such as `app.example.org`;
   * `*.example.org` for all below.
   *
   * @default {[]}
   */
  allowedHosts?: readonly string[];
  /**
   * Whose word on a client's address is taken: how many proxies a request comes through, or their
   * addresses and networks. Nobody's where it is left out.
   */
  trustedProxy?: number | readonly string[] | TrustedProxyOptions;
  /** Whether answers carry the headers that keep browsers from guessing, framing and caching. @default {true} */
  securityHeaders?: boolean;
}

export interface RateOptions {
  /** So many requests */
  requests: number;
  /** in so many seconds. */
  seconds: number;
  /**
   * By what requests are counted together: who sends them, or from where. Who sends no valid key is
   * counted by address in any case.
   *
   * @default {"principal"} with `withAuth()`, `"address"` without.
   */
  by?: "principal" | "address";
  /** Keys that are none, so many a minute from one address; then it is refused for the rest of it. @default {10} */
  failures?: number;
}

export interface CorsOptions {
  /** Such as `https://app.example.org`; `"*"` for all. */
  origins: readonly string[] | "*";
  /** @default {["GET", "HEAD", "POST", "PUT", "DELETE"]} */
  methods?: readonly string[];
  /** Which headers a page may send. @default {Content-Type, Authorization, X-API-Key and others that routes read} */
  headers?: readonly string[];
  /** Whether a browser may send cookies, and what else it keeps for this site. @default {false} */
  credentials?: boolean;
  /** Seconds for which a browser remembers the answer to a preflight. @default {600} */
  maxAge?: number;
}

export interface TrustedProxyOptions {
  /** How many, or their addresses and networks such as `10.0.0.0/8`. */
  proxies: number | readonly string[];
  /** Where they write addresses; what else a client sends is not looked at. @default {"X-Forwarded-For"} */
  header?: "X-Forwarded-For" | "Forwarded";
}
