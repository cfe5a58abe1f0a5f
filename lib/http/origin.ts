import { HttpProblem } from "./problem.ts";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Refuses what another site's page makes a browser send.
 *
 * A POST without a body needs no preflight, so without this any page could run
 * tasks on its visitor's localhost. Browsers say where a request comes from in
 * `Sec-Fetch-Site`, older ones in `Origin`; other clients send neither.
 *
 * `allowedOrigins` are origins such as `https://app.example.org`; `*` stands for all.
 *
 * @throws {HttpProblem} 403 `cross-site-request`.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function refuseCrossSite(request: Request, allowedOrigins: ReadonlySet<string>): void {
  if (SAFE_METHODS.has(request.method)) return;
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  if (origin !== null && (allowedOrigins.has(origin) || allowedOrigins.has("*"))) return;
  const foreign =
    site === null
      ? origin !== null && !isOwnOrigin(origin, request.url)
      : site === "cross-site" || site === "same-site";
  if (!foreign) return;
  throw new HttpProblem(403, "cross-site-request", {
    detail: `A page of ${origin ?? "another site"} may not send ${request.method} requests here`,
  });
}

/** Whether a text is an origin, as browsers send it: `https://app.example.org`. */
export function isOrigin(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(text);
}

// Hosts are compared, not schemes: behind a proxy that ends TLS the request's own URL says http.
function isOwnOrigin(origin: string, url: string): boolean {
  // A Host header that is no host leaves Bun's request.url without an origin.
  return URL.canParse(origin) && URL.canParse(url) && new URL(origin).host === new URL(url).host;
}
