import { type Guard, type Principal, PublicPaths } from "../http/mod.ts";
import type { Logger } from "../tasks/mod.ts";
import type { ApiKeys } from "./api_keys.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { type JwtOptions, JwtVerifier } from "./jwt.ts";
import { KeyRing } from "./key_ring.ts";
import { type KeysOption, keySource } from "./key_source.ts";
import { refuseForNow, refuseNobody, refuseUnknown } from "./refusals.ts";

export interface AuthOptions {
  /**
   * Who may do what: a list of keys, a function that gives one, `{ env: "API_KEYS" }`, or
   * `{ file: "keys.txt" }`.
   */
  keys?: KeysOption;
  /** Seconds for which what a function or a file says of keys holds. @default {10} */
  refresh?: number;
  /** Lets in bearer tokens too, which another service has signed; needs the package `jose`. */
  jwt?: JwtOptions;
  /** What answers without a key: paths such as `/docs`, or `/docs/*` for all below one. @default {[]} */
  publicPaths?: readonly string[];
}

/** Knows who sends a request, by an API key or a JWT. */
export class Authenticator implements Guard {
  readonly publicPaths: PublicPaths;
  readonly #ring: KeyRing | undefined;
  readonly #jwt: JwtVerifier | undefined;

  /**
   * @throws {InvalidKeysError}
   * @throws {MissingPackageError}
   * @throws {TypeError} where something else can't be used.
   */
  constructor({ keys, refresh = 10, jwt, publicPaths }: AuthOptions, logger: Logger) {
    if (keys === undefined && jwt === undefined) {
      throw new TypeError("Cannot ask for keys where there are none: withAuth() needs keys or jwt");
    }
    if (!(refresh >= 0 && refresh <= 86_400)) {
      throw new RangeError(`Cannot use ${refresh} as refresh: it is 0 to 86,400 seconds`);
    }
    this.publicPaths = new PublicPaths(publicPaths);
    this.#ring = keys === undefined ? undefined : new KeyRing(keySource(keys), { refresh, logger });
    this.#jwt = jwt === undefined ? undefined : new JwtVerifier(jwt, logger);
  }

  /** Asks for the keys, so that what is wrong with them shows before the first request. */
  async start(): Promise<void> {
    await this.#ring?.current();
    await this.#jwt?.prepare();
  }

  identify(request: Request): Principal | Promise<Principal> {
    const sent = credentialsOf(request);
    if (sent === undefined) throw refuseNobody();
    if (this.#ring === undefined) return this.#find(undefined, sent);
    const keys = this.#ring.current();
    if (!(keys instanceof Promise)) return this.#find(keys, sent);
    return keys.then(
      (loaded) => this.#find(loaded, sent),
      (error: unknown) => {
        throw refuseForNow("Keys can't be checked now", error);
      },
    );
  }

  #find(
    keys: ApiKeys | undefined,
    { text, isBearer }: Credentials,
  ): Principal | Promise<Principal> {
    const principal = keys?.find(text);
    if (principal !== undefined) return principal;
    if (isBearer && this.#jwt !== undefined) return this.#jwt.verify(text);
    throw refuseUnknown("This key is not known here");
  }
}
