import { afterAll, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AssertionError, assertRejects } from "@std/assert";
import type { Program } from "./guide.ts";
import { assertRunsAsShown, runnableSource } from "./run_program.ts";

const root = mkdtempSync(join(tmpdir(), "taskmount-docs-"));
afterAll(() => rmSync(root, { recursive: true }));

const SERVER = `
const fetch = () => Response.json({ port: server.port });
const server = Bun.serve({ hostname: "127.0.0.1", port: 8000, fetch });
console.log("Listening at " + server.url);`;

async function run(program: Partial<Program>): Promise<void> {
  const whole = { file: "a.ts", source: "", output: undefined, commands: [], ...program };
  const folder = mkdtempSync(join(root, "run-"));
  await Bun.write(join(folder, whole.file), runnableSource(whole));
  await assertRunsAsShown(whole, folder);
}

function curl(answer: string | undefined, url = "http://127.0.0.1:8000/") {
  return { text: `curl --silent ${url}`, line: 7, answer };
}

test("a program passes that ends well and prints what is shown", async () => {
  await run({ source: "console.log(1)", output: "1" });
  await run({ source: "console.log(1)" });
});

test("a program fails that prints something else", async () => {
  const printed = run({ source: "console.log(1)", output: "2" });
  await assertRejects(() => printed, AssertionError, "a.ts prints\n1\n\nand not\n2");
});

test("a program fails that throws, although its output is as shown", async () => {
  const thrown = run({ source: "console.log(1); throw new Error('no')", output: "1" });
  await assertRejects(() => thrown, AssertionError, "error: no");
});

test("a test program is run by bun test, and fails with its tests", async () => {
  const source = (expected: number) =>
    `import { expect, test } from "bun:test"; test("one", () => expect(1).toBe(${expected}));`;
  await run({ file: "a_test.ts", source: source(1) });
  const failed = run({ file: "a_test.ts", source: source(2) });
  await assertRejects(() => failed, AssertionError, "1 fail");
});

test("a service's commands are answered by it, on whatever port it has", async () => {
  const output = "Listening at http://127.0.0.1:8000/";
  await run({ source: SERVER, output, commands: [curl(undefined), curl('{ "port": 8000 }')] });
});

test("a service fails that answers something else", async () => {
  const answered = run({ source: SERVER, commands: [curl('{"port":1}')] });
  await assertRejects(() => answered, AssertionError, "Line 7 is answered");
});

test("a command fails that doesn't reach its service", async () => {
  const lost = run({ source: SERVER, commands: [curl(undefined, "http://127.0.0.1:1/")] });
  await assertRejects(() => lost, AssertionError, "The command at line 7 failed");
});

test("a service fails that ends before it says where it listens", async () => {
  const ended = run({ source: "console.error('no port')", commands: [curl(undefined)] });
  await assertRejects(() => ended, AssertionError, "a.ts says no address:\nno port");
});
