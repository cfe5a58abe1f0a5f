import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new directory, which goes when its `using` block ends. */
export class TemporaryDirectory implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "taskmount-example-")));

  /** The path of something in it. */
  of(...names: string[]): string {
    return join(this.path, ...names);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}
