import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Lines } from "../lines.ts";
import type { TemporaryFolder } from "../storage/databases.ts";
import { type RawAnswer, RawConnection, requestText } from "./connection.ts";

const FIXTURE = join(import.meta.dir, "fixtures/loaded_service.ts");

export interface ServiceProcessOptions {
  /** Seconds that it gives what runs when it stops. */
  readonly grace: number;
  /** Of its jobs. @default {6} */
  readonly maxConcurrency?: number;
}

/** `fixtures/loaded_service.ts` in a process of its own, with a database in a file that outlives it. */
export class ServiceProcess implements AsyncDisposable {
  readonly port: number;
  readonly #folder: TemporaryFolder;
  readonly #process: Bun.Subprocess<"ignore", "pipe", "inherit">;

  private constructor(
    folder: TemporaryFolder,
    process: Bun.Subprocess<"ignore", "pipe", "inherit">,
    port: number,
  ) {
    this.#folder = folder;
    this.#process = process;
    this.port = port;
  }

  static async start(
    folder: TemporaryFolder,
    { grace, maxConcurrency = 6 }: ServiceProcessOptions,
  ): Promise<ServiceProcess> {
    const settings = [folder.file("app.db"), folder.file("journal"), grace, maxConcurrency];
    const child = Bun.spawn([process.execPath, FIXTURE, ...settings.map(String)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const port = (await new Lines(child.stdout).next()).replace("ready ", "");
    return new ServiceProcess(folder, child, Number(port));
  }

  /** What its tasks have noted behind this word. */
  noted(word: string): string[] {
    let journal: string;
    try {
      journal = readFileSync(this.#folder.file("journal"), "utf8");
    } catch {
      // Nothing was noted yet.
      return [];
    }
    const lines = journal.split("\n").filter((line) => line.startsWith(`${word} `));
    return lines.map((line) => line.slice(word.length + 1));
  }

  /** Resolves when a task has noted this. */
  async notes(word: string, id?: string): Promise<void> {
    const isNoted = () => this.noted(word).some((noted) => id === undefined || noted === id);
    while (!isNoted()) await sleep(2);
  }

  /** Sends a request, on a connection of its own. */
  async send(method: string, path: string, body?: unknown): Promise<RawAnswer> {
    using connection = new RawConnection(this.port);
    return await connection.send(requestText(method, path, { body }));
  }

  execute(task: string, id: string, ms: number): Promise<RawAnswer> {
    return this.send("POST", `/api/v1/tasks/${task}/$execute`, { params: { id, ms } });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Its exit code, and the seconds that it took from now. */
  async exits(): Promise<{ readonly code: number; readonly seconds: number }> {
    const started = performance.now();
    const code = await this.#process.exited;
    return { code, seconds: (performance.now() - started) / 1_000 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
