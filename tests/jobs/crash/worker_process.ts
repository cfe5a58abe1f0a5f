import { join } from "node:path";
import type { SchedulerOptions } from "../../../lib/jobs/mod.ts";
import { Lines } from "../../lines.ts";

/** How a worker process runs jobs. */
export interface WorkerSettings
  extends Pick<SchedulerOptions, "maxConcurrency" | "lease" | "crashLimit"> {
  /** The names of the tasks that it knows; all where none are given. */
  readonly tasks?: readonly string[];
  /** Seconds. */
  readonly transactionTimeout?: number;
}

interface Waiting extends Pick<PromiseWithResolvers<string>, "resolve" | "reject"> {
  readonly words: string;
}

const FIXTURE = join(import.meta.dir, "fixtures", "worker.ts");

/**
 * A process that runs jobs, by `fixtures/worker.ts`. Both sides speak in lines
 * of words, so that a test waits for what the other process says.
 */
export class WorkerProcess implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  /** What it has said and nobody has waited for. */
  readonly #said: string[] = [];
  readonly #waiting: Waiting[] = [];
  #isSilent = false;
  readonly #ended: Promise<void>;

  /** Starts it, by the source or by what {@linkcode compileWorker} has made of it; it says `ready` when it runs jobs. */
  constructor(path: string, settings: WorkerSettings = {}, script = FIXTURE) {
    this.#process = Bun.spawn([process.execPath, script, path, JSON.stringify(settings)], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#ended = this.#listen(new Lines(this.#process.stdout));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when it has ended, and all that it has said was taken down. */
  async ended(): Promise<void> {
    await this.#process.exited;
    await this.#ended;
  }

  /**
   * Waits until it says something that begins with these words, and resolves to
   * what follows them. Each line counts once.
   *
   * @throws {WorkerEndedError} where it has ended, and said no such thing.
   */
  says(words: string): Promise<string> {
    const index = this.#said.findIndex((line) => begins(line, words));
    if (index !== -1) return Promise.resolve(restOf(this.#said.splice(index, 1)[0] ?? "", words));
    if (this.#isSilent) return Promise.reject(new WorkerEndedError(words));
    return new Promise((resolve, reject) => void this.#waiting.push({ words, resolve, reject }));
  }

  /** What it has said so far that begins with these words, and nobody has waited for. */
  hasSaid(words: string): string[] {
    return this.#said.filter((line) => begins(line, words)).map((line) => restOf(line, words));
  }

  /** Says a line to it. */
  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it with `kill -9`. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #listen(lines: Lines): Promise<void> {
    for (;;) {
      const line = await lines.next().catch(() => undefined);
      if (line === undefined) break;
      const index = this.#waiting.findIndex(({ words }) => begins(line, words));
      const [waiting] = index === -1 ? [] : this.#waiting.splice(index, 1);
      if (waiting === undefined) this.#said.push(line);
      else waiting.resolve(restOf(line, waiting.words));
    }
    this.#isSilent = true;
    for (const { words, reject } of this.#waiting.splice(0)) reject(new WorkerEndedError(words));
  }
}

/** Compiles the fixture into a folder, for those who start many: it starts in half the time. Resolves to the script. */
export async function compileWorker(folder: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [FIXTURE],
    outdir: folder,
    target: "bun",
    format: "cjs",
    bytecode: true,
  });
  const script = outputs.find(({ kind }) => kind === "entry-point");
  if (script === undefined) throw new Error("The worker could not be compiled");
  return script.path;
}

export class WorkerEndedError extends Error {
  override readonly name = "WorkerEndedError";

  constructor(words: string) {
    super(`The worker has ended, and has not said "${words}"`);
  }
}

function begins(line: string, words: string): boolean {
  return line === words || line.startsWith(`${words} `);
}

function restOf(line: string, words: string): string {
  return line.slice(words.length + 1);
}
