/**
 * The status codes of HTTP by name, their texts, and type guards for their classes.
 *
 * Source: the HTTP Status Code Registry of IANA; each code names its RFC and section.
 *
 * @example
 * ```ts
 * import { isErrorStatus, STATUS_CODE, STATUS_TEXT } from "@std/http/status";
 *
 * STATUS_CODE.NotFound; // 404
 * STATUS_TEXT[STATUS_CODE.NotFound]; // "Not Found"
 * isErrorStatus(404); // true
 * ```
 *
 * @module
 */

/** The status codes by name. */
export const STATUS_CODE = {
  /** RFC 9110, 15.2.1. */
  Continue: 100,
  /** RFC 9110, 15.2.2. */
  SwitchingProtocols: 101,
  /** RFC 2518, 10.1. */
  Processing: 102,
  /** RFC 8297, 2. */
  EarlyHints: 103,

  /** RFC 9110, 15.3.1. */
  OK: 200,
  /** RFC 9110, 15.3.2. */
  Created: 201,
  /** RFC 9110, 15.3.3. */
  Accepted: 202,
  /** RFC 9110, 15.3.4. */
  NonAuthoritativeInfo: 203,
  /** RFC 9110, 15.3.5. */
  NoContent: 204,
  /** RFC 9110, 15.3.6. */
  ResetContent: 205,
  /** RFC 9110, 15.3.7. */
  PartialContent: 206,
  /** RFC 4918, 11.1. */
  MultiStatus: 207,
  /** RFC 5842, 7.1. */
  AlreadyReported: 208,
  /** RFC 3229, 10.4.1. */
  IMUsed: 226,

  /** RFC 9110, 15.4.1. */
  MultipleChoices: 300,
  /** RFC 9110, 15.4.2. */
  MovedPermanently: 301,
  /** RFC 9110, 15.4.3. */
  Found: 302,
  /** RFC 9110, 15.4.4. */
  SeeOther: 303,
  /** RFC 9110, 15.4.5. */
  NotModified: 304,
  /** RFC 9110, 15.4.6; deprecated there. */
  UseProxy: 305,
  /** RFC 9110, 15.4.8. */
  TemporaryRedirect: 307,
  /** RFC 9110, 15.4.9. */
  PermanentRedirect: 308,

  /** RFC 9110, 15.5.1. */
  BadRequest: 400,
  /** RFC 9110, 15.5.2. */
  Unauthorized: 401,
  /** RFC 9110, 15.5.3. */
  PaymentRequired: 402,
  /** RFC 9110, 15.5.4. */
  Forbidden: 403,
  /** RFC 9110, 15.5.5. */
  NotFound: 404,
  /** RFC 9110, 15.5.6. */
  MethodNotAllowed: 405,
  /** RFC 9110, 15.5.7. */
  NotAcceptable: 406,
  /** RFC 9110, 15.5.8. */
  ProxyAuthRequired: 407,
  /** RFC 9110, 15.5.9. */
  RequestTimeout: 408,
  /** RFC 9110, 15.5.10. */
  Conflict: 409,
  /** RFC 9110, 15.5.11. */
  Gone: 410,
  /** RFC 9110, 15.5.12. */
  LengthRequired: 411,
  /** RFC 9110, 15.5.13. */
  PreconditionFailed: 412,
  /** RFC 9110, 15.5.14. */
  ContentTooLarge: 413,
  /** RFC 9110, 15.5.15. */
  URITooLong: 414,
  /** RFC 9110, 15.5.16. */
  UnsupportedMediaType: 415,
  /** RFC 9110, 15.5.17. */
  RangeNotSatisfiable: 416,
  /** RFC 9110, 15.5.18. */
  ExpectationFailed: 417,
  /** RFC 7168, 2.3.3. */
  Teapot: 418,
  /** RFC 9110, 15.5.20. */
  MisdirectedRequest: 421,
  /** RFC 9110, 15.5.21. */
  UnprocessableEntity: 422,
  /** RFC 4918, 11.3. */
  Locked: 423,
  /** RFC 4918, 11.4. */
  FailedDependency: 424,
  /** RFC 8470, 5.2. */
  TooEarly: 425,
  /** RFC 9110, 15.5.22. */
  UpgradeRequired: 426,
  /** RFC 6585, 3. */
  PreconditionRequired: 428,
  /** RFC 6585, 4. */
  TooManyRequests: 429,
  /** RFC 6585, 5. */
  RequestHeaderFieldsTooLarge: 431,
  /** RFC 7725, 3. */
  UnavailableForLegalReasons: 451,

  /** RFC 9110, 15.6.1. */
  InternalServerError: 500,
  /** RFC 9110, 15.6.2. */
  NotImplemented: 501,
  /** RFC 9110, 15.6.3. */
  BadGateway: 502,
  /** RFC 9110, 15.6.4. */
  ServiceUnavailable: 503,
  /** RFC 9110, 15.6.5. */
  GatewayTimeout: 504,
  /** RFC 9110, 15.6.6. */
  HTTPVersionNotSupported: 505,
  /** RFC 2295, 8.1. */
  VariantAlsoNegotiates: 506,
  /** RFC 4918, 11.5. */
  InsufficientStorage: 507,
  /** RFC 5842, 7.2. */
  LoopDetected: 508,
  /** RFC 2774, 7. */
  NotExtended: 510,
  /** RFC 6585, 6. */
  NetworkAuthenticationRequired: 511,
} as const;

/** A status code. */
export type StatusCode = (typeof STATUS_CODE)[keyof typeof STATUS_CODE];

/** The texts by status code. */
export const STATUS_TEXT = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non Authoritative Info",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Auth Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  418: "I'm a teapot",
  421: "Misdirected Request",
  422: "Unprocessable Entity",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  510: "Not Extended",
  511: "Network Authentication Required",
} as const;

/** The text of a status code. */
export type StatusText = (typeof STATUS_TEXT)[keyof typeof STATUS_TEXT];

/** The status codes that begin with a digit. */
type StatusClass<Digit extends number, Code extends StatusCode = StatusCode> = Code extends Code
  ? `${Code}` extends `${Digit}${string}`
    ? Code
    : never
  : never;

/** A status code that is informational (1XX). */
export type InformationalStatus = StatusClass<1>;
/** A status code that is a success (2XX). */
export type SuccessfulStatus = StatusClass<2>;
/** A status code that is a redirect (3XX); without 304, like the type of `@std/http`. */
export type RedirectStatus = Exclude<StatusClass<3>, typeof STATUS_CODE.NotModified>;
/** A status code that is a client error (4XX); without 425, like the type of `@std/http`. */
export type ClientErrorStatus = Exclude<StatusClass<4>, typeof STATUS_CODE.TooEarly>;
/** A status code that is a server error (5XX). */
export type ServerErrorStatus = StatusClass<5>;
/** A status code that is an error (4XX and 5XX). */
export type ErrorStatus = ClientErrorStatus | ServerErrorStatus;

const CODES: ReadonlySet<number> = new Set(Object.values(STATUS_CODE));

function isBetween(status: number, from: number, below: number): boolean {
  return isStatus(status) && status >= from && status < below;
}

/**
 * Whether a number is a status code.
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isStatus } from "@std/http/status";
 *
 * isStatus(404); // true
 * ```
 */
export function isStatus(status: number): status is StatusCode {
  return CODES.has(status);
}

/**
 * Whether a number is an informational status code (1XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isInformationalStatus } from "@std/http/status";
 *
 * isInformationalStatus(100); // true
 * ```
 */
export function isInformationalStatus(status: number): status is InformationalStatus {
  return isBetween(status, 100, 200);
}

/**
 * Whether a number is the status code of a success (2XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isSuccessfulStatus } from "@std/http/status";
 *
 * isSuccessfulStatus(200); // true
 * ```
 */
export function isSuccessfulStatus(status: number): status is SuccessfulStatus {
  return isBetween(status, 200, 300);
}

/**
 * Whether a number is the status code of a redirect (3XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isRedirectStatus } from "@std/http/status";
 *
 * isRedirectStatus(302); // true
 * ```
 */
export function isRedirectStatus(status: number): status is RedirectStatus {
  return isBetween(status, 300, 400);
}

/**
 * Whether a number is the status code of a client error (4XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isClientErrorStatus } from "@std/http/status";
 *
 * isClientErrorStatus(404); // true
 * ```
 */
export function isClientErrorStatus(status: number): status is ClientErrorStatus {
  return isBetween(status, 400, 500);
}

/**
 * Whether a number is the status code of a server error (5XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isServerErrorStatus } from "@std/http/status";
 *
 * isServerErrorStatus(502); // true
 * ```
 */
export function isServerErrorStatus(status: number): status is ServerErrorStatus {
  return isBetween(status, 500, 600);
}

/**
 * Whether a number is the status code of an error (4XX and 5XX).
 *
 * @param status The number; only a code of `STATUS_CODE` will do.
 *
 * @example
 * ```ts
 * import { isErrorStatus } from "@std/http/status";
 *
 * isErrorStatus(502); // true
 * ```
 */
export function isErrorStatus(status: number): status is ErrorStatus {
  return isBetween(status, 400, 600);
}
