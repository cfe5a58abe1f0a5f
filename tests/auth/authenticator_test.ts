import { test } from "bun:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Authenticator, type AuthOptions } from "../../lib/auth/mod.ts";
import { HttpProblem } from "../../lib/http/mod.ts";
import { AUDIENCE, ISSUER, Issuer } from "./issuer.ts";
import { RecordingLogger } from "./recording_logger.ts";

function authenticator(options: AuthOptions): Authenticator {
  return new Authenticator(options, new RecordingLogger());
}

function request(headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { headers });
}

test("identify() knows a key at once, with no promise", () => {
  const guard = authenticator({ keys: ["one"] });
  const ada = { name: "key-1", scopes: ["*"] };
  assertEquals(guard.identify(request({ "x-api-key": "one" })), ada);
  assertEquals(guard.identify(request({ authorization: "Bearer one" })), ada);
});

test("identify() says what is missing, and what is wrong, and not what was sent", () => {
  const guard = authenticator({ keys: ["one"] });
  const refused = (headers: Record<string, string>) => {
    const error = assertThrows(() => guard.identify(request(headers)), HttpProblem);
    return [error.status, error.message, error.headers["www-authenticate"]];
  };
  assertEquals(refused({}), [
    401,
    "This takes a key, in the header X-API-Key or as Authorization: Bearer, never in the query",
    'Bearer realm="taskmount"',
  ]);
  for (const headers of [{ "x-api-key": "two" }, { authorization: "Bearer two" }]) {
    assertEquals(refused(headers), [
      401,
      "This key is not known here",
      'Bearer realm="taskmount", error="invalid_token"',
    ]);
  }
});

test("identify() takes keys and tokens side by side, and a token by Authorization alone", async () => {
  await using issuer = await Issuer.start();
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: await issuer.jwks() };
  const both = authenticator({ keys: ["one"], jwt });
  const token = await issuer.sign();
  const authorization = `Bearer ${token}`;
  assertEquals(await both.identify(request({ authorization: "Bearer one" })), {
    name: "key-1",
    scopes: ["*"],
  });
  assertEquals((await both.identify(request({ authorization }))).name, "ada");
  assertThrows(() => both.identify(request({ "x-api-key": token })), HttpProblem, "not known");
  const tokensAlone = authenticator({ jwt });
  assertEquals((await tokensAlone.identify(request({ authorization }))).name, "ada");
  assertThrows(() => tokensAlone.identify(request()), HttpProblem, "This takes a key");
  const wrong = request({ authorization: "Bearer one" });
  await assertRejects(async () => await tokensAlone.identify(wrong), HttpProblem, "can't be read");
});

test("identify() is 503 while nobody has said which keys there are", async () => {
  let isOpen = false;
  const guard = authenticator({
    keys: () => {
      if (!isOpen) throw new Error("the vault is closed");
      return ["one"];
    },
  });
  const sent = request({ "x-api-key": "one" });
  const error = await assertRejects(async () => await guard.identify(sent), HttpProblem);
  assertEquals([error.status, error.message], [503, "Keys can't be checked now"]);
  await assertRejects(() => guard.start(), Error, "the vault is closed");
  isOpen = true;
  await guard.start();
  assert(!(guard.identify(sent) instanceof Promise));
});

test("an Authenticator refuses to be one without keys, and what can't be used", () => {
  assertThrows(() => authenticator({}), TypeError, "withAuth() needs keys or jwt");
  assertThrows(() => authenticator({ keys: ["a"], publicPaths: ["docs"] }), TypeError, '"docs"');
  for (const refresh of [-1, Number.NaN, 86_401]) {
    assertThrows(() => authenticator({ keys: ["a"], refresh }), RangeError, "as refresh");
  }
});
