import { setDefaultTimeout, test } from "bun:test";
import { chmodSync, cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Database } from "taskmount";
import type { Tables } from "../../examples/tables.ts";
import { Example, failToStart, ROOT } from "./example.ts";
import { TemporaryDirectory } from "./temporary_directory.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** A pipe with a name: reading it waits for a writer, and writing it for a reader. */
function makePipe(path: string): string {
  Bun.spawnSync(["mkfifo", path]);
  return path;
}

test("run_command answers what the command left, where ALLOW_SHELL is 1", async () => {
  await using example = await Example.start({ env: { ALLOW_SHELL: "1" } });
  assertEquals(
    await example.execute("run_command", { command: "echo out; echo err >&2; exit 3" }),
    '{"task_name":"run_command","params":{"command":"echo out; echo err >&2; exit 3"},"result":{"command":"echo out; echo err >&2; exit 3","stdout":"out\\n","stderr":"err\\n","returncode":3},"error":null}',
  );
});

test("run_command ends the command when its caller goes away", async () => {
  using directory = new TemporaryDirectory();
  const [started, ended] = [makePipe(directory.of("started")), makePipe(directory.of("ended"))];
  await using example = await Example.start({ env: { ALLOW_SHELL: "1" } });
  const caller = new AbortController();
  const command = `trap 'echo TERM > ${ended}; exit' TERM; echo yes > ${started}; sleep 100 & wait`;
  const answer = example.execute("run_command", { command }, { signal: caller.signal });
  assertEquals(await readFile(started, "utf8"), "yes\n");
  caller.abort();
  await assertRejects(() => answer, DOMException);
  assertEquals(await readFile(ended, "utf8"), "TERM\n");
});

test("count_files ends its command and writes nothing when its caller goes away", async () => {
  using directory = new TemporaryDirectory();
  const [started, ended] = [makePipe(directory.of("started")), makePipe(directory.of("ended"))];
  writeFileSync(
    directory.of("find"),
    `#!/bin/sh\ntrap 'echo TERM > ${ended}; exit' TERM; echo yes > ${started}; sleep 100 & wait\n`,
  );
  chmodSync(directory.of("find"), 0o755);
  const path = `${directory.path}:${process.env["PATH"]}`;
  const url = directory.of("example.db");
  await using example = await Example.start({ env: { PATH: path, DATABASE_URL: url } });
  const caller = new AbortController();
  const answer = example.execute("count_files", {}, { signal: caller.signal });
  assertEquals(await readFile(started, "utf8"), "yes\n");
  caller.abort();
  await assertRejects(() => answer, DOMException);
  assertEquals(await readFile(ended, "utf8"), "TERM\n");
  assertEquals(await example.stop(), 0);
  await using database = Database.open(url);
  assertEquals(await database.kysely<Tables>().selectFrom("file_counts").selectAll().execute(), []);
});

test("SIGTERM lets a slow request be answered, refuses others, and ends with 0", async () => {
  using directory = new TemporaryDirectory();
  const [started, go] = [makePipe(directory.of("started")), makePipe(directory.of("go"))];
  await using example = await Example.start({ env: { ALLOW_SHELL: "1" } });
  const command = `echo yes > ${started}; cat ${go}`;
  const answer = example.execute("run_command", { command });
  assertEquals(await readFile(started, "utf8"), "yes\n");
  example.process.kill("SIGTERM");
  while ((await fetch(`${example.url}/health`)).status !== 503);
  await writeFile(go, "answered");
  assertEquals(JSON.parse(await answer).result.stdout, "answered");
  assertEquals(await example.process.exited, 0);
});

test("SIGINT ends with 0", async () => {
  await using example = await Example.start();
  assertEquals(await example.stop("SIGINT"), 0);
});

test("what count_files keeps outlives the process", async () => {
  using directory = new TemporaryDirectory();
  const env = { DATABASE_URL: `sqlite:${directory.of("example.db")}` };
  const params = { directory: directory.of("counted") };
  await Bun.write(directory.of("counted", "a"), "");
  const counts: unknown[] = [];
  for (let run = 0; run < 2; run++) {
    await using example = await Example.start({ env });
    counts.push(JSON.parse(await example.execute("count_files", params)).result);
    assertEquals(await example.stop(), 0);
  }
  assertEquals(counts, [
    { ...params, count: 1, previous_count: null },
    { ...params, count: 1, previous_count: 1 },
  ]);
});

test("a PORT that is no port ends with 1 and one line", async () => {
  assertEquals(await failToStart({ PORT: "80a" }), {
    exitCode: 1,
    stdout: "",
    stderr: 'Cannot use PORT="80a": it must be a whole number from 0 to 65535\n',
  });
});

test("a port that is taken ends with 1 and one line", async () => {
  await using example = await Example.start();
  const { port } = new URL(example.url);
  assertEquals(await failToStart({ PORT: port }), {
    exitCode: 1,
    stdout: "",
    stderr: `Cannot listen at 127.0.0.1:${port}: the port is taken. Choose another by PORT, or PORT=0 for any that is free\n`,
  });
});

test("a database that can't be opened ends with 1 and one line", async () => {
  using directory = new TemporaryDirectory();
  const url = directory.of("missing", "example.db");
  const { exitCode, stdout, stderr } = await failToStart({ DATABASE_URL: url });
  assertEquals([exitCode, stdout], [1, ""]);
  assertStringIncludes(stderr, `Cannot open sqlite:${url}`);
  assertEquals(stderr.trim().includes("\n"), false);
});

test("bun --hot serves what has changed at the same URL, and keeps its database", async () => {
  using directory = new TemporaryDirectory();
  cpSync(`${ROOT}/examples`, directory.of("examples"), { recursive: true });
  cpSync(`${ROOT}/tsconfig.json`, directory.of("tsconfig.json"));
  for (const name of ["lib", "node_modules"]) symlinkSync(`${ROOT}/${name}`, directory.of(name));
  await using example = await Example.start({
    cwd: directory.path,
    flags: ["--hot"],
    env: { DATABASE_URL: directory.of("example.db") },
  });
  const params = { directory: directory.of("counted") };
  await Bun.write(directory.of("counted", "a"), "");
  assertStringIncludes(await example.execute("greet_user"), "Hello, World!");
  assertStringIncludes(await example.execute("count_files", params), '"previous_count":null');
  const main = directory.of("examples", "main.ts");
  writeFileSync(main, readFileSync(main, "utf8").replace("Hello, ", "Good morning, "));
  await example.printed(2);
  assertStringIncludes(await example.execute("greet_user"), "Good morning, World!");
  assertStringIncludes(await example.execute("count_files", params), '"previous_count":1');
  assertEquals(await example.stop(), 0);
});
