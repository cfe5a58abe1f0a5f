import { afterAll, test } from "bun:test";
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { type Program, readGuide } from "./guide.ts";
import { assertRunsAsShown, runnableSource } from "./run_program.ts";

const ROOT = join(import.meta.dir, "../..");
/** Milliseconds, for a test that starts several processes on a machine with other work to do. */
const TIMEOUT = 60_000;

interface Guide {
  /** Its path in the project. */
  readonly path: string;
  /** Where its programs are. */
  readonly folder: string;
  readonly programs: readonly Program[];
}

const root = mkdtempSync(join(tmpdir(), "taskmount-docs-"));
afterAll(() => rmSync(root, { recursive: true }));

const paths = ["README.md", ...globSync("docs/*.md", { cwd: ROOT }).sort()];
const guides = await Promise.all(paths.map(unpack));
await writeSettings();

async function unpack(path: string): Promise<Guide> {
  const folder = join(root, path.replaceAll(/\W/g, "_"));
  mkdirSync(folder);
  const programs = readGuide(await Bun.file(join(ROOT, path)).text());
  for (const program of programs) {
    await Bun.write(join(folder, program.file), runnableSource(program));
  }
  return { path, folder, programs };
}

/** Makes "taskmount" and the packages resolve there as they do in the project. */
async function writeSettings(): Promise<void> {
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  const configuration = await Bun.file(join(ROOT, "tsconfig.json")).json();
  const aliases: [string, string[]][] = Object.entries(configuration.compilerOptions.paths);
  const settings = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      paths: Object.fromEntries(
        aliases.map(([name, targets]) => [name, targets.map((target) => join(ROOT, target))]),
      ),
    },
    include: ["*/*.ts"],
  };
  await Bun.write(join(root, "tsconfig.json"), JSON.stringify(settings));
}

async function assertAllCompile(): Promise<void> {
  const tsc = Bun.spawn([join(ROOT, "node_modules/.bin/tsc"), "--noEmit"], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
  });
  const report = await tsc.stdout.text();
  await tsc.exited;
  // Each begins its line; more of it is indented. Those in lib are for the project's own check.
  const errors = report.split(/\n(?=\S)/).filter((error) => !/^(\.\.\/|$)/.test(error));
  // The lines of a program are those of its guide.
  const located = errors.map((error) =>
    error.replace(/^(\w+)\/([\w.]+\.ts)\((\d+),\d+\)/, (_, folder, file, line) => {
      const path = guides.find((guide) => basename(guide.folder) === folder)?.path;
      return `${path}:${line} (${file})`;
    }),
  );
  assertEquals(located, []);
}

async function assertAllRunAsShown({ folder, programs }: Guide): Promise<void> {
  // One by one, since some share a file.
  for (const program of programs) {
    const isImported = programs.some(({ source }) => source.includes(`"./${program.file}"`));
    if (!isImported) await assertRunsAsShown(program, folder);
  }
}

test.concurrent("every example compiles under the project's settings", assertAllCompile, TIMEOUT);

for (const guide of guides.filter(({ programs }) => programs.length > 0)) {
  test.concurrent(
    `${guide.path} shows what its programs do`,
    () => assertAllRunAsShown(guide),
    TIMEOUT,
  );
}

test("the guides' links lead to files of the project, and to headings in them", async () => {
  for (const path of paths) {
    const text = await Bun.file(join(ROOT, path)).text();
    for (const [link, target = "", heading] of text.matchAll(/\]\(([^)#:]*)(?:#([\w-]+))?\)/g)) {
      const file = target === "" ? join(ROOT, path) : join(ROOT, dirname(path), target);
      assert(existsSync(file), `${path} has ${link}, and no such file is there`);
      if (heading === undefined) continue;
      const found = headingsOf(await Bun.file(file).text()).includes(heading);
      assert(found, `${path} has ${link}, and no such heading is there`);
    }
  }
});

/** The headings of a Markdown file, as links name them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}
