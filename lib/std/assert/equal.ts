/**
 * Whether two values are deeply equal.
 *
 * They are if they have the same prototype and the same properties with equal values; sets and maps
 * if they have equal entries in any order; dates, regular expressions, URLs, headers, buffers and
 * the like if they stand for the same thing. `NaN` equals itself, `0` equals `-0`, and a plain
 * object equals one without prototype. Cycles are followed once.
 *
 * What a value does not show in its properties is not compared: the bytes of a `Blob`, the body of
 * a `Request`.
 *
 * @param a One value.
 * @param b The other.
 * @throws {TypeError} If two weak maps or two weak sets are met: nobody can read what is in them.
 *
 * @example
 * ```ts
 * import { equal } from "@std/assert";
 *
 * equal({ id: 1 }, { id: 1 }); // true
 * equal({ id: 1 }, { id: 2 }); // false
 * ```
 */
export function equal(a: unknown, b: unknown): boolean {
  return new Comparison().equal(a, b);
}

class Comparison {
  /** The pairs taken for equal: found so, or under comparison further out. */
  readonly #taken = new Map<object, Set<object>>();
  readonly #order: { a: object; b: object }[] = [];

  equal(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (!isObject(a) || !isObject(b)) return false;
    if (this.#taken.get(a)?.has(b)) return true;

    const before = this.#order.length;
    this.#take(a, b);
    const same = this.#sameObject(a, b);
    // Whatever was found equal on the way may have rested on this pair.
    if (!same) this.#giveBack(before);
    return same;
  }

  #take(a: object, b: object): void {
    const partners = this.#taken.get(a) ?? new Set();
    this.#taken.set(a, partners.add(b));
    this.#order.push({ a, b });
  }

  #giveBack(length: number): void {
    for (const { a, b } of this.#order.splice(length)) this.#taken.get(a)?.delete(b);
  }

  #sameObject(a: object, b: object): boolean {
    if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
    if (!samePrototype(a, b)) return false;

    if (isTypedArray(a) && isTypedArray(b)) return sameElements(a, b);
    if (isBuffer(a) && isBuffer(b)) return sameElements(new Uint8Array(a), new Uint8Array(b));
    if (a instanceof WeakMap) throw new TypeError("Cannot compare WeakMap instances");
    if (a instanceof WeakSet) throw new TypeError("Cannot compare WeakSet instances");
    if (a instanceof WeakRef && b instanceof WeakRef) return this.equal(a.deref(), b.deref());
    if (isBoxed(a) && isBoxed(b) && !this.equal(a.valueOf(), b.valueOf())) return false;
    if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
    if (Object.keys(a).length !== Object.keys(b).length) return false;

    if (a instanceof Set && b instanceof Set) return this.#sameSet(a, b);
    if (a instanceof Map && b instanceof Map) return this.#sameMap(a, b);
    if (isEntryList(a) && isEntryList(b)) return this.equal([...a], [...b]);
    if (TEXTUAL.has(Object.getPrototypeOf(a))) return String(a) === String(b);
    return this.#sameProperties(a, b);
  }

  #sameSet(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
    if (a.size !== b.size) return false;
    const candidates = new Set([...b].filter(isReference));
    for (const value of a) {
      if (!isReference(value)) {
        if (!b.has(value)) return false;
        continue;
      }
      const found = candidates.values().find((candidate) => this.equal(value, candidate));
      if (found === undefined) return false;
      candidates.delete(found);
    }
    return true;
  }

  #sameMap(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
    if (a.size !== b.size) return false;
    const candidates = new Set([...b.keys()].filter(isReference));
    for (const [key, value] of a) {
      if (!isReference(key)) {
        if (!b.has(key) || !this.equal(value, b.get(key))) return false;
        continue;
      }
      const found = candidates
        .values()
        .find((candidate) => this.equal(key, candidate) && this.equal(value, b.get(candidate)));
      if (found === undefined) return false;
      candidates.delete(found);
    }
    return true;
  }

  #sameProperties(a: object, b: object): boolean {
    const keys = isPlain(a) ? enumerableKeys : everyKey;
    for (const key of keys(a).union(keys(b))) {
      if (key in a !== key in b) return false;
      if (!this.equal(Reflect.get(a, key), Reflect.get(b, key))) return false;
    }
    return true;
  }
}

type TypedArray = ArrayLike<number | bigint>;
type Buffer = ArrayBuffer | SharedArrayBuffer;

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value may equal another that is not the same one, so that a look-up cannot find it. */
function isReference(value: unknown): value is object {
  return isObject(value) || typeof value === "function";
}

function isTypedArray(value: object): value is TypedArray & object {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isBuffer(value: object): value is Buffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function isBoxed(value: object): boolean {
  return [Number, String, Boolean, BigInt, Symbol].some((type) => value instanceof type);
}

function isEntryList(value: object): value is object & Iterable<unknown> {
  return value instanceof Headers || value instanceof FormData;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || prototype === Array.prototype;
}

function samePrototype(a: object, b: object): boolean {
  const of = (value: object): unknown => Object.getPrototypeOf(value) ?? Object.prototype;
  return of(a) === of(b);
}

function sameElements(a: TypedArray, b: TypedArray): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index] && !Object.is(a[index], b[index])) return false;
  }
  return true;
}

function enumerableKeys(value: object): Set<PropertyKey> {
  return new Set(Reflect.ownKeys({ ...value }));
}

/** Own keys and, as many classes show their state by getters, those of the prototypes. */
function everyKey(value: object): Set<PropertyKey> {
  const keys = new Set<PropertyKey>();
  let owner: object | null = value;
  while (owner !== null && owner !== Object.prototype && owner !== Array.prototype) {
    for (const key of Reflect.ownKeys(owner)) keys.add(key);
    owner = Object.getPrototypeOf(owner);
  }
  return keys;
}

/** Prototypes of the classes whose instances are equal if their texts are. */
const TEXTUAL: ReadonlySet<unknown> = new Set(
  [RegExp, URL, URLSearchParams, Intl.Locale, ...temporalClasses()].map((type) => type.prototype),
);

function temporalClasses(): { prototype: unknown }[] {
  const temporal: unknown = Reflect.get(globalThis, "Temporal");
  if (!isObject(temporal)) return [];
  const classes = Reflect.ownKeys(temporal).map((key): unknown => Reflect.get(temporal, key));
  return classes.filter((value) => typeof value === "function");
}
