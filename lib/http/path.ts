/** The path of an absolute URL, or of the bare path that Bun gives for an unusable Host header. */
export function pathOf(url: string): string {
  const scheme = url.startsWith("/") ? -3 : url.indexOf("://");
  const start = url.indexOf("/", scheme + 3);
  if (start === -1) return "/";
  for (let end = start; end < url.length; end++) {
    const character = url.charCodeAt(end);
    if (character === 0x3f || character === 0x23) return url.slice(start, end);
  }
  return url.slice(start);
}

/** The query of such a URL, which needn't be one that `new URL()` takes: Bun puts the Host header into it as it is. */
export function queryOf(url: string): URLSearchParams {
  const [beforeFragment = ""] = url.split("#", 1);
  const start = beforeFragment.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : beforeFragment.slice(start));
}
