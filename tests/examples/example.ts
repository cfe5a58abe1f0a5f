import type { ReadableStreamDefaultReader } from "node:stream/web";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface StartOptions {
  /** @default {"examples/main.ts"} */
  script?: string;
  /** @default {{}} */
  env?: Record<string, string>;
  /** Where it is started. @default {ROOT} */
  cwd?: string;
  /** Flags for bun. @default {[]} */
  flags?: readonly string[];
}

/** The example as a process of its own, from its printed welcome to its end. */
export class Example implements AsyncDisposable {
  readonly process: Bun.Subprocess<"ignore", "pipe", "ignore">;
  /** What it has printed. */
  output = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #decoder = new TextDecoder();

  private constructor({
    script = "examples/main.ts",
    env = {},
    cwd = ROOT,
    flags = [],
  }: StartOptions) {
    this.process = Bun.spawn([process.execPath, ...flags, script], {
      cwd,
      env: environment(env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    this.#reader = this.process.stdout.getReader();
  }

  /** Starts it on a port that is free, and waits until it has printed what there is to paste. */
  static async start(options: StartOptions = {}): Promise<Example> {
    const example = new Example(options);
    await example.printed(1);
    return example;
  }

  /** Such as `http://127.0.0.1:40123`. */
  get url(): string {
    const line = this.output.match(/^Listening at (\S+)$/m);
    if (line?.[1] === undefined) throw new Error(`It printed no URL: ${this.output}`);
    return line[1];
  }

  /** The commands that it printed, in order. */
  get commands(): string[] {
    return [...this.output.matchAll(/^ *(curl .*)\n/gm)].map(([, command]) => command ?? "");
  }

  /** Waits until it has printed its three commands so many times. */
  async printed(times: number): Promise<void> {
    while (this.commands.length < 3 * times) {
      const { done, value } = await this.#reader.read();
      if (done) throw new Error(`It ended with ${await this.process.exited}: ${this.output}`);
      this.output += this.#decoder.decode(value, { stream: true });
    }
  }

  /** Resolves to the text that is at a path. */
  async get(path: string): Promise<string> {
    const response = await fetch(`${this.url}${path}`);
    return await response.text();
  }

  /** Executes a task; resolves to the answer's text. */
  async execute(task: string, params?: object, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`${this.url}/api/v1/tasks/${task}/$execute`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ params }),
      ...init,
    });
    return await response.text();
  }

  /** Asks it to stop, by a signal; resolves to its exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    this.process.kill(signal);
    return await this.process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Starts an example that can't start; resolves to its exit code and to what it prints. */
export async function failToStart(
  env: Record<string, string>,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const child = Bun.spawn([process.execPath, "examples/main.ts"], {
    cwd: ROOT,
    env: environment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [exitCode, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode, stdout, stderr };
}

/** Whatever the tests themselves were started with, only `env` reaches the example. */
function environment(env: Record<string, string>): Record<string, string | undefined> {
  const none = { HOST: undefined, DATABASE_URL: undefined, ALLOW_SHELL: undefined };
  return { ...process.env, ...none, PORT: "0", ...env };
}
