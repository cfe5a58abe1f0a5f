import type { FetchImplementation, JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { HttpProblem, type Principal } from "../http/mod.ts";
import type { Logger } from "../tasks/mod.ts";
import { MissingPackageError } from "./errors.ts";
import { refuseMissing } from "./optional_package.ts";
import { refuseForNow, refuseUnknown } from "./refusals.ts";

/** Signatures that are checked with a public key. By a shared secret who checks could sign as well. */
const ALGORITHMS: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
const DEFAULT_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
/** Milliseconds for which a key set that could not be fetched is not asked for again. */
const REST = 1_000;
const FEATURE = "withAuth({ jwt })";

/** @see https://www.rfc-editor.org/rfc/rfc7517#section-5 */
export interface JsonWebKeys {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** Which bearer tokens are let in. They must have an `exp`, and a `sub` or `client_id` as their name. */
export interface JwtOptions {
  /** What `iss` must be, such as `https://login.example.org/`. */
  issuer: string;
  /** What `aud` must be, or hold: one of these. */
  audience: string | readonly string[];
  /** The issuer's public keys: their URL, from which they are fetched when needed, or themselves. */
  jwks: string | URL | JsonWebKeys;
  /** How they may be signed: RS, PS, ES, EdDSA and Ed25519. @default {["RS256", "PS256", "ES256", "EdDSA"]} */
  algorithms?: readonly string[];
  /** The claim with the scopes: words in a text, or a list. @default {"scope"} */
  scopesClaim?: string;
  /** Seconds by which clocks may differ. @default {5} */
  clockTolerance?: number;
}

type Check = (token: string) => Promise<JWTPayload>;

/** Checks JSON Web Tokens, through `jose`. */
export class JwtVerifier {
  readonly #options: JwtOptions;
  readonly #logger: Logger;
  #checking: Promise<Check> | undefined;
  /** Why the keys could not be fetched the last time, and when, in milliseconds. */
  #unfetched: { readonly error: unknown; readonly at: number } | undefined;
  /** What went wrong the last time, so that it is logged once. */
  #failure: string | undefined;

  /**
   * @throws {MissingPackageError} where `jose` is not installed.
   * @throws {TypeError} where an option can't be used.
   */
  constructor(options: JwtOptions, logger: Logger) {
    refuseUnusable(options);
    refuseMissing("jose", FEATURE);
    this.#options = options;
    this.#logger = logger;
  }

  /** Makes ready, but for keys that are fetched: those are when they are needed. */
  async prepare(): Promise<void> {
    await this.#ready();
  }

  /**
   * Who has this token.
   *
   * @throws {HttpProblem} 401 for any that is not valid, 503 where the keys can't be fetched.
   */
  async verify(token: string): Promise<Principal> {
    const check = await this.#ready().catch((error: unknown) => {
      throw refuseForNow("Tokens can't be checked", error);
    });
    let claims: JWTPayload;
    try {
      claims = await check(token);
    } catch (error) {
      if (error instanceof HttpProblem) throw error;
      throw refuseUnknown(`The token is not valid here: ${reasonOf(error)}`);
    }
    const name = claims.sub ?? claims["client_id"];
    if (typeof name !== "string" || name === "") {
      throw refuseUnknown("The token is not valid here: it has no sub or client_id");
    }
    return { name, scopes: scopesOf(claims[this.#options.scopesClaim ?? "scope"]) };
  }

  #ready(): Promise<Check> {
    this.#checking ??= this.#prepare();
    return this.#checking;
  }

  async #prepare(): Promise<Check> {
    const jose = await importJose();
    const { jwks, issuer, audience, clockTolerance = 5 } = this.#options;
    const { algorithms = DEFAULT_ALGORITHMS } = this.#options;
    const find =
      typeof jwks === "string" || jwks instanceof URL
        ? this.#remote(jose, new URL(jwks))
        : // What its members are it looks at by itself.
          jose.createLocalJWKSet(jwks as unknown as JSONWebKeySet);
    const expected = {
      issuer,
      audience: typeof audience === "string" ? audience : [...audience],
      algorithms: [...algorithms],
      clockTolerance,
      requiredClaims: ["exp"],
    };
    return async (token) => (await jose.jwtVerify(token, find, expected)).payload;
  }

  /** Keys that are fetched when they are needed, and again when a token names another one. */
  #remote(jose: Jose, url: URL): JWTVerifyGetKey {
    const ask: FetchImplementation = (...asked) => this.#fetch(...asked);
    const find = jose.createRemoteJWKSet(url, { [jose.customFetch]: ask });
    const { JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported } = jose.errors;
    const ofToken = [JWKSNoMatchingKey, JWKSMultipleMatchingKeys, JOSENotSupported];
    return async (header, token) => {
      try {
        const key = await find(header, token);
        this.#failure = undefined;
        return key;
      } catch (error) {
        if (ofToken.some((known) => error instanceof known)) throw error;
        const failure = error instanceof Error ? error.message : String(error);
        // By whoever sends tokens, or what looks like them.
        if (failure !== this.#failure) {
          this.#logger.error("the keys of tokens can't be fetched", {
            url: url.origin + url.pathname,
            error,
          });
        }
        this.#failure = failure;
        throw refuseForNow("Tokens can't be checked now: their issuer's keys can't be had", error);
      }
    };
  }

  /** Whoever sends tokens makes this fetch: what fails not more often than once a second. */
  async #fetch(...[url, options]: Parameters<FetchImplementation>): Promise<Response> {
    const at = performance.now();
    if (this.#unfetched !== undefined && at - this.#unfetched.at < REST)
      throw this.#unfetched.error;
    try {
      const response = await fetch(url, options);
      if (response.status !== 200) throw new Error(`The answer was ${response.status}`);
      return response;
    } catch (error) {
      this.#unfetched = { error, at };
      throw error;
    }
  }
}

type Jose = typeof import("jose");

/** Within a `try`, without which a bundler insists on a package that may never be used. */
async function importJose(): Promise<Jose> {
  try {
    return await import("jose");
  } catch (cause) {
    throw new MissingPackageError("jose", FEATURE, { cause });
  }
}

function refuseUnusable({ issuer, audience, jwks, algorithms, clockTolerance }: JwtOptions): void {
  const audiences = typeof audience === "string" ? [audience] : audience;
  const texts = [issuer, ...(Array.isArray(audiences) ? audiences : [undefined])];
  if (texts.length < 2 || texts.some((text) => typeof text !== "string" || text === "")) {
    throw new TypeError("Cannot check JWTs without both an issuer and an audience");
  }
  if (typeof jwks === "string" || jwks instanceof URL) {
    if (!URL.canParse(String(jwks)) || !/^https?:$/.test(new URL(jwks).protocol)) {
      throw new TypeError(
        `Cannot fetch the keys of JWTs from "${jwks}": jwks is a URL such as https://login.example.org/jwks.json`,
      );
    }
  } else if (!Array.isArray(jwks?.keys) || jwks.keys.length === 0) {
    throw new TypeError("Cannot check JWTs without keys: jwks is a URL, or { keys: [...] }");
  }
  for (const algorithm of algorithms ?? []) {
    if (ALGORITHMS.includes(algorithm)) continue;
    throw new TypeError(
      `Cannot check JWTs by "${algorithm}": with a public key there are ${ALGORITHMS.join(", ")}`,
    );
  }
  if (algorithms?.length === 0) throw new TypeError("Cannot check JWTs by no algorithm at all");
  if (clockTolerance === undefined || (clockTolerance >= 0 && clockTolerance <= 3_600)) return;
  throw new RangeError(`Cannot use ${clockTolerance} as clockTolerance: it is 0 to 3,600 seconds`);
}

/** Words in a text, as RFC 8693 has it, or a list, as some issuers do. */
function scopesOf(claim: unknown): string[] {
  if (typeof claim === "string") return claim.split(" ").filter((scope) => scope !== "");
  if (!Array.isArray(claim)) return [];
  return claim.filter((scope) => typeof scope === "string");
}

/** What its owner may know. Claims are looked at only behind a good signature. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error && "code" in error)) return "it can't be read";
  const { code } = error;
  if (code === "ERR_JWT_EXPIRED") return "it has expired";
  if (code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && "claim" in error) {
    return `its claim ${error.claim} is not what is asked for`;
  }
  if (code === "ERR_JWKS_NO_MATCHING_KEY") return "it was signed with a key that is unknown here";
  if (code === "ERR_JWKS_MULTIPLE_MATCHING_KEYS") return "it names none of the keys that fit it";
  if (code === "ERR_JOSE_ALG_NOT_ALLOWED") return "it was signed in a way that is not allowed here";
  return code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
    ? "its signature is wrong"
    : "it can't be read";
}
