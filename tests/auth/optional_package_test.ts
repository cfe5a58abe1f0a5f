import { setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertEquals, assertThrows } from "@std/assert";
import { refuseMissing } from "../../lib/auth/optional_package.ts";
import { MissingPackageError } from "../../lib/mod.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

test("refuseMissing() names the package that is missing, and how to add it", () => {
  refuseMissing("jose", "a feature");
  assertThrows(
    () => refuseMissing("taskmount-no-such-package", "a feature"),
    MissingPackageError,
    'a feature needs the package "taskmount-no-such-package", which is not installed: ' +
      "bun add taskmount-no-such-package",
  );
});

test("a compiled program finds within itself what is optional", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taskmount-compiled-"));
  try {
    const program = join(folder, "tokens");
    const source = join(import.meta.dir, "fixtures/tokens.ts");
    const build = Bun.spawn(
      [process.execPath, "build", "--compile", "--outfile", program, source],
      { stdout: "ignore", stderr: "pipe" },
    );
    assertEquals(await build.exited, 0, await build.stderr.text());
    const run = Bun.spawn([program], { cwd: folder, stdout: "pipe", stderr: "inherit" });
    assertEquals(await run.stdout.text(), "401\n");
    assertEquals(await run.exited, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
