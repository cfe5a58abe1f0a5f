import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { Lines } from "../lines.ts";

/**
 * A second Bun process that runs one of the fixtures. Both sides speak in
 * lines, so that a test waits for an event of the other process, never for a
 * length of time.
 */
export class Child implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit" | "ignore">;
  readonly #lines: Lines;

  constructor(
    fixture: string,
    args: readonly string[],
    {
      env = {},
      stderr = "inherit",
    }: { env?: Record<string, string>; stderr?: "inherit" | "ignore" } = {},
  ) {
    this.#process = Bun.spawn(
      [process.execPath, join(import.meta.dir, "fixtures", fixture), ...args],
      { stdin: "pipe", stdout: "pipe", stderr, env: { ...process.env, ...env } },
    );
    this.#lines = new Lines(this.#process.stdout);
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  /** The next line that it prints; rejects when it has printed everything. */
  line(): Promise<string> {
    return this.#lines.next();
  }

  /** Sends it a line. */
  send(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  /** Sends it a line, and waits until it has done what it says: then it answers with the same. */
  async order(line: string): Promise<void> {
    this.send(line);
    assertEquals(await this.line(), line);
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
