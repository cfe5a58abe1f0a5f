import type { SeededRandom } from "../../jobs/crash/seeded_random.ts";

/** What a client may send, with the bytes as they are. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Texts that something has stumbled over before. */
const ODD_TEXTS = [
  ...[
    "",
    " ",
    "0",
    "-1",
    "NaN",
    "null",
    "true",
    "undefined",
    "[]",
    "{}",
    "%",
    "%00",
    "%ff",
    "%2e%2e",
  ],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "then", "length", "toJSON"],
  ...[
    "\u0000",
    "a\u0000b",
    "\ud800",
    "\udfff\ud800",
    "\ufeff",
    "\u202e",
    "\u2028",
    "é",
    "e\u0301",
    "😀",
    "ß",
  ],
  ...["' OR 1=1 --", '"; DROP TABLE jobs; --', "{{7*7}}", "../../etc/passwd", "\\", "\r\nX: y"],
  ...[
    "2026-02-30",
    "2026-13-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "+275760-09-13T00:00:00.001Z",
  ],
  ...["2026-01-01", "1970-01-01T00:00:00Z", "-000001-01-01T00:00:00Z", "2026-01-01T00:00:00+25:00"],
  ...[
    "01J00000000000000000000000",
    "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "01j0000000000000000000000o",
  ],
  ...[
    "1e400",
    "-0",
    "0x10",
    "1_000",
    "١٢",
    "9007199254740993",
    "99999999999999999999",
    "1.5",
    "+1",
  ],
];

const ODD_NUMBERS = [
  ...[
    0,
    -0,
    1,
    -1,
    0.1,
    1.5,
    2,
    10,
    1_000,
    1e6,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    -(2 ** 53),
    2 ** 53 + 2,
  ],
  ...[1e21, 1e300, -1e300, 5e-324, 8.64e15, 8.64e15 + 1, 253402300800],
];

export function oddText(random: SeededRandom): string {
  if (random.oneIn(12))
    return random.pick(["x", "é", "\u0000", "%", "😀"]).repeat(random.below(5_000));
  return random.pick(ODD_TEXTS);
}

export function oddValue(random: SeededRandom, depth = 0): Json {
  switch (random.below(depth > 3 ? 4 : 6)) {
    case 0:
      return random.pick([null, true, false]);
    case 1:
      return random.pick(ODD_NUMBERS);
    case 4:
      return Array.from({ length: random.below(5) }, () => oddValue(random, depth + 1));
    case 5: {
      const entries = Array.from({ length: random.below(5) }, () => {
        return [oddText(random), oddValue(random, depth + 1)] as const;
      });
      return Object.fromEntries(entries);
    }
    default:
      return oddText(random);
  }
}

/** The same value, with something in it that is odd. */
export function mutateValue(random: SeededRandom, value: Json): Json {
  if (typeof value !== "object" || value === null || random.oneIn(6)) return oddValue(random);
  if (Array.isArray(value)) {
    const copy = [...value];
    const index = random.below(copy.length + 1);
    copy[index] = mutateValue(random, copy[index] ?? null);
    return copy;
  }
  const entries = Object.entries(value);
  const index = random.below(entries.length + 1);
  const entry = entries[index];
  if (entry === undefined) entries.push([oddText(random), oddValue(random)]);
  else if (random.oneIn(5)) entries.splice(index, 1);
  else entries[index] = [entry[0], mutateValue(random, entry[1])];
  return Object.fromEntries(entries);
}

const BAD_ENDINGS = ["", ",", "}", "]", "\u0000", " ", "//", '"', "\\", "é"];

/** Bytes that are nearly JSON. */
export function mutateText(random: SeededRandom, text: string): Uint8Array<ArrayBuffer> {
  const encode = (changed: string) => new TextEncoder().encode(changed);
  const at = random.below(text.length + 1);
  switch (random.below(11)) {
    case 0:
      return encode(text.slice(0, at));
    case 1:
      return encode(text.slice(0, at) + random.pick(BAD_ENDINGS) + text.slice(at));
    case 2: {
      // What is no UTF-8 any more.
      const bytes = encode(text);
      if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    }
    case 3:
      return encode(`\ufeff${text}`);
    case 4:
      return encode(`${" ".repeat(random.below(100_000))}${text}`);
    case 5: {
      const depth = random.pick([10, 499, 500, 501, 20_000]);
      return encode(`{"params":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    }
    case 6:
      // A key twice.
      return encode(text.replace("{", '{"params":1,'));
    case 7:
      return encode(
        random.pick(["NaN", "Infinity", "'a'", "{a:1}", "undefined", "1e999", "-", "[1,]"]),
      );
    case 8:
      return Uint8Array.from({ length: random.below(200) }, () => random.below(256));
    case 9:
      return encode(JSON.stringify(oddValue(random)));
    default:
      return encode(text + text);
  }
}

/** A path or query that names nearly the same. */
export function mutatePath(random: SeededRandom, path: string): string {
  const at = random.below(path.length + 1);
  const insert = (text: string) => path.slice(0, at) + text + path.slice(at);
  const segments = path.split("/");
  const segment = random.below(segments.length);
  switch (random.below(10)) {
    case 0:
      return insert(
        random.pick([
          "%00",
          "%ff",
          "%",
          "%2f",
          "%2F",
          "%25",
          "%2e",
          ";x=1",
          "//",
          "/../",
          "/./",
          "\\",
        ]),
      );
    case 1:
      return `${path.slice(0, at)}%${path.charCodeAt(at % path.length).toString(16)}${path.slice(at + 1)}`;
    case 2:
      return insert(encodeURIComponent(oddText(random).toWellFormed()));
    case 3:
      return `${path}/`;
    case 4:
      return path.toUpperCase();
    case 5:
      return segments.toSpliced(segment, 1).join("/");
    case 6:
      return segments
        .toSpliced(segment, 0, random.pick(["", ".", "..", "$stream", "$execute", "x"]))
        .join("/");
    case 7:
      return segments.with(segment, encodeURIComponent(oddText(random).toWellFormed())).join("/");
    case 8:
      return `${path}/${"x".repeat(random.below(9_000))}`;
    default:
      return `${path}/${random.pick(["$submit", "$logs", "$cancel", "%24execute", "$", "$$execute"])}`;
  }
}
