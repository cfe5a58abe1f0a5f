import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import { allows } from "../../lib/http/mod.ts";

function isAllowed(scopes: readonly string[], scope: string): boolean {
  return allows({ name: "somebody", scopes }, scope);
}

test("allows() takes a scope for itself, for what is below it, and * for all", () => {
  for (const [held, asked] of [
    ["tasks:read", "tasks:read"],
    ["tasks:execute", "tasks:execute:greet"],
    ["tasks:execute:greet", "tasks:execute:greet"],
    ["reports:run", "reports:run:a:b"],
    ["*", "anything"],
  ] as const) {
    assertEquals(isAllowed([held], asked), true, `${held} for ${asked}`);
    assertEquals(isAllowed(["other:one", held], asked), true, `${held} for ${asked}`);
  }
});

test("allows() takes no scope for one that is only like it", () => {
  for (const [held, asked] of [
    ["tasks:execute:greet", "tasks:execute"],
    ["tasks:execute:greet", "tasks:execute:greeting"],
    ["tasks:execute", "tasks:executed"],
    ["tasks:execute:", "tasks:execute:greet"],
    ["tasks:read", "tasks:submit"],
    ["tasks", "tasks:read"],
    ["", "tasks:read"],
    [":", "tasks:read"],
    ["tasks:*", "tasks:read"],
    ["**", "tasks:read"],
    ["Tasks:read", "tasks:read"],
    ["tasks:read", ""],
  ] as const) {
    assertEquals(isAllowed([held], asked), false, `${held} for ${asked}`);
  }
  assertEquals(isAllowed([], "tasks:read"), false);
});
