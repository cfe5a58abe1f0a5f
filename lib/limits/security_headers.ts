const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i;

/**
 * Writes the headers that keep a browser from taking an answer for what it is not, from showing it in a
 * frame and from keeping it; what an answer says by itself stays.
 *
 * @see https://owasp.org/www-project-secure-headers/
 */
export function addSecurityHeaders(
  headers: Headers,
  { isShared }: { readonly isShared: boolean },
): void {
  for (const [name, value] of FIXED) if (!headers.has(name)) headers.set(name, value);
  if (!headers.has("cross-origin-resource-policy")) {
    headers.set("cross-origin-resource-policy", isShared ? "cross-origin" : "same-origin");
  }
  if (!headers.has("cache-control") && JSON_TYPE.test(headers.get("content-type") ?? "")) {
    headers.set("cache-control", "no-store");
  }
  // What runs here is nobody's business.
  headers.delete("server");
}

const FIXED: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["x-frame-options", "DENY"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
];
