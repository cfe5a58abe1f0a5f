import { isOrigin, LONGEST_TIMER } from "../http/mod.ts";
import { isHostName } from "./allowed_hosts.ts";
import { isList } from "./client_address.ts";
import { IpNetwork } from "./ip_address.ts";
import type { CorsOptions, LimitsOptions, RateOptions } from "./options.ts";

const DAY = 86_400;
/** What a method and the name of a header are written with. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;

const OPTIONS = {
  limits: [
    "maxBody",
    "bodyTimeout",
    "timeout",
    "concurrency",
    "rate",
    "cors",
    "allowedOrigins",
    "allowedHosts",
    "trustedProxy",
    "securityHeaders",
  ],
  rate: ["requests", "seconds", "by", "failures"],
  cors: ["origins", "methods", "headers", "credentials", "maxAge"],
  trustedProxy: ["proxies", "header"],
};

/** All that is wrong with the options of `withLimits()`; empty where nothing is. */
export function mistakesOf(
  limits: LimitsOptions,
  { isGuarded }: { readonly isGuarded: boolean },
): string[] {
  const { maxBody, bodyTimeout, timeout, concurrency, rate, cors, trustedProxy } = limits;
  return [
    ...unknown("withLimits()", limits, OPTIONS.limits),
    ...whole("maxBody", maxBody, Number.MAX_SAFE_INTEGER, "bytes, 1 or more"),
    ...seconds("bodyTimeout", bodyTimeout, DAY),
    ...(timeout === null ? [] : seconds("timeout", timeout, Math.floor(LONGEST_TIMER / 1_000))),
    ...(concurrency === Number.POSITIVE_INFINITY
      ? []
      : whole("concurrency", concurrency, Number.MAX_SAFE_INTEGER, "a whole number, 1 or more")),
    ...(rate === undefined ? [] : mistakesOfRate(rate, isGuarded)),
    ...(cors === undefined ? [] : mistakesOfCors(cors)),
    ...(limits.allowedOrigins ?? []).filter((origin) => !isOrigin(origin)).map(noOrigin),
    ...(limits.allowedHosts ?? [])
      .filter((host) => !isHostName(host))
      .map((host) => fault("allowedHosts", host, 'is like "app.example.org", without a port')),
    ...(trustedProxy === undefined ? [] : mistakesOfProxy(trustedProxy)),
    ...flag("securityHeaders", limits.securityHeaders),
  ];
}

function mistakesOfRate(rate: RateOptions, isGuarded: boolean): string[] {
  const { requests, seconds, by, failures } = rate;
  const many = "is a whole number, 1 or more";
  return [
    ...unknown("rate", rate, OPTIONS.rate),
    ...(isWhole(requests, 1, 1e9) ? [] : [fault("rate.requests", requests, many)]),
    // The headers that tell of it have no parts of seconds.
    ...(isWhole(seconds, 1, DAY)
      ? []
      : [fault("rate.seconds", seconds, "is a whole number, 1 to 86,400")]),
    ...(failures === undefined || isWhole(failures, 1, 1e9)
      ? []
      : [fault("rate.failures", failures, many)]),
    ...(by === undefined || by === "principal" || by === "address"
      ? []
      : [fault("rate.by", by, 'is "principal" or "address"')]),
    ...(by === "principal" && !isGuarded
      ? ['Cannot count by principal where nobody says who asks: add withAuth(), or by: "address"']
      : []),
  ];
}

function mistakesOfCors(cors: CorsOptions): string[] {
  const { origins, methods = [], headers = [], maxAge = 0, credentials = false } = cors;
  const isAll = origins === "*";
  const listed = isAll ? [] : origins;
  return [
    ...unknown("cors", cors, OPTIONS.cors),
    ...(Array.isArray(listed) && (isAll || listed.length > 0)
      ? listed.filter((origin) => !isOrigin(origin)).map(noOrigin)
      : [fault("cors.origins", origins, 'is a list such as ["https://app.example.org"], or "*"')]),
    ...methods
      .filter((method) => !TOKEN.test(method))
      .map((method) => fault("cors.methods", method, 'is like "GET"')),
    ...headers
      .filter((header) => !TOKEN.test(header))
      .map((header) => fault("cors.headers", header, 'is like "Content-Type"')),
    ...(isWhole(maxAge, 0, DAY)
      ? []
      : [fault("cors.maxAge", maxAge, "is a whole number of seconds, 0 to 86,400")]),
    ...flag("cors.credentials", credentials),
    ...(isAll && credentials
      ? ['Cannot let all origins send credentials: name them in cors.origins, not as "*"']
      : []),
  ];
}

function mistakesOfProxy(trusted: NonNullable<LimitsOptions["trustedProxy"]>): string[] {
  const isBare = typeof trusted === "number" || isList(trusted);
  if (!isBare && (typeof trusted !== "object" || trusted === null)) {
    return [fault("trustedProxy", trusted, "is a number, a list, or { proxies, header }")];
  }
  const named: { proxies?: unknown; header?: unknown } = isBare ? { proxies: trusted } : trusted;
  const { proxies, header = "X-Forwarded-For" } = named;
  const isFilled = Array.isArray(proxies) && proxies.length > 0;
  return [
    ...(isBare ? [] : unknown("trustedProxy", named, OPTIONS.trustedProxy)),
    ...(isFilled || isWhole(proxies, 1, 100)
      ? []
      : [fault("trustedProxy", proxies, "is how many proxies there are, or a list of networks")]),
    ...(isFilled ? proxies.flatMap(mistakesOfNetwork) : []),
    ...(header === "X-Forwarded-For" || header === "Forwarded"
      ? []
      : [fault("trustedProxy.header", header, 'is "X-Forwarded-For" or "Forwarded"')]),
  ];
}

function mistakesOfNetwork(text: unknown): string[] {
  try {
    new IpNetwork(String(text));
    return [];
  } catch (error) {
    return [`Cannot trust a proxy: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function unknown(where: string, given: object, known: readonly string[]): string[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => `There is no option "${name}" of ${where}: there are ${known.join(", ")}`);
}

function whole(name: string, value: unknown, most: number, what: string): string[] {
  return value === undefined || isWhole(value, 1, most) ? [] : [fault(name, value, `is ${what}`)];
}

function seconds(name: string, value: unknown, most: number): string[] {
  const isFine = typeof value === "number" && value > 0 && value <= most;
  return value === undefined || isFine
    ? []
    : [fault(name, value, `is more than 0 and at most ${most.toLocaleString("en")} seconds`)];
}

function flag(name: string, value: unknown): string[] {
  return value === undefined || typeof value === "boolean"
    ? []
    : [fault(name, value, "is true or false")];
}

function noOrigin(origin: string): string {
  return `Cannot allow ${JSON.stringify(origin)} as an origin: it is like "https://app.example.org"`;
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

function fault(name: string, value: unknown, what: string): string {
  const shown = typeof value === "number" ? String(value) : JSON.stringify(value);
  return `Cannot use ${shown} as ${name}: it ${what}`;
}
