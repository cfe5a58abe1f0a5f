import { test } from "bun:test";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import * as v from "valibot";
import { defineTask, SerializationError, ValidationError } from "../../lib/tasks/mod.ts";
import { errorToWire, resultToJson } from "../../lib/tasks/to_wire.ts";
import { TestExecutor } from "./test_executor.ts";

const off = { traceback: false };
const on = { traceback: true };

/** An error whose every property is a getter that throws. */
function hostileError(): Error {
  const error = new Error("hidden");
  for (const key of ["name", "message", "stack", "cause"]) {
    Object.defineProperty(error, key, {
      get: () => {
        throw new Error("a getter threw");
      },
    });
  }
  return error;
}

function revokedProxy(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

test("errorToWire() gives an error's name, message and stack, in this order", () => {
  const error = new RangeError("too far");
  assertEquals(
    JSON.stringify(errorToWire(error, off)),
    '{"type":"RangeError","message":"too far","traceback":null}',
  );
  const { traceback } = errorToWire(error, on);
  assert(traceback !== null);
  assertEquals(traceback, error.stack ?? "");
  assertMatch(traceback, /^RangeError: too far\n\s+at /);
});

test("errorToWire() gives the name of a class of one's own", () => {
  class PaymentError extends Error {
    override readonly name = "PaymentError";
  }
  assertEquals(errorToWire(new PaymentError("declined"), off), {
    type: "PaymentError",
    message: "declined",
    traceback: null,
  });
  const { type } = errorToWire(new DOMException("gone", "AbortError"), off);
  assertEquals(type, "AbortError");
});

test("errorToWire() follows the causes of a stack, and each once in a cycle", () => {
  const inner = new Error("inner");
  const middle = new TypeError("middle", { cause: inner });
  const outer = new RangeError("outer", { cause: middle });
  const { traceback } = errorToWire(outer, on);
  assertEquals(traceback?.match(/^(Caused by: )?\w+: \w+/gm), [
    "RangeError: outer",
    "Caused by: TypeError: middle",
    "Caused by: Error: inner",
  ]);
  inner.cause = outer;
  assertEquals(errorToWire(outer, on).traceback, traceback);
  const own = new Error("own");
  own.cause = own;
  assertEquals(errorToWire(own, on).traceback, own.stack ?? "");
});

test("errorToWire() ends where a getter makes causes without end", () => {
  class Endless extends Error {
    override get cause(): Error {
      return new Endless("again");
    }
  }
  const { traceback } = errorToWire(new Endless("first"), on);
  assertEquals(traceback?.split("Caused by: ").length, 20);
});

test("errorToWire() describes what is thrown and is no error", () => {
  const cases: [unknown, string][] = [
    ["text", "text"],
    ["", ""],
    [null, "null"],
    [undefined, "undefined"],
    [0, "0"],
    [12n, "12"],
    [Symbol("s"), "Symbol(s)"],
    [{ code: 1, message: "x" }, '{"code":1,"message":"x"}'],
    [["a"], '["a"]'],
    [Object.create(null), "{}"],
    [{ toJSON: () => undefined }, ""],
  ];
  for (const [thrown, message] of cases) {
    assertEquals(errorToWire(thrown, on), { type: "Error", message, traceback: null });
  }
});

test("errorToWire() describes what can't be looked at", () => {
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  const throwing = () => {
    throw new Error("a trap threw");
  };
  const traps = { get: throwing, has: throwing, getPrototypeOf: throwing, ownKeys: throwing };
  for (const thrown of [
    cyclic,
    { big: 1n },
    { toJSON: throwing },
    new Proxy({}, traps),
    new Proxy(new Error("hidden"), traps),
    revokedProxy({}),
    revokedProxy(new Error("hidden")),
    revokedProxy(() => {}),
    { toString: throwing, toJSON: throwing },
  ]) {
    assertEquals(errorToWire(thrown, on), {
      type: "Error",
      message: "something was thrown that can't be described",
      traceback: null,
    });
  }
});

test("errorToWire() describes an error whose getters throw, or whose texts are none", () => {
  const hostile = errorToWire(hostileError(), on);
  assertEquals(hostile.type, "Error");
  assertEquals(typeof hostile.message, "string");
  assertEquals(typeof hostile.traceback, "string");
  const odd = Object.assign(new Error("odd"), { name: 1, stack: { a: 1 }, message: undefined });
  assertEquals(errorToWire(odd, off).type, "Error");
  assertEquals(typeof errorToWire(odd, on).traceback, "string");
  const cause = revokedProxy(new Error("hidden"));
  const error = new Error("with a cause", { cause });
  assertEquals(errorToWire(error, on).traceback, error.stack ?? "");
});

test("errorToWire() gives the issues of a ValidationError after the rest", async () => {
  await using bench = new TestExecutor();
  const task = defineTask("strict", {
    params: v.object({ items: v.array(v.object({ id: v.string() })) }),
    run: () => {},
  });
  const error = await assertRejects(
    () => bench.executor.execute(task, { items: [{ id: 1 as unknown as string }] }),
    ValidationError,
  );
  assertEquals(
    JSON.stringify(errorToWire(error, off)),
    '{"type":"ValidationError","message":"The params of \\"strict\\" are not valid: items.0.id: Invalid type: Expected string but received 1",' +
      '"traceback":null,"issues":[{"path":["items",0,"id"],"message":"Invalid type: Expected string but received 1"}]}',
  );
});

test("resultToJson() writes a result as JSON.stringify() does, nothing as null", () => {
  const cases: [unknown, string][] = [
    [undefined, "null"],
    [null, "null"],
    [{ a: [1, "ä", null], b: undefined, c: () => {} }, '{"a":[1,"ä",null]}'],
    [{ n: Number.NaN, i: Number.POSITIVE_INFINITY }, '{"n":null,"i":null}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [new Map([["a", 1]]), "{}"],
    [{ toJSON: () => ({ own: true }) }, '{"own":true}'],
    [{ toJSON: () => null }, "null"],
    [{ text: "\ud800" }, '{"text":"\\ud800"}'],
    [JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
  ];
  for (const [result, json] of cases) assertEquals(resultToJson("task", result), json);
});

test("resultToJson() refuses what JSON can't hold, saying why", () => {
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  const throwing = {
    toJSON: () => {
      throw new TypeError("not now");
    },
  };
  const cases: [unknown, RegExp][] = [
    [cyclic, /^JSON can't hold the result of "task": .*cycl/i],
    [{ big: 1n }, /^JSON can't hold the result of "task": .*BigInt/],
    [throwing, /^JSON can't hold the result of "task": not now$/],
    [{ toJSON: () => undefined }, /^JSON can't hold the result of "task"$/],
    [{ toJSON: () => () => {} }, /^JSON can't hold the result of "task"$/],
    [revokedProxy({}), /^JSON can't hold the result of "task": /],
  ];
  for (const [result, message] of cases) {
    const error = assertThrows(() => resultToJson("task", result), SerializationError);
    assertMatch(error.message, message);
  }
});
