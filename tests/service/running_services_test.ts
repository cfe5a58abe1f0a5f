import { setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { assertEquals } from "@std/assert";
import { ServiceBuilder } from "../../lib/mod.ts";
import { Lines } from "../lines.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const FIXTURE = join(import.meta.dir, "fixtures/gated_service.ts");

async function startFixture() {
  const child = Bun.spawn([process.execPath, FIXTURE], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = new Lines(child.stdout);
  const port = (await lines.next()).replace("ready ", "");
  return { child, lines, url: `http://127.0.0.1:${port}` };
}

/** Asks until the service refuses: then it has heard the signal. */
async function untilStopping(url: string): Promise<Response> {
  for (;;) {
    const response = await fetch(`${url}/health`);
    if (response.status === 503) return response;
    await response.body?.cancel();
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} drains every service of the process, which then exits with 0`, async () => {
    const { child, lines, url } = await startFixture();
    const answer = fetch(`${url}/api/v1/tasks/wait/$execute`, { method: "POST" });
    assertEquals(await lines.next(), "waiting");
    child.kill(signal);
    assertEquals((await untilStopping(url)).headers.get("retry-after"), "1");
    child.stdin.write("go\n");
    await child.stdin.end();
    assertEquals(
      await (await answer).text(),
      '{"task_name":"wait","params":{},"result":{"waited":true},"error":null}',
    );
    assertEquals((await lines.rest()).sort(), ["closing first", "closing second"]);
    assertEquals(await child.exited, 0);
  });
}

test("a second signal ends the process at once", async () => {
  const { child, lines, url } = await startFixture();
  const answer = fetch(`${url}/api/v1/tasks/wait/$execute`, { method: "POST" });
  answer.catch(() => {});
  assertEquals(await lines.next(), "waiting");
  child.kill("SIGTERM");
  await untilStopping(url);
  child.kill("SIGINT");
  assertEquals(await child.exited, 130);
});

test("start({ signals: false }) leaves signals to the process", async () => {
  const before = process.listenerCount("SIGTERM");
  await using service = new ServiceBuilder({ displayName: "Deaf" }).build();
  await service.start({ signals: false });
  assertEquals(process.listenerCount("SIGTERM"), before);
});

test("the signal handlers go with the last service", async () => {
  const before = process.listenerCount("SIGTERM");
  const first = new ServiceBuilder({ id: "a", displayName: "A" }).build();
  const second = new ServiceBuilder({ id: "b", displayName: "B" }).build();
  await first.start();
  await second.start();
  assertEquals(process.listenerCount("SIGTERM"), before + 1);
  await first.stop();
  assertEquals(process.listenerCount("SIGTERM"), before + 1);
  await second.stop();
  assertEquals(process.listenerCount("SIGTERM"), before);
});
