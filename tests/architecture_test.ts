import { setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { assert, assertEquals } from "@std/assert";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "..");

/** Lints files as if they were this project's; the rules that each one breaks. */
async function lint(files: Record<string, string>): Promise<Record<string, string[]>> {
  const folder = mkdtempSync(join(tmpdir(), "taskmount-lint-"));
  try {
    const configuration = await Bun.file(join(ROOT, "biome.json")).json();
    delete configuration.$schema;
    delete configuration.vcs;
    await Bun.write(join(folder, "biome.json"), JSON.stringify(configuration));
    for (const [path, text] of Object.entries(files)) await Bun.write(join(folder, path), text);
    const biome = join(ROOT, "node_modules/.bin/biome");
    const lint = Bun.spawn([biome, "lint", "--reporter=json", "--max-diagnostics=none", "."], {
      cwd: folder,
      stderr: "ignore",
    });
    const report: { diagnostics: { category: string; location: { path: unknown } }[] } =
      await lint.stdout.json();
    const broken: Record<string, string[]> = {};
    for (const { category, location } of report.diagnostics) {
      const path = Object.keys(files).find((file) => JSON.stringify(location.path).includes(file));
      assert(path !== undefined, `a diagnostic without one of our files: ${category}`);
      broken[path] ??= [];
      broken[path].push(category.split("/").at(-1) ?? "");
    }
    return broken;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function imports(...specifiers: string[]): string {
  const lines = specifiers.map((from, index) => `import { x as x${index} } from "${from}";\n`);
  return `${lines.join("")}export const y = [${specifiers.map((_, index) => `x${index}`)}];\n`;
}

test("the linter holds the one-way order of the folders", async () => {
  const allowed = {
    "lib/tasks/allowed.ts": imports("../storage/mod.ts", "../http/mod.ts", "../shell/mod.ts"),
    "lib/auth/allowed.ts": imports("../tasks/mod.ts", "../http/mod.ts"),
    "lib/service/allowed.ts": imports("../tasks/mod.ts", "../storage/mod.ts", "../http/mod.ts"),
    "lib/artifacts/allowed.ts": imports("../tasks/mod.ts", "../storage/mod.ts", "../http/mod.ts"),
    "lib/storage/allowed.ts": imports("./sqlite/mod.ts", "./errors.ts"),
    "lib/storage/sqlite/allowed.ts": imports("../scope.ts", "bun:sqlite"),
    "lib/command/allowed.ts": imports("../storage/mod.ts", "./run.ts"),
  };
  const refused = {
    "lib/tasks/upwards.ts": imports("../service/mod.ts"),
    "lib/tasks/sideways.ts": imports("../artifacts/mod.ts"),
    "lib/artifacts/sideways.ts": imports("../jobs/mod.ts"),
    "lib/artifacts/inside.ts": imports("../storage/session.ts"),
    "lib/jobs/artifacts.ts": imports("../artifacts/mod.ts"),
    "lib/tasks/inside.ts": imports("../storage/session.ts"),
    "lib/auth/upwards.ts": imports("../service/mod.ts"),
    "lib/auth/sideways.ts": imports("../jobs/mod.ts"),
    "lib/auth/inside.ts": imports("../http/guard.ts"),
    "lib/jobs/sideways.ts": imports("../auth/mod.ts"),
    "lib/tasks/auth.ts": imports("../auth/mod.ts"),
    "lib/service/inside.ts": imports("../tasks/registry.ts"),
    "lib/command/inside.ts": imports("../storage/database.ts"),
    "lib/storage/upwards.ts": imports("../tasks/mod.ts"),
    "lib/storage/inside.ts": imports("./sqlite/connection.ts"),
    "lib/storage/sqlite/upwards.ts": imports("../database.ts"),
    "lib/http/sideways.ts": imports("../storage/mod.ts"),
    "lib/shell/sideways.ts": imports("../http/mod.ts"),
    "lib/std/upwards.ts": imports("../../http/mod.ts"),
  };
  const broken = await lint({ ...allowed, ...refused });
  assertEquals(
    broken,
    Object.fromEntries(Object.keys(refused).map((path) => [path, ["noRestrictedImports"]])),
  );
});

test("the linter lets three folders alone know Bun", async () => {
  const bun = "export const version: string = Bun.version;\n";
  const broken = await lint({
    "lib/storage/sqlite/a.ts": bun,
    "lib/shell/a.ts": bun,
    "lib/service/bun/a.ts": bun,
    "lib/storage/a.ts": bun,
    "lib/tasks/a.ts": bun,
    "lib/http/a.ts": bun,
    "lib/service/a.ts": bun,
    "lib/auth/a.ts": bun,
    "lib/std/a.ts": bun,
    "lib/tasks/b.ts": imports("bun:sqlite"),
    "lib/service/b.ts": imports("bun"),
  });
  assertEquals(broken, {
    "lib/storage/a.ts": ["noRestrictedGlobals"],
    "lib/tasks/a.ts": ["noRestrictedGlobals"],
    "lib/http/a.ts": ["noRestrictedGlobals"],
    "lib/service/a.ts": ["noRestrictedGlobals"],
    "lib/auth/a.ts": ["noRestrictedGlobals"],
    "lib/std/a.ts": ["noRestrictedGlobals"],
    "lib/tasks/b.ts": ["noRestrictedImports"],
    "lib/service/b.ts": ["noRestrictedImports"],
  });
});

test("the linter refuses import cycles, those of types included", async () => {
  const broken = await lint({
    "lib/a.ts": 'import type { B } from "./b.ts";\nexport type A = B | 1;\n',
    "lib/b.ts": 'import type { A } from "./a.ts";\nexport type B = A | 2;\n',
  });
  assertEquals(broken, { "lib/a.ts": ["noImportCycles"], "lib/b.ts": ["noImportCycles"] });
});

test("the top level holds nothing but what the layout names", async () => {
  const known = new Set(
    "package.json bunfig.toml tsconfig.json lib examples tests README.md LICENSE CHANGELOG.md CONTRIBUTING.md bun.lock biome.json docs bench dist node_modules".split(
      " ",
    ),
  );
  const entries = await Array.fromAsync(
    new Bun.Glob("*").scan({ cwd: ROOT, onlyFiles: false, dot: false }),
  );
  assertEquals(
    entries.filter((entry) => !known.has(dirname(entry) === "." ? entry : dirname(entry))),
    [],
  );
});
