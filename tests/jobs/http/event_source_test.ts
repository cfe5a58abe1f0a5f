import { test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { Lines } from "../../lines.ts";
import { FetchedEventSource } from "./event_source.ts";
import { recordOf } from "./job_bench.ts";

/** A service in a process of its own, with its file in a folder of its own. */
class FollowedService implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskmount-followed-"));
  #process: Bun.Subprocess<"ignore", "pipe", "ignore"> | undefined;
  #lines: Lines | undefined;
  #port = "0";

  /** The next line that it prints. */
  async line(): Promise<string> {
    assert(this.#lines !== undefined);
    return await this.#lines.next();
  }

  /** Starts it, where it was before. */
  async start(): Promise<void> {
    const script = join(import.meta.dir, "fixtures/followed_service.ts");
    const file = join(this.#folder, "jobs.db");
    this.#process = Bun.spawn([process.execPath, script, file, this.#port], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    this.#lines = new Lines(this.#process.stdout);
    this.#port = (await this.line()).replace("port ", "");
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#process?.kill(signal);
    await this.#process?.exited;
  }

  at(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true });
  }
}

for (const [signal, retry] of [
  ["SIGKILL", undefined],
  ["SIGTERM", 1_000],
] as const) {
  test(`an EventSource follows a job across a restart after ${signal} to its end, and then asks once more`, async () => {
    await using service = new FollowedService();
    await service.start();
    const submitted = await fetch(service.at("/api/v1/tasks/survive/$submit"), { method: "POST" });
    const { id } = await recordOf(submitted, 202);
    // What the source waits for before it connects again.
    const reconnections: { milliseconds: number | undefined; go: () => void }[] = [];
    let reconnecting = Promise.withResolvers<void>();
    const source = new FetchedEventSource(
      service.at(`/api/v1/jobs/${id}/$stream`),
      (milliseconds) =>
        new Promise((go) => {
          reconnections.push({ milliseconds, go });
          reconnecting.resolve();
          reconnecting = Promise.withResolvers();
        }),
    );
    assertEquals(await service.line(), "last none: 200");
    for (let count = 1; source.events.at(-1)?.data.progress !== 0.5; count++) {
      await source.received(count);
    }
    const lost = reconnecting.promise;
    await service.kill(signal);
    await lost;
    const before = source.events.at(-1);
    assertEquals(before?.data.status, signal === "SIGTERM" ? "pending" : "running");
    await service.start();
    const ended = reconnecting.promise;
    reconnections[0]?.go();
    const [first, second] = [await service.line(), await ended];
    assertEquals([first, second], [`last ${before?.id}: 200`, undefined]);
    const last = source.events.at(-1);
    assertEquals([last?.data.status, last?.data.result], ["completed", { attempt: 2 }]);
    reconnections[1]?.go();
    assertEquals(await service.line(), `last ${last?.id}: 204`);
    await source.closed;
    assertEquals(
      reconnections.map(({ milliseconds }) => milliseconds),
      [retry, retry],
    );
    // Each state came once, in order.
    const ids = source.events.map(({ id }) => Number(id));
    assertEquals(
      ids,
      [...new Set(ids)].toSorted((a, b) => a - b),
    );
  }, 30_000);
}
