/** Crockford's base 32: five bits a character, in the order of the characters' codes. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** The two characters of each number of ten bits. */
const PAIRS: readonly string[] = Array.from(
  { length: 1024 },
  (_, bits) => ALPHABET.charAt(bits >> 5) + ALPHABET.charAt(bits & 31),
);
const LAST_PAIR = PAIRS.length - 1;
const LAST_MILLISECOND = 2 ** 48 - 1;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Makes ULIDs, each of which sorts after those that it has made before. */
export class UlidSequence {
  /** The millisecond of the last id. */
  #millisecond = -1;
  /** The last id's characters but the last two. */
  #prefix = "";
  /** The last id's last ten bits. */
  #tail = 0;

  /**
   * @param now As {@linkcode ulid} takes it.
   * @throws {RangeError} as {@linkcode ulid}.
   */
  next(now: number): string {
    if (!(Number.isInteger(now) && now >= 0 && now <= LAST_MILLISECOND)) {
      throw new RangeError(
        `Cannot make a ULID: the time must be whole milliseconds from 0 to 2 ** 48 - 1, and is ${now}`,
      );
    }
    if (now > this.#millisecond) this.#begin(now);
    else if (this.#tail < LAST_PAIR) this.#tail++;
    else this.#carry();
    return this.#prefix + PAIRS[this.#tail];
  }

  /** Begins a millisecond at 80 random bits. */
  #begin(now: number): void {
    const random = crypto.getRandomValues(new Uint16Array(8));
    let prefix = timeOf(now);
    for (const bits of random.subarray(0, 7)) prefix += PAIRS[bits & LAST_PAIR];
    this.#prefix = prefix;
    this.#tail = (random[7] ?? 0) & LAST_PAIR;
    this.#millisecond = now;
  }

  /** Counts the random bits before the last ten up by one. */
  #carry(): void {
    const kept = this.#prefix.replace(/Z+$/, "");
    if (kept.length <= 10) {
      if (this.#millisecond === LAST_MILLISECOND) {
        throw new RangeError("Cannot make a ULID: the last one of the last millisecond is taken");
      }
      this.#begin(this.#millisecond + 1);
      return;
    }
    const next = ALPHABET.charAt(ALPHABET.indexOf(kept.slice(-1)) + 1);
    this.#prefix = (kept.slice(0, -1) + next).padEnd(this.#prefix.length, "0");
    this.#tail = 0;
  }
}

const ofProcess = new UlidSequence();

/**
 * An id of 26 characters that sorts after every one made before it in this process, as text and as
 * bytes: a ULID, of a time and 80 random bits.
 *
 * The ids of one millisecond count up from a random one, so whoever sees one can guess the next:
 * an id is no secret. When the clock goes back, the ids stay in the last millisecond; when the
 * random bits of a millisecond run out, they go on in the next one. Ids of two processes sort by
 * their milliseconds alone.
 *
 * Source: https://github.com/ulid/spec
 *
 * @param now The time, in whole milliseconds since 1970, from 0 to 2 ** 48 - 1.
 * @throws {RangeError} When `now` is no such number, or the last ULID of all has been made.
 *
 * @example
 * ```ts
 * ulid(1_469_922_850_259); // "01ARZ3NDEK..." and 16 random characters
 * ```
 */
export function ulid(now: number = Date.now()): string {
  return ofProcess.next(now);
}

/**
 * Whether a text is a ULID in its canonical form: 26 characters of Crockford's base 32 in upper
 * case, the first from 0 to 7, since a greater one would exceed 128 bits.
 *
 * The specification lets a decoder ignore case; this does not, so that an id has one spelling.
 *
 * @example
 * ```ts
 * isUlid("01ARZ3NDEKTSV4RRFFQ69G5FAV"); // true
 * isUlid("01arz3ndektsv4rrffq69g5fav"); // false
 * ```
 */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/**
 * The least id of a millisecond, and so a bound between the ids made before it and since. A time
 * outside the range of ULIDs counts as its nearest end.
 *
 * @param time Whole milliseconds since 1970.
 *
 * @example
 * ```ts
 * firstUlid(1_469_922_850_259); // "01ARZ3NDEK0000000000000000"
 * ```
 */
export function firstUlid(time: number): string {
  const millisecond = Math.min(Math.max(time, 0), LAST_MILLISECOND);
  return timeOf(millisecond).padEnd(26, "0");
}

/** The ten characters of a time. */
function timeOf(now: number): string {
  let time = "";
  for (let rest = now; time.length < 10; rest = Math.floor(rest / 1024)) {
    time = PAIRS[rest % 1024] + time;
  }
  return time;
}
