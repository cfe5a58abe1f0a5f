import { beforeAll, test } from "bun:test";
import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { Lines } from "./lines.ts";

const ROOT = join(import.meta.dir, "..");
const CONSUMER_CONFIGURATION = {
  compilerOptions: {
    target: "ESNext",
    lib: ["ESNext"],
    module: "Preserve",
    moduleResolution: "bundler",
    types: ["bun"],
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    skipLibCheck: false,
  },
};

async function run(command: string[], cwd: string): Promise<string> {
  const child = Bun.spawn(command, { cwd, stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  assertEquals(await child.exited, 0, `${command.join(" ")}\n${output}\n${errors}`);
  return output;
}

/** The README's quick start, on a free port. */
async function quickStart(): Promise<string> {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  const program = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  assert(program !== undefined);
  assert(program.includes("port: 8000"));
  return program.replace("port: 8000", "port: 0");
}

let consumer: string;
let installed: Installed;

interface Installed {
  readonly packages: ReadonlySet<string>;
  readonly bytes: number;
}

/** What lies in `node_modules`. */
async function measureInstalled(): Promise<Installed> {
  const folder = join(consumer, "node_modules");
  const packages = new Set<string>();
  let bytes = 0;
  for await (const entry of new Bun.Glob("**/*").scan({ cwd: folder, dot: true })) {
    bytes += lstatSync(join(folder, entry)).size;
    const name = /^(@[^/]+\/)?[^/.][^/]*/.exec(entry)?.[0];
    if (name !== undefined) packages.add(name);
  }
  return { packages, bytes };
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskmount-package-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Packed from a copy, since packing makes dist/.
  const copy = join(folder, "copy");
  const files = "git ls-files -z --cached --others --exclude-standard";
  await run(
    ["sh", "-c", `${files} | tar --null -T - -c | (mkdir "$1" && tar -x -C "$1")`, "sh", copy],
    ROOT,
  );
  await run(["ln", "-s", join(ROOT, "node_modules"), "node_modules"], copy);
  await run([process.execPath, "pm", "pack", "--quiet", "--destination", folder], copy);
  const [tarball] = await Array.fromAsync(new Bun.Glob("*.tgz").scan(folder));
  assert(tarball !== undefined);
  consumer = join(folder, "consumer");
  await Bun.write(join(consumer, "package.json"), '{ "name": "consumer", "type": "module" }');
  await run([process.execPath, "add", join(folder, tarball), "valibot"], consumer);
  // Before a test adds what it needs besides.
  installed = await measureInstalled();
}, 120_000);

test("the package brings at most 16 packages and 30 MB", () => {
  const { packages, bytes } = installed;
  console.log(`${packages.size} packages, ${(bytes / 1e6).toFixed(1)} MB`);
  assert(packages.has("taskmount"));
  assert(packages.size <= 16, [...packages].join(" "));
  assert(bytes <= 30e6, `${bytes} bytes`);
});

test("what is optional is not brought along, and build() says how to add it", async () => {
  assert(!installed.packages.has("jose"));
  await Bun.write(
    join(consumer, "tokens.ts"),
    `import { ServiceBuilder } from "taskmount";
const jwt = { issuer: "https://a.example", audience: "b", jwks: "https://a.example/jwks.json" };
const build = () => new ServiceBuilder({ id: "tokens", displayName: "Tokens" }).withAuth({ jwt }).build();
try {
  build();
} catch (error) {
  console.log(String(error));
}
new ServiceBuilder({ displayName: "Keys" }).withAuth({ keys: ["one"] }).build();
`,
  );
  const said =
    'ServiceConfigurationError: Cannot build the service "tokens":\n' +
    '- withAuth({ jwt }) needs the package "jose", which is not installed: bun add jose\n';
  assertEquals(await run([process.execPath, "tokens.ts"], consumer), said);
  // Nor does a bundler insist on it.
  const bundle = ["build", "--target=bun", "tokens.ts", "--outfile", "bundle.js"];
  await run([process.execPath, ...bundle], consumer);
  assertEquals(await run([process.execPath, "bundle.js"], consumer), said);
});

test("the README's quick start runs on the installed package", async () => {
  await Bun.write(join(consumer, "service.ts"), await quickStart());
  const child = Bun.spawn([process.execPath, "service.ts"], { cwd: consumer, stdout: "pipe" });
  const line = await new Lines(child.stdout).next();
  const url = line.replace("Listening at ", "");
  const execute = async (task: string, body: string) => {
    const response = await fetch(new URL(`/api/v1/tasks/${task}/$execute`, url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    return await response.text();
  };
  assertEquals(
    await execute("greet_user", '{"params": {"name": "Alice"}}'),
    '{"task_name":"greet_user","params":{"name":"Alice"},"result":{"message":"Hello, Alice!"},"error":null}',
  );
  assertEquals(
    await execute("count_visit", '{"params": {"name": "Alice"}}'),
    '{"task_name":"count_visit","params":{"name":"Alice"},"result":{"visits":1},"error":null}',
  );
  child.kill("SIGTERM");
  assertEquals(await child.exited, 0);
});

test("the quick start passes a strict type check in the consumer's folder, with inference intact", async () => {
  await Bun.write(join(consumer, "service.ts"), await quickStart());
  await Bun.write(
    join(consumer, "inference.ts"),
    `import * as v from "valibot";
import { Database, defineTask, type Task } from "taskmount";
export const task = defineTask("t", {
  params: v.object({ n: v.number() }),
  inject: [Database],
  run: ({ n }, database) => ({ n: n.toFixed(), url: database.url }),
});
export const same: Task<"t", { n: number }, { n: string; url: string }> = task;
// @ts-expect-error n is a number
export const other: Task<"t", { n: string }, { n: string; url: string }> = task;
`,
  );
  await Bun.write(
    join(consumer, "testing.ts"),
    `import { registry } from "taskmount";
import { TestScheduler } from "taskmount/testing";
import { task } from "./inference";
registry.register(task);
await using jobs = new TestScheduler();
const { result } = await jobs.run(task, { n: 5 }, { delay: 3_600 });
console.log(JSON.stringify(result));
// @ts-expect-error n is a number
const wrong = () => jobs.run(task, { n: "5" });
export { wrong };
`,
  );
  const printed = await run([process.execPath, "testing.ts"], consumer);
  assertEquals(printed, '{"n":"5","url":"sqlite::memory:"}\n');
  await Bun.write(join(consumer, "tsconfig.json"), JSON.stringify(CONSUMER_CONFIGURATION));
  await run([process.execPath, "add", "--dev", "@types/bun", "typescript@7.0.2"], consumer);
  await run([process.execPath, "x", "tsc", "--noEmit"], consumer);
}, 120_000);

test("the built types mention no @std", async () => {
  const dist = join(consumer, "node_modules/taskmount/dist");
  for await (const file of new Bun.Glob("**/*.d.ts").scan(dist)) {
    const text = await Bun.file(join(dist, file)).text();
    assert(!text.includes("@std/"), file);
  }
});

test("bunx taskmount backs up a database", async () => {
  const program = `import { Database } from "taskmount";
await using database = Database.sqlite("weather.db");
await database.kysely().schema.createTable("cities").addColumn("name", "text").execute();
`;
  await run([process.execPath, "-e", program], consumer);
  const command = [process.execPath, "x", "taskmount", "backup", "weather.db", "backup.db"];
  assertEquals(await run(command, consumer), "sqlite:weather.db is backed up to backup.db\n");
  assert(await Bun.file(join(consumer, "backup.db")).exists());
});

test("the public names are the reviewed ones", async () => {
  const reviewed = (await Bun.file(join(import.meta.dir, "public_names.txt")).text()).trim();
  assertEquals((await exportedNames("lib/mod.ts")).sort().join("\n"), reviewed);
  const values = await run(
    [process.execPath, "-e", 'console.log(Object.keys(await import("taskmount")).join("\\n"))'],
    consumer,
  );
  const names = reviewed.split("\n").filter((name) => !name.startsWith("type "));
  assertEquals(values.trim().split("\n").sort(), names);
});

/** The names that a `mod.ts` exports, as its text says; types as `type Name`. */
async function exportedNames(path: string): Promise<string[]> {
  const text = await Bun.file(join(ROOT, path)).text();
  const names: string[] = [];
  for (const [, from = ""] of text.matchAll(/export \* from "\.\/([^"]+)"/g)) {
    names.push(...(await exportedNames(join("lib", from))));
  }
  for (const [, kind = "", list = ""] of text.matchAll(/export (type )?\{([^}]*)\}/g)) {
    const listed = list
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    names.push(...listed.map((name) => (name.startsWith("type ") ? name : kind + name)));
  }
  return names;
}
