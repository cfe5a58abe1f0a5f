import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A file in a private folder (mode 0700) that goes with `remove()`, or with the process. */
export class TemporaryFile {
  #folder: string | undefined;

  /** The folder is made when somebody first asks. */
  get path(): string {
    if (this.#folder === undefined) {
      this.#folder = mkdtempSync(join(tmpdir(), "taskmount-"));
      if (folders.size === 0) process.on("exit", removeAll);
      folders.add(this.#folder);
    }
    return join(this.#folder, "memory.db");
  }

  remove(): void {
    if (this.#folder === undefined) return;
    rmSync(this.#folder, { recursive: true, force: true });
    folders.delete(this.#folder);
    if (folders.size === 0) process.off("exit", removeAll);
  }
}
