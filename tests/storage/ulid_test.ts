import { expect, spyOn, test } from "bun:test";
import { assert, assertEquals, assertFalse, assertMatch, assertThrows } from "@std/assert";
import { firstUlid, isUlid } from "../../lib/storage/mod.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LAST_MILLISECOND = 2 ** 48 - 1;
const NOW = 1_469_922_850_259;

type Ulid = typeof import("../../lib/storage/ulid.ts").ulid;

/** A generator that has made no id yet: the module, loaded once more. */
async function newUlid(): Promise<Ulid> {
  const module: typeof import("../../lib/storage/ulid.ts") = await import(
    `../../lib/storage/ulid.ts?${crypto.randomUUID()}`
  );
  return module.ulid;
}

function decode(text: string): bigint {
  return [...text].reduce((sum, character) => sum * 32n + BigInt(ALPHABET.indexOf(character)), 0n);
}

function timeOf(id: string): number {
  return Number(decode(id.slice(0, 10)));
}

function randomOf(id: string): bigint {
  return decode(id.slice(10));
}

/** Has the random numbers be these, while it is not disposed. */
function randomNumbers(numbers: readonly number[]) {
  const spy = spyOn(crypto, "getRandomValues");
  spy.mockImplementation((array) => {
    assert(array instanceof Uint16Array);
    array.set(numbers);
    return array;
  });
  return spy;
}

function assertIncreasing(ids: readonly string[]): void {
  const wrong = ids.findIndex((id, index) => index > 0 && !(id > (ids[index - 1] ?? "")));
  assertEquals(wrong, -1, `${ids[wrong - 1]} is followed by ${ids[wrong]}`);
}

test("ulid() is 26 characters of Crockford's base 32, in upper case", async () => {
  const ulid = await newUlid();
  const characters = new Set<string>();
  for (let now = NOW; now < NOW + 1_000; now++) {
    const id = ulid(now);
    assertMatch(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert(isUlid(id));
    for (const character of id.slice(10)) characters.add(character);
  }
  assertEquals([...characters].sort().join(""), ALPHABET);
});

test("ulid() begins with its time, as the specification writes it", async () => {
  const ulid = await newUlid();
  // In this order, since a generator's clock does not go back.
  const encoded: [number, string][] = [
    [0, "0000000000"],
    [1, "0000000001"],
    [1024, "0000000100"],
    [1_469_918_176_385, "01ARYZ6S41"],
    [LAST_MILLISECOND, "7ZZZZZZZZZ"],
  ];
  for (const [now, text] of encoded) assertEquals(ulid(now).slice(0, 10), text);
});

test("ulid() decodes to its time", async () => {
  const ulid = await newUlid();
  for (let bits = 1; bits <= 48; bits++) {
    const now = 2 ** bits - 2;
    assertEquals([timeOf(ulid(now)), timeOf(ulid(now + 1))], [now, now + 1]);
  }
});

test("ulid() takes the time from the clock", async () => {
  const ulid = await newUlid();
  const before = Date.now();
  const time = timeOf(ulid());
  assert(time >= before && time <= Date.now(), `${time}`);
});

test("ulid() refuses a time that is no 48-bit number", async () => {
  const ulid = await newUlid();
  const id = ulid(NOW);
  for (const now of [-1, 0.5, NOW + 0.5, LAST_MILLISECOND + 1, Infinity, -Infinity, Number.NaN]) {
    assertThrows(() => ulid(now), RangeError, `and is ${now}`);
  }
  assertEquals(randomOf(ulid(NOW)), randomOf(id) + 1n);
});

test("ulid() increases over 200,000 ids of one millisecond, one by one", async () => {
  const ulid = await newUlid();
  const ids = Array.from({ length: 200_000 }, () => ulid(NOW));
  assertIncreasing(ids);
  assertEquals([...new Set(ids.map((id) => id.slice(0, 10)))].map(timeOf), [NOW]);
  assertEquals(randomOf(ids.at(-1) ?? "") - randomOf(ids[0] ?? ""), 199_999n);
});

test("ulid() asks for random numbers once a millisecond", async () => {
  const ulid = await newUlid();
  using random = spyOn(crypto, "getRandomValues");
  for (let count = 0; count < 5_000; count++) ulid(NOW);
  expect(random).toHaveBeenCalledTimes(1);
  for (let count = 0; count < 5_000; count++) ulid(NOW + 1);
  expect(random).toHaveBeenCalledTimes(2);
});

test("ulid() makes the random part of every millisecond anew", async () => {
  const ulid = await newUlid();
  const parts = Array.from({ length: 1_000 }, (_, index) => ulid(NOW + index).slice(10));
  assertEquals(new Set(parts).size, 1_000);
  assertEquals(new Set(parts.map((part) => part.slice(0, 8))).size, 1_000);
});

test("ulid() uses all 80 bits of the random numbers", async () => {
  for (let bit = 0; bit < 80; bit++) {
    const ulid = await newUlid();
    const numbers = Array.from({ length: 8 }, (_, index) =>
      index === Math.floor(bit / 10) ? 1 << (9 - (bit % 10)) : 0,
    );
    using _ = randomNumbers(numbers);
    assertEquals(randomOf(ulid(NOW)), 1n << BigInt(79 - bit));
  }
});

test("ulid() keeps the last time when the clock goes back", async () => {
  const ulid = await newUlid();
  const clock = [NOW, NOW - 1, NOW - 3_600_000, 0, NOW, NOW + 1, NOW - 1, NOW + 1, NOW + 2];
  const ids = clock.map((now) => ulid(now));
  assertIncreasing(ids);
  assertEquals(
    ids.map((id) => timeOf(id) - NOW),
    [0, 0, 0, 0, 0, 1, 1, 1, 2],
  );
  assertEquals(randomOf(ids[4] ?? "") - randomOf(ids[0] ?? ""), 4n);
});

test("ulid() increases over 200,000 ids while the clock jumps", async () => {
  const ulid = await newUlid();
  const ids = Array.from({ length: 200_000 }, (_, index) =>
    ulid(NOW + Math.floor(index / 100) - (index % 7) * 50),
  );
  assertIncreasing(ids);
});

test("ulid() carries from each place of the random part to the next", async () => {
  for (let place = 0; place < 7; place++) {
    const ulid = await newUlid();
    const numbers = Array.from({ length: 8 }, (_, index) => (index > place ? 1023 : 31));
    using _ = randomNumbers(numbers);
    const first = ulid(NOW);
    const second = ulid(NOW);
    assertEquals(randomOf(second), randomOf(first) + 1n);
    assertEquals([timeOf(second), second.length], [NOW, 26]);
  }
});

test("ulid() goes on in the next millisecond when the random part overflows", async () => {
  // With and without a Z before the random part, which is all Z.
  for (const now of [NOW - (NOW % 32) + 31, NOW - (NOW % 32)]) {
    const ulid = await newUlid();
    const ids: string[] = [];
    {
      using _ = randomNumbers(Array(8).fill(0xffff));
      ids.push(ulid(now));
    }
    assertEquals(ids[0]?.slice(10), "Z".repeat(16));
    ids.push(ulid(now), ulid(now), ulid(now + 1));
    assertIncreasing(ids);
    assertEquals(
      ids.map((id) => timeOf(id) - now),
      [0, 1, 1, 1],
    );
    assertEquals(randomOf(ids[3] ?? "") - randomOf(ids[1] ?? ""), 2n);
  }
});

test("ulid() fails after the last id of the last millisecond, each time", async () => {
  const ulid = await newUlid();
  using _ = randomNumbers([...Array(7).fill(1023), 1022]);
  ulid(LAST_MILLISECOND);
  assertEquals(ulid(), `7${"Z".repeat(25)}`);
  assertThrows(() => ulid(), RangeError, "the last one of the last millisecond is taken");
  assertThrows(() => ulid(), RangeError, "the last one of the last millisecond is taken");
});

test("isUlid() takes 26 characters of the canonical alphabet", () => {
  for (const text of [
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "0".repeat(26),
    `7${"Z".repeat(25)}`,
    "0123456789ABCDEFGHJKMNPQRS",
    "00000000000000000000TVWXYZ",
  ]) {
    assert(isUlid(text), text);
  }
});

test("isUlid() refuses lower case, other characters and other lengths", () => {
  const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  for (const text of [
    "",
    id.toLowerCase(),
    `${id.slice(0, -1)}v`,
    id.slice(1),
    `${id}0`,
    ` ${id}`,
    `${id}\n`,
    `${id}\n${id}`,
    ...["I", "L", "O", "U", "-", "*", " ", "É", "٣"].map((other) => id.slice(0, -1) + other),
    "01ARZ3ND-KTSV4RRFFQ69G5FAV",
    crypto.randomUUID(),
  ]) {
    assertFalse(isUlid(text), JSON.stringify(text));
  }
});

test("isUlid() refuses what exceeds 128 bits", () => {
  for (const first of ALPHABET) {
    assertEquals(isUlid(first + "Z".repeat(25)), first <= "7", first);
  }
});

test("firstUlid() is the least id of its millisecond", async () => {
  const ulid = await newUlid();
  assertEquals(firstUlid(1_469_922_850_259), "01ARZ3NDEK0000000000000000");
  for (const now of [0, 1, 1023, 1024, NOW, LAST_MILLISECOND]) {
    const first = firstUlid(now);
    const id = ulid(now);
    assert(isUlid(first), first);
    assert(first <= id && (now === LAST_MILLISECOND || id < firstUlid(now + 1)), id);
  }
});

test("firstUlid() takes a time that no id has for the nearest one", () => {
  assertEquals(firstUlid(-8.64e15), firstUlid(0));
  assertEquals(firstUlid(8.64e15), firstUlid(LAST_MILLISECOND));
});
