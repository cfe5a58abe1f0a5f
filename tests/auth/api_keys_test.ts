import { spyOn, test } from "bun:test";
import crypto from "node:crypto";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type ApiKey, ApiKeys } from "../../lib/auth/api_keys.ts";
import { InvalidKeysError } from "../../lib/mod.ts";

const SHA256_OF_SECRET = new Bun.CryptoHasher("sha256").update("secret-three").digest("hex");
const KEYS: readonly ApiKey[] = [
  "secret-one",
  { name: "ci", key: "secret-two", scopes: ["tasks:read", "reports:run"] },
  { name: "hashed", sha256: SHA256_OF_SECRET, scopes: ["*"] },
];

test("find() knows keys that are text, named, or kept as their hash", () => {
  const keys = new ApiKeys(KEYS, "the list");
  assertEquals(keys.find("secret-one"), { name: "key-1", scopes: ["*"] });
  assertEquals(keys.find("secret-two"), { name: "ci", scopes: ["tasks:read", "reports:run"] });
  assertEquals(keys.find("secret-three"), { name: "hashed", scopes: ["*"] });
  assertEquals(keys.size, 3);
});

test("find() knows nothing that is only like a key", () => {
  const keys = new ApiKeys(KEYS, "the list");
  const others = ["", " ", "secret", "secret-one ", "SECRET-ONE", "secret-onee", "ci", "key-1"];
  for (const sent of [...others, SHA256_OF_SECRET, `sha256=${SHA256_OF_SECRET}`, "secret-one\0"]) {
    assertEquals(keys.find(sent), undefined, sent);
  }
  assertEquals(new ApiKeys([], "the list").find(""), undefined);
});

test("find() takes upper-case digits of a hash too", () => {
  const sha256 = SHA256_OF_SECRET.toUpperCase();
  const keys = new ApiKeys([{ name: "hashed", sha256, scopes: ["*"] }], "the list");
  assertEquals(keys.find("secret-three")?.name, "hashed");
});

test("find() compares digests of one length with every key, whichever it is", () => {
  const keys = new ApiKeys(KEYS, "the list");
  const compare = spyOn(crypto, "timingSafeEqual");
  try {
    for (const sent of ["secret-one", "secret-two", "secret-three", "wrong", "x".repeat(10_000)]) {
      compare.mockClear();
      keys.find(sent);
      assertEquals(
        compare.mock.calls.map(([kept, digest]) => [kept.byteLength, digest.byteLength]),
        [
          [32, 32],
          [32, 32],
          [32, 32],
        ],
        sent,
      );
    }
  } finally {
    compare.mockRestore();
  }
});

test("keys are not kept, but their hashes alone", () => {
  const keys = new ApiKeys(KEYS, "the list");
  const held = Bun.inspect(keys, { depth: 10, showHidden: true } as never) + JSON.stringify(keys);
  assert(!held.includes("secret-"));
});

test("a principal can't be changed by whom it is given to", () => {
  const keys = new ApiKeys(KEYS, "the list");
  const principal = keys.find("secret-two");
  assertThrows(() => Reflect.apply(Array.prototype.push, principal?.scopes, ["*"]), TypeError);
  assertEquals(Reflect.set(principal ?? {}, "scopes", ["*"]), false);
  assertEquals(keys.find("secret-one")?.scopes, ["*"]);
});

test("ApiKeys refuses what is no key, naming its place and never the key", () => {
  const key = "the-secret-itself";
  const scopes = ["tasks:read"];
  const name = "ci";
  for (const [wrong, reason] of [
    ["", "the key is not of the visible ASCII characters that a header can hold"],
    [`${key} ${key}`, "the key is not of the visible ASCII characters that a header can hold"],
    [`${key}\n`, "the key is not of the visible ASCII characters that a header can hold"],
    [`${key}ä`, "the key is not of the visible ASCII characters that a header can hold"],
    [17, "it is neither text nor { name, key, scopes }"],
    [null, "it is neither text nor { name, key, scopes }"],
    [undefined, "it is neither text nor { name, key, scopes }"],
    [{ key, scopes }, "the name is not 1 to 255 characters"],
    [{ name: "", key, scopes }, "the name is not 1 to 255 characters"],
    [{ name: "a\nb", key, scopes }, "the name is not 1 to 255 characters"],
    [{ name, key }, 'the scopes are no list: ["*"] means all'],
    [{ name, key, scopes: "*" }, 'the scopes are no list: ["*"] means all'],
    [{ name, key, scopes: [] }, 'there are no scopes: ["*"] means all'],
    [{ name, scopes }, "there is not exactly one of key and sha256"],
    [{ name, key: undefined, scopes }, "there is not exactly one of key and sha256"],
    [{ name, key, sha256: key, scopes }, "there is not exactly one of key and sha256"],
    [{ name, sha256: key, scopes }, "the sha256 is not 64 hexadecimal digits"],
    [{ name, key, scopes, [key]: 1 }, "it has more than name, key or sha256, and scopes"],
    [{ name, key, scopes: ["jobs:read", 1] }, "a scope is text without spaces and commas"],
    [{ name, key, scopes: ["jobs:read jobs:write"] }, "a scope is text without spaces"],
    [{ name, key, scopes: ["task:read,jobs:read"] }, "each scope stands by itself"],
    [{ name, key, scopes: ["tasks:run"] }, "there is no such scope of tasks: there are tasks:"],
    [{ name, key, scopes: ["tasks:execute:a b"] }, "a scope is text without spaces"],
    [{ name, key, scopes: ["jobs"] }, "there is no such scope of jobs"],
  ] as const) {
    const error = assertThrows(
      () => new ApiKeys(["a-good-one", wrong as ApiKey], "the list"),
      InvalidKeysError,
      `Cannot use the keys of the list: of key 2, ${reason}`,
    );
    assert(!error.message.includes("secret"), error.message);
  }
  // Written in another order.
  for (const wrong of [
    { name: key, key: name, scopes: ["tasks:run"] },
    { name, key: "tasks", scopes: [`tasks:${key}`] },
  ]) {
    const error = assertThrows(() => new ApiKeys([wrong], "the list"), InvalidKeysError);
    assert(!error.message.includes("secret"), error.message);
  }
  assertThrows(
    () => new ApiKeys(key as unknown as ApiKey[], "the list"),
    InvalidKeysError,
    "Cannot use the keys of the list: they are no list",
  );
});

test("ApiKeys refuses one key twice, however it is written", () => {
  const twice = [
    ["secret-three", "x", "secret-three"],
    ["secret-three", "x", { name: "hashed", sha256: SHA256_OF_SECRET, scopes: ["*"] }],
  ];
  for (const keys of twice) {
    assertThrows(
      () => new ApiKeys(keys as ApiKey[], "the list"),
      InvalidKeysError,
      "Cannot use the keys of the list: of key 3, the key is that of key 1",
    );
  }
});

test("several keys may have one name, while one takes the place of another", () => {
  const scopes = ["jobs:read"];
  const keys = new ApiKeys(
    [
      { name: "ci", key: "old", scopes },
      { name: "ci", key: "new", scopes },
    ],
    "the list",
  );
  assertEquals([keys.find("old")?.name, keys.find("new")?.name], ["ci", "ci"]);
});
