import { expectTypeOf, test } from "bun:test";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { type ValidationResult, validate } from "../../../lib/tasks/schema/mod.ts";

type Path = NonNullable<StandardSchemaV1.Issue["path"]>;

function failing(issues: readonly StandardSchemaV1.Issue[]): StandardSchemaV1<unknown, never> {
  return {
    "~standard": { version: 1, vendor: "by-hand", validate: () => ({ issues }) },
  };
}

function issuesOf(
  result: ValidationResult<unknown> | Promise<ValidationResult<unknown>>,
): NonNullable<ValidationResult<unknown>["issues"]> {
  assert(!(result instanceof Promise));
  return result.issues ?? [];
}

test("validate() gives the value that the schema makes, at once", () => {
  const schema = v.object({ count: v.pipe(v.string(), v.transform(Number)) });
  const result = validate(schema, { count: "3", dropped: true });
  expectTypeOf(result).toEqualTypeOf<ValidationResult<{ count: number }>>();
  assertEquals(result, { value: { count: 3 } });
});

test("validate() tells a valid undefined from issues", () => {
  assertEquals(validate(v.undefined(), undefined), { value: undefined });
});

test("validate() gives paths of names and indexes, whatever the library", () => {
  const value = { items: [{ id: "a" }, { id: 1 }] };
  const schemas: StandardSchemaV1[] = [
    v.object({ items: v.array(v.object({ id: v.string() })) }),
    z.object({ items: z.array(z.object({ id: z.string() })) }),
    type({ items: type({ id: "string" }).array() }),
  ];
  for (const schema of schemas) {
    const issues = issuesOf(validate(schema, value));
    assertEquals(
      issues.map(({ path }) => path),
      [["items", 1, "id"]],
    );
    // Not an array of the library's own class, with more than JSON in it.
    assertEquals(Object.getPrototypeOf(issues), Array.prototype);
    assertEquals(Object.getPrototypeOf(issues[0]?.path), Array.prototype);
    assertEquals(Object.keys(issues[0] ?? {}).sort(), ["message", "path"]);
  }
});

test("validate() gives an empty path for the value itself", () => {
  assertEquals(validate(v.string(), 1), {
    issues: [{ path: [], message: "Invalid type: Expected string but received 1" }],
  });
});

test("validate() writes symbols, Map keys and other keys as text", () => {
  const bare: unknown = Object.create(null);
  const keys = [
    Symbol("s"),
    { key: Symbol("t") },
    { key: "a" },
    { key: 1 },
    Number.NaN,
    { key: bare },
  ];
  // @ts-expect-error Libraries put the keys of a Map here, whatever the standard's types say.
  const path: Path = keys;
  assertEquals(issuesOf(validate(failing([{ message: "m", path }]), 1)), [
    { path: ["Symbol(s)", "Symbol(t)", "a", 1, "NaN", "[object]"], message: "m" },
  ]);
  const map = v.map(v.date(), v.number());
  assertEquals(
    issuesOf(validate(map, new Map([[new Date(Number.NaN), 1]]))).map(({ path }) => path),
    [["Invalid Date"]],
  );
});

test("validate() keeps the first 100 issues", () => {
  const value = Array.from({ length: 100_000 }, (_, index) => index);
  const issues = issuesOf(validate(v.array(v.string()), value));
  assertEquals(issues.length, 100);
  assertEquals(issues.at(-1)?.path, [99]);
});

test("validate() cuts long messages and keys, not within a character", () => {
  const [issue] = issuesOf(
    validate(failing([{ message: "x".repeat(1_000_000), path: ["k".repeat(1_000)] }]), 1),
  );
  assertEquals(issue?.message, `${"x".repeat(499)}…`);
  assertEquals(issue?.path, [`${"k".repeat(199)}…`]);
  const emoji = issuesOf(validate(failing([{ message: `${"x".repeat(498)}😀xx` }]), 1));
  assertEquals(emoji[0]?.message, `${"x".repeat(498)}…`);
  const whole = issuesOf(validate(failing([{ message: "x".repeat(500) }]), 1));
  assertEquals(whole[0]?.message, "x".repeat(500));
});

test("validate() cuts long paths", () => {
  const path = Array.from({ length: 10_000 }, (_, index) => index);
  assertEquals(issuesOf(validate(failing([{ message: "m", path }]), 1))[0]?.path.length, 100);
});

test("validate() keeps a failure without issues a failure", () => {
  assertEquals(validate(failing([]), 1), { issues: [] });
});

test("validate() gives a promise where the schema validates asynchronously", async () => {
  const schema = v.objectAsync({
    name: v.pipeAsync(
      v.string(),
      v.checkAsync(async (input) => input === "free", "taken"),
    ),
  });
  const result = validate(schema, { name: "free" });
  assertInstanceOf(result, Promise);
  assertEquals(await result, { value: { name: "free" } });
  assertEquals(await validate(schema, { name: "x" }), {
    issues: [{ path: ["name"], message: "taken" }],
  });
});

test("validate() awaits any thenable, rather than take it for a result", async () => {
  const schema: StandardSchemaV1<unknown, never> = {
    "~standard": {
      version: 1,
      vendor: "by-hand",
      validate: () => ({
        // @ts-expect-error A promise of another kind or realm, as only JavaScript can give it.
        // biome-ignore lint/suspicious/noThenProperty: this is the thenable under test.
        then: (resolve: (result: unknown) => void) => resolve({ issues: [{ message: "m" }] }),
      }),
    },
  };
  assertEquals(await validate(schema, 1), { issues: [{ path: [], message: "m" }] });
});

test("validate() throws, or rejects with, what the schema's own functions throw", async () => {
  const fail = (): never => {
    throw new RangeError("in a check");
  };
  assertThrows(() => validate(v.pipe(v.string(), v.check(fail)), "x"), RangeError, "in a check");
  const later = v.pipeAsync(
    v.string(),
    v.checkAsync(async () => fail()),
  );
  await assertRejects(async () => await validate(later, "x"), RangeError, "in a check");
});
