import { expectTypeOf, test } from "bun:test";
import type { ApiKey, AuthOptions, KeysOption, Principal } from "../../lib/mod.ts";

test("a key is text, or has a name, scopes, and the key or its hash", () => {
  expectTypeOf<string>().toExtend<ApiKey>();
  expectTypeOf<{ name: string; key: string; scopes: string[] }>().toExtend<ApiKey>();
  expectTypeOf<{ name: string; sha256: string; scopes: readonly ["*"] }>().toExtend<ApiKey>();
  expectTypeOf<{ name: string; key: string }>().not.toExtend<ApiKey>();
  expectTypeOf<{ name: string; scopes: string[] }>().not.toExtend<ApiKey>();
  // A variable that is not set is found by the compiler.
  expectTypeOf<string | undefined>().not.toExtend<ApiKey>();
  expectTypeOf<{
    name: string;
    key: string | undefined;
    scopes: string[];
  }>().not.toExtend<ApiKey>();
});

test("keys come from a list, a function, a variable or a file", () => {
  expectTypeOf<readonly ["a", { name: "b"; key: "c"; scopes: ["*"] }]>().toExtend<KeysOption>();
  expectTypeOf<() => string[]>().toExtend<KeysOption>();
  expectTypeOf<() => Promise<ApiKey[]>>().toExtend<KeysOption>();
  expectTypeOf<{ env: string }>().toExtend<KeysOption>();
  expectTypeOf<{ file: string }>().toExtend<KeysOption>();
  expectTypeOf<string>().not.toExtend<KeysOption>();
  expectTypeOf<() => number>().not.toExtend<KeysOption>();
});

test("options may be left out, but not those of tokens that say whose they are", () => {
  expectTypeOf<{
    keys: string[];
    publicPaths: string[];
    refresh: number;
  }>().toExtend<AuthOptions>();
  expectTypeOf<{
    jwt: { issuer: string; audience: string[]; jwks: URL };
  }>().toExtend<AuthOptions>();
  expectTypeOf<{ jwt: { issuer: string; jwks: string } }>().not.toExtend<AuthOptions>();
  expectTypeOf<Principal>().toEqualTypeOf<{
    readonly name: string;
    readonly scopes: readonly string[];
  }>();
});
