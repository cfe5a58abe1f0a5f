import { setDefaultTimeout, test } from "bun:test";
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { Lines } from "../lines.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "../..");

/** A copy of the project, to be edited. */
function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "taskmount-hot-"));
  for (const entry of ["lib", "examples", "package.json", "tsconfig.json"]) {
    cpSync(join(ROOT, entry), join(folder, entry), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

async function nextUrl(lines: Lines): Promise<string> {
  for (;;) {
    const url = /^Listening at (http:\S+)/.exec(await lines.next())?.[1];
    if (url !== undefined) return url;
  }
}

async function greet(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/tasks/greet_user/$execute`, { method: "POST" });
  return await response.text();
}

/** What a process has open that a second service would open again. */
function openBy(pid: number): { databases: number; listeners: number } {
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // Closed meanwhile.
      return "";
    }
  });
  const LISTEN = "0A";
  const listening = new Set(
    readFileSync(`/proc/${pid}/net/tcp`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === LISTEN)
      .map((columns) => `socket:[${columns[9]}]`),
  );
  return {
    databases: targets.filter((target) => target.endsWith("memory.db")).length,
    listeners: targets.filter((target) => listening.has(target)).length,
  };
}

test("bun --hot serves each edit, and leaves no older service behind", async () => {
  const folder = copyProject();
  const main = join(folder, "examples/main.ts");
  const child = Bun.spawn([process.execPath, "--hot", main], {
    cwd: folder,
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", DATABASE_URL: ":memory:" },
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    const lines = new Lines(child.stdout);
    const url = await nextUrl(lines);
    assert((await greet(url)).includes("Hello, World!"));
    const atFirst = process.platform === "linux" ? openBy(child.pid) : undefined;
    for (const [before, after] of [
      ["Hello", "Salut"],
      ["Salut", "Hei"],
    ] as const) {
      writeFileSync(main, readFileSync(main, "utf8").replace(`${before}, $`, `${after}, $`));
      assertEquals(await nextUrl(lines), url, "the server itself is kept");
      assert((await greet(url)).includes(`${after}, World!`));
    }
    if (atFirst !== undefined) {
      assertEquals(atFirst, { databases: 2, listeners: 1 });
      assertEquals(openBy(child.pid), atFirst);
    }
    child.kill("SIGTERM");
    assertEquals(await child.exited, 0);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
