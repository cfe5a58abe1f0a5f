import { join } from "node:path";
import { assertEquals } from "@std/assert";
import type { DatabaseOptions } from "../../../lib/mod.ts";
import { Lines } from "../../lines.ts";

/** What a route has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the route gives, which the test looks into.
  readonly body: any;
}

export interface TroubledServiceOptions {
  /** The database's path. */
  readonly path: string;
  readonly options?: DatabaseOptions;
  /** Seconds. @default {10} */
  readonly grace?: number;
  /**
   * What a shell does before it becomes the service, in a mount namespace of its own; `$1` is the
   * path.
   */
  readonly before?: string;
}

/** A service with jobs in a process of its own, which `fixtures/service.ts` is, and what happens to its database. */
export class TroubledService implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "ignore" | "inherit">;
  readonly #lines: Lines;
  #port = 0;
  /** Why it could not start. */
  failure: string | undefined;

  private constructor({ path, options = {}, grace = 10, before }: TroubledServiceOptions) {
    const fixture = join(import.meta.dir, "fixtures", "service.ts");
    const service = [process.execPath, fixture, path, JSON.stringify(options), `${grace}`];
    const shell = ["unshare", "-rm", "sh", "-c", `${before} && shift && exec "$@"`, "sh", path];
    this.#process = Bun.spawn(before === undefined ? service : [...shell, ...service], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: process.env["TROUBLE_LOG"] === undefined ? "ignore" : "inherit",
    });
    this.#lines = new Lines(this.#process.stdout);
  }

  /** Resolves once it listens, whether or not it could start. */
  static async start(options: TroubledServiceOptions): Promise<TroubledService> {
    const service = new TroubledService(options);
    for (;;) {
      // Its jobs may have begun before it listens, and say so.
      const [word, ...rest] = (await service.line()).split(" ");
      if (word === "failed") service.failure = rest.join(" ");
      if (word !== "ready") continue;
      service.#port = Number(rest[0]);
      return service;
    }
  }

  /** The next line that it prints. */
  line(): Promise<string> {
    return this.#lines.next();
  }

  send(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  /** Sends it a line and waits until it has done so. */
  async order(line: string): Promise<void> {
    this.send(line);
    assertEquals(await this.line(), line);
  }

  /** What SQLite says of the file, through another connection. */
  async check(): Promise<string> {
    this.send("check");
    return await this.line();
  }

  async get(path: string): Promise<Answer> {
    return await this.#fetch(path, {});
  }

  async execute(task: string, params: object = {}): Promise<Answer> {
    return await this.#post(`/api/v1/tasks/${task}/$execute`, params);
  }

  async submit(task: string, params: object = {}): Promise<Answer> {
    return await this.#post(`/api/v1/tasks/${task}/$submit`, params);
  }

  /** The record of a job at its end. */
  async end(id: string): Promise<Answer["body"]> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1/jobs/${id}/$stream`);
    const events = (await response.text()).split("\n").filter((line) => line.startsWith("data:"));
    return JSON.parse(events.at(-1)?.slice("data:".length) ?? "null");
  }

  /** Asks for the health until it is so. */
  async becomes(state: string): Promise<Answer> {
    for (;;) {
      const answer = await this.get("/health");
      if (answer.body.status === state) return answer;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  get exited(): Promise<number> {
    return this.#process.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #post(path: string, params: object): Promise<Answer> {
    return await this.#fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ params }),
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, init);
    return {
      status: response.status,
      headers: response.headers,
      body: await response.json(),
    };
  }
}

/** For {@linkcode TroubledServiceOptions.before}: nothing can be written to what `$1` names. */
export const READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"';

/** Whether this process may give others file systems of their own; prints why not. */
export function canMount(): boolean {
  const mounts = `mount -t tmpfs none "$1" && ${READ_ONLY}`;
  const command = ["unshare", "-rm", "sh", "-c", mounts, "sh", import.meta.dir];
  try {
    const { success, stderr } = Bun.spawnSync(command);
    if (success) return true;
    console.log(`skipped, since nothing can be mounted here: ${stderr.toString().trim()}`);
  } catch (error) {
    console.log(`skipped, since nothing can be mounted here: ${String(error)}`);
  }
  return false;
}
