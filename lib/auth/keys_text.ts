import type { ApiKey } from "./api_keys.ts";
import { InvalidKeysError } from "./errors.ts";

/**
 * Keys as a file or an environment variable has them: between spaces or line ends, each is
 * `name:key:scope,scope`, with `*` for all scopes and `sha256=DIGEST` for a key that is not shown; or
 * the key alone, with all scopes. A line that begins with `#` says nothing.
 *
 * @throws {InvalidKeysError} naming the line, and never what stands there.
 */
export function readKeys(text: string, source: string): ApiKey[] {
  const keys: ApiKey[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*#/.test(line)) continue;
    for (const written of line.split(/\s+/).filter((part) => part !== "")) {
      const [name = "", key, ...rest] = written.split(":");
      if (key === undefined) {
        keys.push(name);
        continue;
      }
      const scopes = rest.join(":");
      if (name === "" || key === "" || scopes === "") {
        throw new InvalidKeysError(
          source,
          `line ${index + 1} is not like name:key:tasks:read,jobs:read`,
        );
      }
      const holder = { name, scopes: scopes.split(",") };
      const sha256 = /^sha256=(.*)$/.exec(key)?.[1];
      keys.push(sha256 === undefined ? { ...holder, key } : { ...holder, sha256 });
    }
  }
  return keys;
}
