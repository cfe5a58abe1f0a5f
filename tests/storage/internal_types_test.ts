import { test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { TemporaryFolder } from "./databases.ts";

const ROOT = join(import.meta.dir, "../..");

/** The members that a class has in the built types. */
function membersOf(declaration: string, name: string): string[] {
  const body = new RegExp(`export declare class ${name} [^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(
    declaration,
  )?.[1];
  assert(body !== undefined, `there is no class ${name}`);
  const members = body.matchAll(/^ {4}(?:static |private |readonly |get )*(\[?[\w.#]+\]?)/gm);
  return [...new Set([...members].map(([, member]) => member ?? ""))].sort();
}

test("the built types show nothing of storage that is taskmount's own", async () => {
  await using folder = await TemporaryFolder.create();
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const build = Bun.spawn(
    [tsc, "--project", join(ROOT, "lib/tsconfig.json"), "--outDir", folder.path],
    { stdout: "pipe" },
  );
  assertEquals(await build.stdout.text(), "");
  const read = (name: string) => Bun.file(folder.file(name)).text();
  assertEquals(membersOf(await read("storage/database.d.ts"), "Database"), [
    "#private",
    "[Symbol.asyncDispose]",
    "backup",
    "close",
    "constructor",
    "kysely",
    "migrate",
    "open",
    "session",
    "sqlite",
    "tablePrefix",
    "transaction",
    "url",
  ]);
  assertEquals(membersOf(await read("storage/session.d.ts"), "Session"), [
    "#private",
    "[Symbol.dispose]",
    "constructor",
    "kysely",
    "transaction",
  ]);
}, 60_000);
