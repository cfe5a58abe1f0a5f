import { test } from "bun:test";
import { assertEquals } from "@std/assert";
import type { RequestServer } from "../../../lib/http/mod.ts";
import { ARTIFACTS, ArtifactBench } from "./artifact_bench.ts";

/** A server that notes how long it is told to wait, in seconds. */
class NotingServer implements RequestServer {
  readonly waits: number[] = [];

  requestIP(): null {
    return null;
  }

  timeout(_request: Request, seconds: number): void {
    this.waits.push(seconds);
  }

  async stop(): Promise<void> {}
}

test("uploads, downloads and what frees much are given all the time they take, and JSON is not", async () => {
  await using bench = new ArtifactBench();
  const { id } = await bench.save({ data: "x" });
  const form = new FormData();
  form.append("file", new File(["hello"], "a"));
  const json = { "content-type": "application/json" };
  for (const [method, path, init, waits] of [
    ["POST", "", { body: "hello" }, [0]],
    ["POST", "", { body: form }, [0]],
    ["POST", "", { body: "{}", headers: json }, []],
    ["GET", "", {}, []],
    ["GET", `/${id}/$download`, {}, [0]],
    ["DELETE", `/${id}`, {}, [0]],
  ] as const) {
    const server = new NotingServer();
    const request = new Request(`http://localhost${ARTIFACTS}${path}`, { method, ...init });
    const response = await bench.handler(request, server);
    assertEquals([response.ok, server.waits], [true, [...waits]], `${method} ${path}`);
    await response.body?.cancel();
  }
});
