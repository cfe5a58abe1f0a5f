import { afterEach, beforeEach, setSystemTime, test } from "bun:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { base64url, SignJWT, UnsecuredJWT } from "jose";
import { JwtVerifier } from "../../lib/auth/jwt.ts";
import { HttpProblem } from "../../lib/http/mod.ts";
import type { JwtOptions } from "../../lib/mod.ts";
import { AUDIENCE, ISSUER, Issuer } from "./issuer.ts";
import { RecordingLogger } from "./recording_logger.ts";

let issuer: Issuer;
let logger: RecordingLogger;

beforeEach(async () => {
  issuer = await Issuer.start();
  logger = new RecordingLogger();
});

afterEach(async () => {
  setSystemTime();
  await issuer[Symbol.asyncDispose]();
});

function verifier(options: Partial<JwtOptions> = {}): JwtVerifier {
  return new JwtVerifier(
    { issuer: ISSUER, audience: AUDIENCE, jwks: issuer.url, ...options },
    logger,
  );
}

async function assertRefused(
  token: string,
  reason: string,
  { by = verifier(), status = 401 }: { by?: JwtVerifier; status?: number } = {},
): Promise<void> {
  const error = await assertRejects(() => by.verify(token), HttpProblem, reason);
  assertEquals(error.status, status);
  const challenge = status === 401 ? 'Bearer realm="taskmount", error="invalid_token"' : undefined;
  assertEquals(error.headers["www-authenticate"], challenge);
  const shown = [error.message, JSON.stringify(error.headers), ...logger.lines].join();
  assert(token.length < 20 || !shown.includes(token));
}

/** The parts of a token, changed. */
function changed(token: string, { header, claims }: { header?: object; claims?: object }): string {
  const [head = "", body = "", signature = ""] = token.split(".");
  const change = (part: string, changes: object = {}) =>
    base64url.encode(
      JSON.stringify({
        ...JSON.parse(new TextDecoder().decode(base64url.decode(part))),
        ...changes,
      }),
    );
  return [change(head, header), change(body, claims), signature].join(".");
}

test("verify() knows who has a token, and its scopes", async () => {
  const tokens = verifier();
  assertEquals(await tokens.verify(await issuer.sign()), {
    name: "ada",
    scopes: ["tasks:read", "jobs:read"],
  });
  assertEquals((await tokens.verify(await issuer.sign({ scope: undefined }))).scopes, []);
  assertEquals((await tokens.verify(await issuer.sign({ scope: { "*": 1 } }))).scopes, []);
  assertEquals((await tokens.verify(await issuer.sign({ scope: " a  b " }))).scopes, ["a", "b"]);
  assertEquals(issuer.asked, 1);
});

test("the scopes may be in another claim, and a list", async () => {
  const tokens = verifier({ scopesClaim: "permissions" });
  const token = await issuer.sign({ permissions: ["tasks:read", 1, "jobs:read"] });
  assertEquals((await tokens.verify(token)).scopes, ["tasks:read", "jobs:read"]);
});

test("who has no sub is its client_id, and nobody without both", async () => {
  const token = await issuer.sign({ sub: undefined, client_id: "robot" });
  assertEquals((await verifier().verify(token)).name, "robot");
  for (const nobody of [{ sub: undefined }, { sub: "" }]) {
    await assertRefused(await issuer.sign(nobody), "it has no sub or client_id");
  }
});

test("keys may be given themselves", async () => {
  const token = await issuer.sign();
  assertEquals((await verifier({ jwks: await issuer.jwks() }).verify(token)).name, "ada");
  assertEquals(issuer.asked, 0);
});

test("every algorithm that is allowed by default is taken", async () => {
  for (const alg of ["RS256", "PS256", "ES256", "EdDSA"]) {
    await issuer.addKey(alg, alg);
    assertEquals((await verifier().verify(await issuer.sign({}, alg))).name, "ada", alg);
  }
});

test("an expired token is refused, and one without exp", async () => {
  await assertRefused(await issuer.sign({ expires: -60 }), "it has expired");
  await assertRefused(
    await issuer.sign({ expires: null }),
    "its claim exp is not what is asked for",
  );
});

test("a token is refused before its time, and clocks may differ by clockTolerance", async () => {
  const now = Math.floor(Date.now() / 1_000);
  await assertRefused(await issuer.sign({ nbf: now + 60 }), "its claim nbf");
  const late = await issuer.sign({ expires: -60 });
  assertEquals((await verifier({ clockTolerance: 120 }).verify(late)).name, "ada");
  assertEquals((await verifier().verify(await issuer.sign({ expires: -2 }))).name, "ada");
  await assertRefused(await issuer.sign({ expires: -2 }), "it has expired", {
    by: verifier({ clockTolerance: 0 }),
  });
});

test("a token of another issuer is refused, and one without", async () => {
  for (const iss of ["https://evil.example/", ISSUER.slice(0, -1), undefined]) {
    await assertRefused(await issuer.sign({ iss }), "its claim iss is not what is asked for");
  }
});

test("a token for another audience is refused, and one without", async () => {
  for (const aud of ["https://other.example", [], undefined]) {
    await assertRefused(await issuer.sign({ aud }), "its claim aud is not what is asked for");
  }
  const shared = await issuer.sign({ aud: ["https://other.example", AUDIENCE] });
  assertEquals((await verifier().verify(shared)).name, "ada");
  const other = await issuer.sign({ aud: "b" });
  assertEquals((await verifier({ audience: ["a", "b"] }).verify(other)).name, "ada");
});

test("an algorithm that is not allowed is refused, though the key is known", async () => {
  await issuer.addKey("rsa", "RS512");
  await assertRefused(await issuer.sign({}, "rsa"), "it was signed in a way that is not allowed");
  const by = verifier({ algorithms: ["RS512"] });
  assertEquals((await by.verify(await issuer.sign({}, "rsa"))).name, "ada");
  await assertRefused(await issuer.sign(), "it was signed in a way that is not allowed", { by });
});

test("alg none is refused, with a signature or without", async () => {
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: "ada", scope: "*" };
  const bare = new UnsecuredJWT(claims).setExpirationTime("1h").encode();
  await assertRefused(bare, "it ");
  const signed = await issuer.sign();
  for (const alg of ["none", "None", "NONE", ""]) {
    await assertRefused(changed(signed, { header: { alg } }), "it ");
    await assertRefused(changed(signed, { header: { alg } }).replace(/\.[^.]*$/, "."), "it ");
  }
});

test("a token signed with the public key as a secret is refused", async () => {
  await issuer.addKey("rsa", "RS256");
  const [key] = (await issuer.jwks()).keys.filter(({ kid }) => kid === "rsa");
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: "eve", scope: "*" };
  for (const secret of [await issuer.publicText("rsa"), JSON.stringify(key), String(key?.["n"])]) {
    for (const kid of ["rsa", undefined]) {
      const header = kid === undefined ? { alg: "HS256" } : { alg: "HS256", kid };
      const token = await new SignJWT(claims)
        .setProtectedHeader(header)
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
      await assertRefused(token, "it was signed in a way that is not allowed");
      await assertRefused(changed(token, { header: { alg: "RS256" } }), "it");
    }
  }
});

test("a secret in the key set signs nothing", async () => {
  const k = base64url.encode("a secret of at least 32 characters");
  issuer.answer = () => Response.json({ keys: [{ kty: "oct", kid: "oct", alg: "HS256", k }] });
  const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "eve" })
    .setProtectedHeader({ alg: "HS256", kid: "oct" })
    .setExpirationTime("1h")
    .sign(base64url.decode(k));
  await assertRefused(token, "it was signed in a way that is not allowed");
});

test("a key that a token brings along is not looked at", async () => {
  await using other = await Issuer.start();
  const [jwk] = (await other.jwks()).keys;
  const signed = await other.sign();
  for (const header of [{ jwk }, { jku: other.url }, { x5u: other.url }, { kid: other.url }]) {
    await assertRefused(changed(signed, { header }), "it");
  }
  assertEquals(other.asked, 0);
});

test("what is changed behind the signature is refused, and what is no token", async () => {
  const signed = await issuer.sign();
  const [header = "", claims = ""] = signed.split(".");
  await assertRefused(changed(signed, { claims: { scope: "*" } }), "its signature is wrong");
  await assertRefused(`${header}.${claims}.`, "it");
  await assertRefused(`${header}.${claims}.${"A".repeat(86)}`, "its signature is wrong");
  for (const none of ["a.b.c", "..", "a", "a.b", "a.b.c.d.e", `${signed}.x`, "é.é.é"]) {
    await assertRefused(none, "it can't be read");
  }
});

test("a token may leave out which key it was signed with where one alone fits", async () => {
  const bare = () => issuer.sign({}, "first", { namesKey: false });
  assertEquals((await verifier().verify(await bare())).name, "ada");
  await issuer.addKey("second");
  await assertRefused(await bare(), "it names none of the keys that fit it");
});

test("a key that is unknown is looked for once, and not again for a while", async () => {
  await using other = await Issuer.start();
  const tokens = verifier();
  await tokens.verify(await issuer.sign());
  await other.addKey("unknown");
  for (let turn = 0; turn < 3; turn++) {
    const unknown = await other.sign({}, "unknown");
    await assertRefused(unknown, "it was signed with a key that is unknown here", { by: tokens });
  }
  assertEquals(issuer.asked, 1);
});

test("keys may take each other's place", async () => {
  const tokens = verifier();
  const old = await issuer.sign();
  await tokens.verify(old);
  await issuer.addKey("second");
  setSystemTime(Date.now() + 31_000);
  assertEquals((await tokens.verify(await issuer.sign({}, "second"))).name, "ada");
  assertEquals((await tokens.verify(old)).name, "ada");
  assertEquals(issuer.asked, 2);
  issuer.removeKey("first");
  setSystemTime(Date.now() + 11 * 60_000);
  await assertRefused(old, "it was signed with a key that is unknown here", { by: tokens });
  assertEquals(issuer.asked, 3);
});

test("where the keys can't be fetched it is 503, logged once, and asked for no more than once a second", async () => {
  const token = await issuer.sign();
  for (const [answer, reason] of [
    [() => new Response("no", { status: 500 }), "The answer was 500"],
    [() => Response.redirect("https://evil.example/jwks.json"), "The answer was 302"],
    [() => new Response("<html>"), "Failed to parse"],
    [() => Response.json({ keys: "none" }), "JSON Web Key Set malformed"],
  ] as const) {
    issuer.answer = answer;
    issuer.asked = 0;
    logger.lines.length = 0;
    const by = verifier();
    for (let turn = 0; turn < 3; turn++) {
      await assertRefused(token, "Tokens can't be checked now", { by, status: 503 });
    }
    assertEquals(logger.lines.length, 1, reason);
    assert(logger.lines[0]?.includes(reason), logger.lines[0]);
    assert(logger.lines[0]?.includes("the keys of tokens can't be fetched"));
    if (reason.startsWith("The answer")) assertEquals(issuer.asked, 1);
  }
  const gone = verifier({ jwks: "http://127.0.0.1:1/jwks.json" });
  await assertRefused(token, "Tokens can't be checked now", { by: gone, status: 503 });
});

test("keys that are known stay good while others can't be fetched", async () => {
  await using other = await Issuer.start();
  const tokens = verifier();
  const token = await issuer.sign();
  await tokens.verify(token);
  issuer.answer = () => new Response("no", { status: 500 });
  await other.addKey("unknown");
  setSystemTime(Date.now() + 31_000);
  const unknown = await other.sign({}, "unknown");
  await assertRefused(unknown, "Tokens can't be checked now", { by: tokens, status: 503 });
  assertEquals((await tokens.verify(token)).name, "ada");
});

test("the log never has what the URL of the keys may have of a password", async () => {
  const by = verifier({ jwks: "http://user:password@127.0.0.1:1/jwks.json?token=password" });
  await assertRefused(await issuer.sign(), "Tokens can't be checked now", { by, status: 503 });
  assert(logger.lines.join().includes("http://127.0.0.1:1/jwks.json"));
  assert(!logger.lines.join().includes("password"));
});

test("prepare() shows what is wrong with keys that were given themselves", async () => {
  await verifier({ jwks: await issuer.jwks() }).prepare();
  await assertRejects(() => verifier({ jwks: { keys: [1 as never] } }).prepare(), Error);
  // The issuer may come later.
  await verifier({ jwks: "http://127.0.0.1:1/jwks.json" }).prepare();
  assertEquals(issuer.asked, 0);
});

test("a JwtVerifier refuses what would let in more than it should", () => {
  for (const [options, reason] of [
    [{ issuer: "" }, "Cannot check JWTs without both an issuer and an audience"],
    [{ audience: "" }, "Cannot check JWTs without both an issuer and an audience"],
    [{ audience: [] }, "Cannot check JWTs without both an issuer and an audience"],
    [{ audience: undefined as never }, "Cannot check JWTs without both an issuer and an audience"],
    [{ jwks: "login.example.org" }, 'Cannot fetch the keys of JWTs from "login.example.org"'],
    [{ jwks: "file:///etc/keys" }, 'Cannot fetch the keys of JWTs from "file:///etc/keys"'],
    [{ jwks: { keys: [] } }, "Cannot check JWTs without keys"],
    [{ jwks: undefined as never }, "Cannot check JWTs without keys"],
    [{ algorithms: ["HS256"] }, 'Cannot check JWTs by "HS256": with a public key there are RS256'],
    [{ algorithms: ["RS256", "none"] }, 'Cannot check JWTs by "none"'],
    [{ algorithms: [] }, "Cannot check JWTs by no algorithm at all"],
  ] as const) {
    assertThrows(() => verifier(options as Partial<JwtOptions>), TypeError, reason);
  }
  for (const clockTolerance of [-1, 3_601, Number.NaN]) {
    assertThrows(() => verifier({ clockTolerance }), RangeError, "as clockTolerance");
  }
});
