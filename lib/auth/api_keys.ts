// As a whole, so that a test can count what it is asked.
import crypto from "node:crypto";
import type { Principal } from "../http/mod.ts";
import { InvalidKeysError } from "./errors.ts";
import { faultOfScope } from "./scopes.ts";

/** Who sends a key, and what it is for. */
export interface KeyHolder {
  /** What `principal` and a job's `created_by` say; several keys may have the same. */
  readonly name: string;
  /** Such as `tasks:read`; `["*"]` for all. */
  readonly scopes: readonly string[];
}

/**
 * One key: text, with all scopes and named `key-1` for the first of its list; or with a name and
 * scopes, as it is or as the SHA-256 of it in hexadecimal digits.
 */
export type ApiKey =
  | string
  | (KeyHolder & { readonly key: string })
  | (KeyHolder & { readonly sha256: string });

interface Entry {
  readonly digest: Buffer;
  readonly principal: Principal;
}

/**
 * A set of keys, of which the SHA-256 alone is kept. A salt or a slow hash, as for passwords, would
 * guard only what can be guessed: a key is to be random.
 */
export class ApiKeys {
  readonly #entries: readonly Entry[];

  /**
   * `source` is what an error calls the place that they come from.
   *
   * @throws {InvalidKeysError}
   */
  constructor(keys: readonly ApiKey[], source: string) {
    const refuse = (place: number, reason: string): never => {
      throw new InvalidKeysError(source, `of key ${place}, ${reason}`);
    };
    if (!Array.isArray(keys)) throw new InvalidKeysError(source, "they are no list");
    const entries: Entry[] = [];
    for (const [index, key] of keys.entries()) {
      const place = index + 1;
      const entry = read(key, place, (reason) => refuse(place, reason));
      const twin = entries.findIndex(({ digest }) => digest.equals(entry.digest));
      if (twin >= 0) refuse(place, `the key is that of key ${twin + 1}`);
      entries.push(entry);
    }
    this.#entries = entries;
  }

  get size(): number {
    return this.#entries.length;
  }

  /**
   * Who has this key. It takes as long whichever it is: what is compared are digests of one length,
   * and all of them, each in constant time.
   */
  find(sent: string): Principal | undefined {
    const digest = digestOf(sent);
    let found: Principal | undefined;
    for (const entry of this.#entries) {
      if (crypto.timingSafeEqual(entry.digest, digest)) found = entry.principal;
    }
    return found;
  }
}

/**
 * The types say what a key is, but a function may have read it anywhere. What is refused is named by
 * its place alone: what stands where the name should may be the key.
 */
function read(key: unknown, place: number, refuse: (reason: string) => never): Entry {
  if (typeof key === "string") {
    const principal = Object.freeze({ name: `key-${place}`, scopes: ALL });
    return { digest: digestOf(checked(key, refuse)), principal };
  }
  if (typeof key !== "object" || key === null) {
    return refuse("it is neither text nor { name, key, scopes }");
  }
  const {
    name,
    key: text,
    sha256,
    scopes,
    ...others
  }: Readonly<Record<string, unknown>> = {
    ...key,
  };
  const other = Object.keys(others)[0];
  if (other !== undefined) refuse("it has more than name, key or sha256, and scopes");
  if (typeof name !== "string" || !/^[^\p{Cc}]{1,255}$/u.test(name)) {
    return refuse("the name is not 1 to 255 characters");
  }
  if (!Array.isArray(scopes)) return refuse('the scopes are no list: ["*"] means all');
  if (scopes.length === 0) refuse('there are no scopes: ["*"] means all');
  for (const scope of scopes) {
    const fault = faultOfScope(scope);
    if (fault !== undefined) refuse(fault);
  }
  if ((text === undefined) === (sha256 === undefined)) {
    refuse("there is not exactly one of key and sha256");
  }
  const principal = Object.freeze({ name, scopes: Object.freeze([...scopes]) });
  if (text !== undefined) return { digest: digestOf(checked(text, refuse)), principal };
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)) {
    return refuse("the sha256 is not 64 hexadecimal digits");
  }
  return { digest: Buffer.from(sha256, "hex"), principal };
}

const ALL: readonly string[] = Object.freeze(["*"]);

function checked(key: unknown, refuse: (reason: string) => never): string {
  if (typeof key === "string" && /^[\x21-\x7e]+$/.test(key)) return key;
  return refuse("the key is not of the visible ASCII characters that a header can hold");
}

function digestOf(key: string): Buffer {
  return crypto.hash("sha256", key, "buffer");
}
