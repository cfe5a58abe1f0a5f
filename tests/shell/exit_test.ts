import { setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { isAlive } from "./processes.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const PROGRAM = `
  import { existsSync } from "node:fs";
  import { runShell } from "${join(import.meta.dir, "../../lib/shell/mod.ts")}";
  const file = process.argv.at(-1);
  void runShell("echo $$ > " + file + ".part; mv " + file + ".part " + file + "; exec sleep 1000");
  while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
  console.log(await Bun.file(file).text());
  process.exit(7);
`;

test("a process that exits ends the commands that it runs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskmount-exit-"));
  try {
    const child = Bun.spawn([process.execPath, "-e", PROGRAM, join(folder, "pid")], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const pid = Number(await child.stdout.text());
    assertEquals(await child.exited, 7);
    // The signal was sent before the exit; it takes effect in its own time.
    while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
    assertEquals(pid > 1, true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
