import { afterAll, beforeAll, describe, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, assertEquals, assertLess } from "@std/assert";
import { recordOf } from "../jobs/http/job_bench.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(120_000);

const MIB = 1024 * 1024;
/** Bytes. */
const LARGE = 300 * MIB;
/** Bytes of memory that the service may have resident. */
const MOST_RESIDENT = 150e6;

interface State {
  /** The most memory that it has had resident since the last look, in bytes. */
  peak: number;
  chunks: number;
}

/** A service with artifacts in a process of its own. */
class ArtifactProcess implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskmount-artifacts-"));
  readonly #child: Bun.Subprocess;
  #answer = Promise.withResolvers<unknown>();
  port = 0;

  private constructor(way: "spread" | "itself") {
    const file = join(import.meta.dir, "fixtures/artifact_service.ts");
    const child = [process.execPath, file, join(this.#folder, "artifacts.db"), way];
    this.#child = Bun.spawn(child, {
      stdout: "inherit",
      stderr: "inherit",
      ipc: (message) => this.#answer.resolve(message),
    });
  }

  static async start(way: "spread" | "itself"): Promise<ArtifactProcess> {
    const service = new ArtifactProcess(way);
    const { port } = (await service.#answer.promise) as { port: number };
    service.port = port;
    return service;
  }

  async state(): Promise<State> {
    this.#answer = Promise.withResolvers();
    this.#child.send("state");
    // What the fixture sends.
    return (await this.#answer.promise) as State;
  }

  /** Resolves when it holds no chunks; each look at it takes a while. */
  async emptied(): Promise<void> {
    while ((await this.state()).chunks > 0);
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}/api/v1/artifacts${path}`, init);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(this.#folder, { recursive: true });
  }
}

/** So many bytes that don't repeat soon, and their hash once they are read. */
function bytesOf(size: number) {
  const hash = createHash("sha256");
  const piece = new Uint8Array(MIB);
  for (let index = 0; index < piece.length; index++)
    piece[index] = (index * 7 + (index >> 8)) % 253;
  let sent = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (sent >= size) return controller.close();
        const next = piece.slice(0, Math.min(MIB, size - sent));
        new DataView(next.buffer).setUint32(0, sent);
        hash.update(next);
        sent += next.byteLength;
        controller.enqueue(next);
      },
    },
    { highWaterMark: 0 },
  );
  return { body, hash };
}

/** A form around bytes, as a stream. */
function formOf(bytes: ReadableStream<Uint8Array>, boundary: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield encoder.encode(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\nContent-Type: application/x-large\r\n\r\n`,
    );
    yield* bytes;
    yield encoder.encode(
      `\r\n--${boundary}\r\nContent-Disposition: form-data; name="tag"\r\n\r\nlarge\r\n--${boundary}--\r\n`,
    );
  }
  const iterator = pieces();
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

describe.each(["spread", "itself"] as const)("Bun.serve() of a service, %s,", (way) => {
  let service: ArtifactProcess;
  let id: string;
  let sha256: string;

  beforeAll(async () => {
    service = await ArtifactProcess.start(way);
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
  });

  test("takes 300 MiB with little memory", async () => {
    const { body, hash } = bytesOf(LARGE);
    const headers = { "content-type": "application/x-large" };
    const response = await service.fetch("?tag=large", { method: "POST", headers, body });
    const artifact = await recordOf(response, 201);
    sha256 = hash.digest("hex");
    assertEquals([artifact.size, artifact.sha256, artifact.tags], [LARGE, sha256, ["large"]]);
    id = artifact.id;
    const { peak } = await service.state();
    console.log(`${way}: upload, peak ${Math.round(peak / 1e6)} MB resident`);
    assertLess(peak, MOST_RESIDENT);
  });

  test("takes the same 300 MiB as a form, and stores them once", async () => {
    const { chunks } = await service.state();
    const boundary = "XyZ";
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    const body = formOf(bytesOf(LARGE).body, boundary);
    const artifact = await recordOf(
      await service.fetch("", { method: "POST", headers, body }),
      201,
    );
    assertEquals([artifact.size, artifact.sha256], [LARGE, sha256]);
    assertEquals([artifact.content_type, artifact.tags], ["application/x-large", ["large"]]);
    const { peak } = await service.state();
    while ((await service.state()).chunks > chunks);
    console.log(`${way}: form, peak ${Math.round(peak / 1e6)} MB resident`);
    assertLess(peak, MOST_RESIDENT);
    assertEquals((await service.fetch(`/${artifact.id}`, { method: "DELETE" })).status, 204);
    assertEquals((await service.state()).chunks, chunks);
  });

  test("gives 300 MiB with little memory, the same bytes", async () => {
    const response = await service.fetch(`/${id}/$download`);
    const hash = createHash("sha256");
    assert(response.body !== null);
    for await (const piece of response.body) hash.update(piece);
    assertEquals(hash.digest("hex"), sha256);
    const { peak } = await service.state();
    console.log(`${way}: download, peak ${Math.round(peak / 1e6)} MB resident`);
    assertLess(peak, MOST_RESIDENT);
  });

  test("gives slow clients a chunk at a time, and lets go of those that leave", async () => {
    const CLIENTS = 8;
    const sockets = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const socket = connect(service.port, "127.0.0.1");
        socket.write(`GET /api/v1/artifacts/${id}/%24download HTTP/1.1\r\nHost: x\r\n\r\n`);
        // It reads once, and then no more.
        socket.once("data", () => {
          socket.pause();
          resolve();
        });
        await promise;
        return socket;
      }),
    );
    // All others are served meanwhile.
    const other = await service.fetch(`/${id}/$download`, { headers: { range: "bytes=-10" } });
    assertEquals((await other.bytes()).byteLength, 10);
    const { peak } = await service.state();
    console.log(`${way}: ${CLIENTS} slow clients, peak ${Math.round(peak / 1e6)} MB resident`);
    assertLess(peak, MOST_RESIDENT);
    for (const socket of sockets) socket.destroy();
  });

  test("keeps nothing of an upload whose client goes away", async () => {
    assertEquals((await service.fetch(`/${id}`, { method: "DELETE" })).status, 204);
    await service.emptied();
    for (const headers of [
      `Content-Type: text/plain\r\nContent-Length: ${20 * MIB}`,
      "Content-Type: text/plain\r\nTransfer-Encoding: chunked",
    ]) {
      const socket = connect(service.port, "127.0.0.1");
      const isChunked = headers.includes("chunked");
      socket.write(`POST /api/v1/artifacts HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`);
      const piece = Buffer.alloc(MIB, "x");
      for (let sent = 0; sent < 6; sent++) {
        if (isChunked) socket.write(`${MIB.toString(16)}\r\n`);
        socket.write(piece);
        if (isChunked) socket.write("\r\n");
      }
      while ((await service.state()).chunks < 3);
      socket.destroy();
      await service.emptied();
    }
    assertEquals(await recordOf(await service.fetch(""), 200), []);
  });
});
