import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";

export const ISSUER = "https://login.example.org/";
export const AUDIENCE = "https://tasks.example.org";

/** What a token says when nothing else is asked for. */
const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "ada",
  scope: "tasks:read jobs:read",
};

/** Who signs tokens, and tells the public keys for them behind a port. */
export class Issuer implements AsyncDisposable {
  readonly url: string;
  /** How often the keys were asked for. */
  asked = 0;
  /** Answers for the keys, when it is to be anything else. */
  answer: (() => Response | Promise<Response>) | undefined;
  readonly #server: ReturnType<typeof Bun.serve>;
  readonly #keys = new Map<string, { privateKey: CryptoKey; publicKey: CryptoKey; alg: string }>();

  private constructor() {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: async () => {
        this.asked += 1;
        return (await this.answer?.()) ?? Response.json(await this.jwks());
      },
    });
    this.url = new URL("/jwks.json", this.#server.url).href;
  }

  /** One with a key that is called `first`. */
  static async start(): Promise<Issuer> {
    const issuer = new Issuer();
    await issuer.addKey("first");
    return issuer;
  }

  async addKey(kid: string, alg = "ES256"): Promise<void> {
    this.#keys.set(kid, { ...(await generateKeyPair(alg)), alg });
  }

  removeKey(kid: string): void {
    this.#keys.delete(kid);
  }

  async jwks(): Promise<{ keys: Record<string, unknown>[] }> {
    const keys: Record<string, unknown>[] = [];
    for (const [kid, { publicKey, alg }] of this.#keys) {
      keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: "sig" });
    }
    return { keys };
  }

  /** The public key of `kid`, as text. */
  async publicText(kid: string): Promise<string> {
    return await exportSPKI(this.#key(kid).publicKey);
  }

  /** A token that is valid for an hour, but for what is said otherwise; undefined leaves a claim out. */
  async sign(
    { expires = 3_600, ...claims }: { [claim: string]: unknown; expires?: number | null } = {},
    kid = "first",
    { namesKey = true }: { namesKey?: boolean } = {},
  ): Promise<string> {
    const { privateKey, alg } = this.#key(kid);
    const token = new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({
      alg,
      ...(namesKey ? { kid } : {}),
    });
    if (expires !== null) token.setExpirationTime(Math.floor(Date.now() / 1_000) + expires);
    return await token.sign(privateKey);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #key(kid: string) {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`There is no key ${kid}`);
    return key;
  }
}
