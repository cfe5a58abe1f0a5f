import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A file in a private folder (mode 0700) that goes with `remove()`, or with the process. */
export class TemporaryFile {
  readonly path: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "taskmount-"));
    this.path = join(this.#folder, "memory.db");
    folders.add(this.#folder);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
    folders.delete(this.#folder);
  }
}
