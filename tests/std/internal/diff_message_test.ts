import { expect, setDefaultTimeout, test } from "bun:test";
import { diffMessage } from "../../../lib/std/internal/diff_message.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const HEAD =
  "\x1b[90m\x1b[1m[Diff]\x1b[22m\x1b[39m " +
  "\x1b[31m\x1b[1mActual\x1b[22m\x1b[39m / \x1b[32m\x1b[1mExpected\x1b[22m\x1b[39m";

async function inProcess(environment: Record<string, string>): Promise<string> {
  const module = new URL("../../../lib/std/internal/diff_message.ts", import.meta.url).href;
  const script = `
    import { diffMessage } from ${JSON.stringify(module)};
    console.log(JSON.stringify(diffMessage([1, 2], [1, 3])));
  `;
  const child = Bun.spawn([process.execPath, "--eval", script], {
    env: { ...process.env, NO_COLOR: "", ...environment },
  });
  return JSON.parse(await child.stdout.text());
}

test("diffMessage() colors lines, and the words of lines that differ", async () => {
  expect(await inProcess({})).toBe(
    [
      "",
      "",
      `    ${HEAD}`,
      "",
      "",
      "\x1b[37m    [\x1b[39m",
      "\x1b[37m      1,\x1b[39m",
      "\x1b[31m\x1b[1m-     2\x1b[22m\x1b[39m",
      "\x1b[32m\x1b[1m+     3\x1b[22m\x1b[39m",
      "\x1b[37m    ]\x1b[39m",
      "",
    ].join("\n"),
  );
});

test("diffMessage() has no colors where NO_COLOR is set", async () => {
  expect(await inProcess({ NO_COLOR: "1" })).toBe(
    "\n\n    [Diff] Actual / Expected\n\n\n    [\n      1,\n-     2\n+     3\n    ]\n",
  );
});

test("diffMessage() compares two texts as they are, and all else as rendered", () => {
  expect(Bun.stripANSI(diffMessage("it's", "its"))).toContain("-   it's\n+   its\n");
  expect(Bun.stripANSI(diffMessage("1", 1))).toContain("-   '1'\n+   1\n");
});
