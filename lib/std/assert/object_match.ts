import { assertEquals } from "./equals.ts";

/**
 * Asserts that an object has every property of another, deeply, whatever else it has.
 *
 * Arrays, maps and sets are cut down in the same way: an array to the length of the expected one, a
 * map to its keys, a set to its values. Classes do not matter, own properties do.
 *
 * @param actual The object that came.
 * @param expected The properties that it must have.
 * @param msg What to add to the message of the failure.
 * @throws {AssertionError} If a property is missing or differs.
 * @throws {TypeError} If one of the two is no object.
 *
 * @example
 * ```ts
 * import { assertObjectMatch } from "@std/assert";
 *
 * assertObjectMatch({ user: { id: 1, name: "Ada" } }, { user: { id: 1 } }); // passes
 * assertObjectMatch({ user: { id: 1 } }, { user: { id: 1, name: "Ada" } }); // throws
 * ```
 */
export function assertObjectMatch(
  actual: object,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  for (const value of [actual, expected]) {
    if (!isObject(value)) {
      throw new TypeError(
        `Cannot assertObjectMatch ${value === null ? null : `type ${typeof value}`}`,
      );
    }
  }
  // The expected object is cut down by itself, so that both come out as plain objects.
  assertEquals(new Cut().object(actual, expected), new Cut().object(expected, expected), msg);
}

type Copy = unknown[] | Record<PropertyKey, unknown>;

/** Copies values, leaving out what another value does not have. */
class Cut {
  /** The copies begun, by what they are copied from and cut down by: a cycle leads back to one. */
  readonly #copies = new Map<object, Map<object, Copy>>();

  object(from: object, by: object): Copy {
    return this.#once(from, by, {}, (copy) => {
      const own = Reflect.ownKeys(from);
      const allowed = Reflect.ownKeys(by);
      const shared = own.filter((key) => allowed.includes(key));
      // Where nothing fits, the failure shows all there is.
      const nothing = shared.length === 0 && allowed.length > 0;
      for (const key of nothing ? own : shared) {
        const value: unknown = Reflect.get(from, key);
        define(copy, key, nothing ? value : this.#value(value, Reflect.get(by, key)));
      }
    });
  }

  #value(from: unknown, by: unknown): unknown {
    if (!isObject(from) || !isObject(by) || isOpaque(from)) return from;
    if (Array.isArray(from) && Array.isArray(by)) return this.#array(from, by);
    if (from instanceof Map && by instanceof Map) return this.#map(from, by);
    if (from instanceof Set && by instanceof Set) return from.intersection(by);
    return this.object(from, by);
  }

  #array(from: readonly unknown[], by: readonly unknown[]): Copy {
    return this.#once(from, by, [], (copy) => {
      for (const [index, value] of from.slice(0, by.length).entries()) {
        define(copy, index, this.#value(value, by[index]));
      }
    });
  }

  #map(
    from: ReadonlyMap<unknown, unknown>,
    by: ReadonlyMap<unknown, unknown>,
  ): Map<unknown, unknown> {
    const shared = [...from].filter(([key]) => by.has(key));
    return new Map(shared.map(([key, value]) => [key, this.#value(value, by.get(key))]));
  }

  #once<T extends Copy>(from: object, by: object, copy: T, fill: (copy: T) => void): Copy {
    const copies = this.#copies.get(from) ?? new Map<object, Copy>();
    const begun = copies.get(by);
    if (begun) return begun;
    this.#copies.set(from, copies.set(by, copy));
    fill(copy);
    return copy;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether an object's state is in no property of its own, so that it can only be taken whole. */
function isOpaque(value: object): boolean {
  return [RegExp, Date, URL, URLSearchParams, ArrayBuffer].some((type) => value instanceof type);
}

/** Sets a property even where its name is `__proto__`. */
function define(target: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
