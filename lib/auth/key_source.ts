import { readFileSync, type Stats, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import type { Awaitable } from "../tasks/mod.ts";
import { type ApiKey, ApiKeys } from "./api_keys.ts";
import { InvalidKeysError } from "./errors.ts";
import { readKeys } from "./keys_text.ts";

/** Where keys come from: a list; a function that is asked again; an environment variable; a file that is read again. */
export type KeysOption =
  | readonly ApiKey[]
  | (() => Awaitable<readonly ApiKey[]>)
  | { readonly env: string }
  | { readonly file: string };

/** A place that keys come from. */
export interface KeySource {
  /** What messages call it. */
  readonly name: string;
  /** Undefined where only `load` can tell. */
  readonly keys: ApiKeys | undefined;
  /** The keys as they are now; undefined where they stay as they are. */
  readonly load: (() => Promise<ApiKeys>) | undefined;
}

/** @throws {InvalidKeysError} where what can be known of them already is wrong. */
export function keySource(option: KeysOption): KeySource {
  if (typeof option === "function") return functionSource(option);
  // Such as the key itself, of which nothing is to be shown.
  if (typeof option !== "object" || option === null) {
    throw new InvalidKeysError(
      "withAuth()",
      "they are neither a list, nor a function, { env } or { file }",
    );
  }
  if ("env" in option) return variableSource(option.env);
  if ("file" in option) return fileSource(option.file);
  return {
    name: "the list",
    keys: some(new ApiKeys(option, "the list"), "the list"),
    load: undefined,
  };
}

function functionSource(ask: () => Awaitable<readonly ApiKey[]>): KeySource {
  const name = "the function";
  return { name, keys: undefined, load: async () => new ApiKeys(await ask(), name) };
}

function variableSource(variable: string): KeySource {
  // Whoever wrote the value there, and not its name, is not to find it in a log.
  const name = /^[A-Z][A-Z0-9_]{0,39}$/.test(variable)
    ? `the variable ${variable}`
    : "the variable that env names";
  const text = process.env[variable];
  if (text === undefined) throw new InvalidKeysError(name, "it is not set");
  return { name, keys: some(new ApiKeys(readKeys(text, name), name), name), load: undefined };
}

function fileSource(file: string): KeySource {
  const name = `the file ${file}`;
  const parse = (text: string) => new ApiKeys(readKeys(text, name), name);
  // Before it is read, so that what is written meanwhile is found the next time.
  let stamp: string;
  let keys: ApiKeys;
  try {
    stamp = stampOf(statSync(file));
    keys = some(parse(readFileSync(file, "utf8")), name);
  } catch (error) {
    throw error instanceof InvalidKeysError ? error : unreadable(name, error);
  }
  const load = async () => {
    try {
      const found = stampOf(await stat(file));
      if (found === stamp) return keys;
      keys = parse(await readFile(file, "utf8"));
      stamp = found;
      return keys;
    } catch (error) {
      throw error instanceof InvalidKeysError ? error : unreadable(name, error);
    }
  };
  return { name, keys, load };
}

/** Changes with the file, by whatever means it is written. */
function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}

/** A service that begins without a key lets nobody in, which nobody wants. */
function some(keys: ApiKeys, name: string): ApiKeys {
  if (keys.size === 0) throw new InvalidKeysError(name, "there are none");
  return keys;
}

function unreadable(name: string, error: unknown): InvalidKeysError {
  const reason = error instanceof Error ? error.message : String(error);
  return new InvalidKeysError(name, `it can't be read: ${reason}`, { cause: error });
}
