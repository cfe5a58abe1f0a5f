import { describe, expect, test } from "bun:test";
import { equal } from "@std/assert";

function expectEqual(a: unknown, b: unknown): void {
  expect(equal(a, b)).toBe(true);
  expect(equal(b, a)).toBe(true);
}

function expectUnequal(a: unknown, b: unknown): void {
  expect(equal(a, b)).toBe(false);
  expect(equal(b, a)).toBe(false);
}

describe("equal() of primitive values", () => {
  test("compares by value and type", () => {
    expectEqual("world", "world");
    expectEqual(5, 5);
    expectEqual(5n, 5n);
    expectEqual(null, null);
    expectEqual(undefined, undefined);
    expectUnequal("hello", "world");
    expectUnequal(5, 6);
    expectUnequal(5, 5n);
    expectUnequal(5, "5");
    expectUnequal(null, undefined);
    expectUnequal(null, {});
  });

  test("takes NaN for itself and 0 for -0, at any depth", () => {
    expectEqual(Number.NaN, Number.NaN);
    expectEqual(0, -0);
    expectEqual([0, { a: -0 }], [-0, { a: 0 }]);
    expectEqual(["a", 12.21, Number.NaN], ["a", 12.21, Number.NaN]);
  });

  test("takes symbols and functions for themselves alone", () => {
    const symbol = Symbol("a");
    const act = (): void => {};
    expectEqual(symbol, symbol);
    expectEqual(act, act);
    expectUnequal(symbol, Symbol("a"));
    expectUnequal(act, (): void => {});
  });

  test("compares boxed values by what is in them", () => {
    expectEqual(Object(1), Object(1));
    expectEqual(Object("a"), Object("a"));
    expectUnequal(Object(1), Object(2));
    expectUnequal(Object(true), Object(false));
    expectUnequal(Object(1n), Object(2n));
    expectUnequal(Object("a"), Object("b"));
    expectUnequal(Object(1), 1);
  });
});

describe("equal() of objects and arrays", () => {
  test("compares properties, in any order and at any depth", () => {
    expectEqual({ a: 1, b: { c: ["d"] } }, { b: { c: ["d"] }, a: 1 });
    expectUnequal({}, { a: 1 });
    expectUnequal({ a: 1 }, { b: 1 });
    expectUnequal({ a: 1, b: 2 }, { a: 1 });
    expectUnequal({ a: { b: "everyone" } }, { a: { b: "everyone else" } });
  });

  test("tells a missing property from one that is undefined", () => {
    expectUnequal({ a: undefined, b: undefined }, { a: undefined, c: undefined });
    expectUnequal({ a: undefined, b: undefined }, { a: undefined });
  });

  test("compares symbol keys", () => {
    const key = Symbol("key");
    expectEqual({ [key]: 1 }, { [key]: 1 });
    expectEqual({ [Symbol.for("key")]: 1 }, { [Symbol.for("key")]: 1 });
    expectUnequal({ [key]: 1 }, { [key]: 2 });
    expectUnequal({ [Symbol("key")]: 1 }, { [Symbol("key")]: 1 });
  });

  test("compares arrays in order, holes and length included", () => {
    expectEqual([1, [2, 3]], [1, [2, 3]]);
    expectUnequal([1, 2, 3, 4], [1, 2, 3]);
    expectUnequal([1, 2, 3], [1, 3, 2]);
    expectUnequal([undefined], new Array(1));
    expectUnequal(new Array(1), new Array(2));
    expectUnequal([1], { 0: 1 });
  });

  test("tells an own key __proto__ from the prototype", () => {
    expectEqual(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}'));
    expectUnequal(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":2}}'));
  });
});

describe("equal() of instances", () => {
  class Point {
    x: number;
    constructor(x: number) {
      this.x = x;
    }
  }

  test("compares prototypes, a plain object's with none at all", () => {
    expectEqual(new Point(1), new Point(1));
    expectEqual({ x: 1 }, Object.assign(Object.create(null), { x: 1 }));
    expectUnequal(new Point(1), new Point(2));
    expectUnequal(new Point(1), { x: 1 });
    expectUnequal(new Point(1), Object.assign(Object.create(null), { x: 1 }));
    expectUnequal(new (class {})(), new (class {})());
  });

  test("follows the prototype that was set, not a property called constructor", () => {
    expectEqual({ constructor: { x: 1 } }, { constructor: { x: 1 } });
    expectUnequal(new Point(1), { constructor: Point, x: 1 });
    const late = {};
    Object.setPrototypeOf(late, Point.prototype);
    expectUnequal(new Point(1), late);
    Object.assign(late, { x: 1 });
    expectEqual(new Point(1), late);
  });

  test("reads getters of the prototype", () => {
    class Secret {
      readonly #value: number;
      constructor(value: number) {
        this.#value = value;
      }
      get value(): number {
        return this.#value;
      }
    }
    expectEqual(new Secret(1), new Secret(1));
    expectUnequal(new Secret(1), new Secret(2));
  });

  test("compares dates by time, invalid ones included", () => {
    expectEqual(new Date(2019, 0, 3), new Date(2019, 0, 3));
    expectEqual(new Date("no date"), new Date("no date"));
    expectUnequal(new Date(2019, 0, 3, 4, 20, 1, 10), new Date(2019, 0, 3, 4, 20, 1, 20));
    expectUnequal(new Date("no date"), new Date(2019, 0, 3));
    expectUnequal(new Date(0), 0);
  });

  test("compares regular expressions by pattern and flags", () => {
    expectEqual(/a+/g, /a+/g);
    expectUnequal(/a+/g, /a+/i);
    expectUnequal(/a+/, /b+/);
  });

  test("compares what the Web's classes stand for", () => {
    expectEqual(new URL("https://example.com"), new URL("https://example.com/"));
    expectUnequal(new URL("https://example.com"), new URL("https://example.com/path"));
    expectEqual(new URLSearchParams("a=1&b=2"), new URLSearchParams("a=1&b=2"));
    expectUnequal(new URLSearchParams("a=1&b=2"), new URLSearchParams("a=1&b=3"));
    expectEqual(new Intl.Locale("es-MX"), new Intl.Locale("es-MX"));
    expectUnequal(new Intl.Locale("es-MX"), new Intl.Locale("pt-BR"));
    expectEqual(new Headers({ a: "1", b: "2" }), new Headers({ B: "2", A: "1" }));
    expectUnequal(new Headers({ a: "1" }), new Headers({ a: "2" }));
    const form = (value: string): FormData => {
      const data = new FormData();
      data.set("a", value);
      return data;
    };
    expectEqual(form("1"), form("1"));
    expectUnequal(form("1"), form("2"));
    const pattern = (host: string): URLPattern => new URLPattern({ hostname: host });
    expectEqual(pattern("*.com"), pattern("*.com"));
    expectUnequal(pattern("*.com"), pattern("*.org"));
  });

  test("compares Temporal values where there are any", () => {
    const temporal: unknown = Reflect.get(globalThis, "Temporal");
    if (typeof temporal !== "object" || temporal === null) return;
    const Instant = Reflect.get(temporal, "Instant");
    const at = (time: string): unknown => Instant.from(time);
    expectEqual(at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:00Z"));
    expectUnequal(at("2020-01-01T00:00:00Z"), at("2020-01-01T00:00:01Z"));
  });

  test("compares errors by their properties", () => {
    const error = new Error("full");
    expectEqual({ error }, { error });
    expectUnequal(new Error("full"), new Error("empty"));
    expectUnequal(new Error("full"), new TypeError("full"));
  });
});

describe("equal() of bytes", () => {
  test("compares typed arrays by elements", () => {
    expectEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2));
    expectEqual(Float64Array.of(Number.NaN, 0), Float64Array.of(Number.NaN, -0));
    expectEqual(BigInt64Array.of(1n), BigInt64Array.of(1n));
    expectUnequal(Uint8Array.of(1, 2), Uint8Array.of(1, 3));
    expectUnequal(Uint8Array.of(0), Uint8Array.of(0, 0));
    expectUnequal(Uint8Array.of(1), Int8Array.of(1));
    expectUnequal(Uint8Array.of(1), [1]);
  });

  test("compares buffers and views by bytes", () => {
    const view = (...bytes: number[]): DataView => new DataView(Uint8Array.from(bytes).buffer);
    expectEqual(view(1, 2).buffer, view(1, 2).buffer);
    expectUnequal(view(1, 2).buffer, view(1, 3).buffer);
    expectUnequal(view(1).buffer, view(1, 0).buffer);
    expectEqual(view(1, 2), view(1, 2));
    expectUnequal(view(1, 2), view(1, 3));
    expectEqual(new SharedArrayBuffer(2), new SharedArrayBuffer(2));
    expectUnequal(new SharedArrayBuffer(2), new ArrayBuffer(2));
  });
});

describe("equal() of sets", () => {
  test("compares entries in any order", () => {
    expectEqual(new Set([1, 2, 3]), new Set([3, 2, 1]));
    expectEqual(new Set("denosaurus"), new Set("denosaurussss"));
    expectUnequal(new Set([1, 2]), new Set([3, 2, 1]));
    expectUnequal(new Set([1, 2, 3]), new Set([4, 5, 6]));
    expectUnequal(new Set([1]), [1]);
    expectUnequal(new Set([1]), {});
  });

  test("compares entries that are objects deeply", () => {
    expectEqual(new Set([1, new Set([2, 3])]), new Set([new Set([3, 2]), 1]));
    expectEqual(new Set([{ b: 2 }, { a: 1 }]), new Set([{ a: 1 }, { b: 2 }]));
    expectUnequal(new Set([{ b: 2 }, { a: 1 }]), new Set([{ a: 1 }, { b: 3 }]));
    expectUnequal(new Set([{ a: 1 }, 1]), new Set([2, 1]));
  });

  test("takes each entry once", () => {
    expectEqual(new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 1 }]));
    expectUnequal(new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { b: 1 }]));
  });

  test("compares symbols and functions by identity", () => {
    const symbol = Symbol();
    expectEqual(new Set([symbol, "a"]), new Set(["a", symbol]));
    expectEqual(new Set([equal]), new Set([equal]));
    expectUnequal(new Set([symbol, "a"]), new Set(["b", symbol]));
    expectUnequal(new Set([Symbol()]), new Set([Symbol()]));
  });
});

describe("equal() of maps", () => {
  test("compares entries in any order and at any depth", () => {
    expectEqual(new Map(), new Map());
    expectEqual(new Map(Object.entries({ a: 1, b: 2 })), new Map(Object.entries({ b: 2, a: 1 })));
    expectEqual(
      new Map([["a", new Map([["b", ["c"]]])]]),
      new Map([["a", new Map([["b", ["c"]]])]]),
    );
    expectUnequal(new Map([["a", { b: 1 }]]), new Map([["a", { b: 2 }]]));
    expectUnequal(new Map([["a", 1]]), new Map([["b", 1]]));
    expectUnequal(new Map([["a", 1]]), new Map(Object.entries({ a: 1, b: 2 })));
    expectUnequal(new Map([["a", undefined]]), new Map([["b", undefined]]));
  });

  test("compares keys that are objects deeply", () => {
    const two = new Map([
      [{ b: 2 }, 2],
      [{ a: 1 }, 1],
    ]);
    const map = (...entries: [unknown, unknown][]): Map<unknown, unknown> => new Map(entries);
    expectEqual(two, map([{ a: 1 }, 1], [{ b: 2 }, 2]));
    expectUnequal(two, map([{ a: 1 }, 1], [{ b: 2 }, 3]));
    expectUnequal(two, map([{ a: 1 }, 1], [{ b: 3 }, 2]));
    expectUnequal(two, map(["a", 1], [{ b: 2 }, 2]));
    expectUnequal(map([{ a: 1 }, 1], [{ a: 1 }, 1]), map([{ a: 1 }, 1], [{ a: 1 }, 2]));
  });

  test("takes little time for many primitive keys", () => {
    const numbers = Array.from({ length: 10_000 }, (_, index) => index);
    const map = (values: number[]): Map<number, number> =>
      new Map(values.map((value, index) => [index, value]));
    expectEqual(map(numbers), map(numbers));
    expectUnequal(map(numbers), map(numbers.with(-1, -1)));
    expectEqual(new Set(numbers), new Set(numbers.toReversed()));
    expectUnequal(new Set(numbers), new Set(numbers.with(-1, -1)));
  });
});

describe("equal() of weak collections", () => {
  test("throws where nobody can know", () => {
    expect(() => equal(new WeakMap(), new WeakMap())).toThrow(
      new TypeError("Cannot compare WeakMap instances"),
    );
    expect(() => equal(new WeakSet(), new WeakSet())).toThrow(
      new TypeError("Cannot compare WeakSet instances"),
    );
  });

  test("takes one for itself, and for nothing of another class", () => {
    const map = new WeakMap();
    expectEqual(map, map);
    expectUnequal(map, new WeakSet());
    expectUnequal(map, { constructor: WeakMap });
    expectUnequal(new WeakSet(), { constructor: WeakSet });
  });

  test("compares what references point to", () => {
    class Named extends WeakRef<object> {
      name = "a";
    }
    expectEqual(new WeakRef({ a: 1 }), new WeakRef({ a: 1 }));
    expectUnequal(new WeakRef({ a: 1 }), new WeakRef({ a: 2 }));
    expectUnequal(new WeakRef({ a: 1 }), { a: 1 });
    expectUnequal(new WeakRef({ a: 1 }), new Named({ a: 1 }));
    expectUnequal(new WeakRef({}), { constructor: WeakRef });
  });
});

describe("equal() of cycles", () => {
  interface Node {
    name: string;
    next?: unknown;
  }

  function ring(...names: string[]): Node {
    const nodes = names.map((name): Node => ({ name }));
    for (const [index, node] of nodes.entries()) node.next = nodes.at(index + 1 - nodes.length);
    return nodes[0] as Node;
  }

  test("ends, in objects, maps and sets", () => {
    expectEqual(ring("a", "b"), ring("a", "b"));
    expectEqual(ring("a"), ring("a", "a"));
    expectUnequal(ring("a", "b"), ring("a", "c"));

    const loop = (): Map<string, unknown> => {
      const map = new Map<string, unknown>();
      return map.set("self", map);
    };
    expectEqual(loop(), loop());
    const knot = (value: number): Set<unknown> => {
      const set = new Set<unknown>([value]);
      return set.add({ set });
    };
    expectEqual(knot(1), knot(1));
    expectUnequal(knot(1), knot(2));
  });

  test("does not remember as equal what only looked so on the way to a difference", () => {
    const shared = { x: 1 };
    const other = { x: 1, y: 2 };
    const left = [new Set([[shared, 1]]), shared];
    const right = [new Set([[{ x: 1 }, 1]]), other];
    expectUnequal(left, right);
  });
});
