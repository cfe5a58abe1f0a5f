import { test } from "bun:test";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { faultOfScope } from "../../lib/auth/scopes.ts";

test("faultOfScope() finds none in the library's scopes, and in those of the user's own", () => {
  for (const scope of [
    ...["*", "tasks:read", "tasks:execute", "tasks:execute:greet_user-2", "tasks:submit"],
    ...["tasks:submit:greet", "jobs:read", "jobs:write", "artifacts:read", "artifacts:write"],
    ...["system:read", "metrics:read", "reports:run", "reports", "https://example.org/read"],
    ...["constructor:x", "toString"],
  ]) {
    assertEquals(faultOfScope(scope), undefined, scope);
  }
});

test("faultOfScope() names what is written like one of the library's and is none", () => {
  for (const scope of [
    ...["tasks", "tasks:", "tasks:run", "tasks:read:greet", "tasks:execute:", "tasks:execute:*"],
    ...["tasks:execute:a:b", "jobs", "jobs:*", "jobs:execute", "artifacts:delete", "system:write"],
    ...["metrics", "tasks:execute:ä"],
  ]) {
    const fault = faultOfScope(scope) ?? "";
    if (/[^\x20-\x7e]/.test(scope)) assertStringIncludes(fault, "a scope is text");
    else assertStringIncludes(fault, `there is no such scope of ${scope.split(":")[0]}`);
  }
});

test("faultOfScope() refuses what a header could not name", () => {
  for (const scope of ["", " ", "a b", 'a"b', "a\\b", "a\nb", "ä", "a".repeat(201), 1, null]) {
    assertStringIncludes(faultOfScope(scope) ?? "", "a scope is text");
  }
  assertStringIncludes(faultOfScope("a,b") ?? "", "without commas");
});
