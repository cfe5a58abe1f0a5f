import { join } from "node:path";

/**
 * A second Bun process that runs one of the fixtures. Both sides speak in
 * lines, so that a test waits for an event of the other process, never for a
 * length of time.
 */
export class Child implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit" | "ignore">;
  readonly #lines: AsyncIterator<string>;

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
    this.#lines = linesOf(this.#process.stdout);
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`The child has printed everything and ended: ${await this.exited}`);
    return value;
  }

  /** Sends it a line. */
  send(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
