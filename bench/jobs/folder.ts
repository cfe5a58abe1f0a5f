import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for the files of one queue, removed with them. */
export class Folder implements Disposable {
  readonly #path = mkdtempSync(join(tmpdir(), "taskmount-bench-"));

  file(name: string): string {
    return join(this.#path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
