import { afterAll, beforeAll, describe, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { Elysia } from "elysia";
import { H3 } from "h3";
import { Hono } from "hono";
import { Lines } from "../lines.ts";
import {
  buildConformanceService,
  type ConformanceService,
} from "./fixtures/conformance_service.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

/** One way to serve a service; `fetch` sends a request to it. */
interface Mount {
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
  /** The path of the service's root at the server. */
  readonly basePath: string;
  stop(): Promise<void>;
}

type Start = () => Promise<Mount>;

function serve(
  { service }: ConformanceService,
  options: Bun.Serve.Options<undefined, never>,
  basePath: string,
): Mount {
  const server = Bun.serve(options);
  return {
    basePath,
    fetch: (path, init) => fetch(new URL(basePath + path, server.url), init),
    stop: async () => {
      await service.stop();
      await server.stop(true);
    },
  };
}

const SERVERS: Record<string, Start> = {
  "Bun.serve({ ...service })": async () => {
    const made = buildConformanceService("");
    return serve(made, { ...made.service, port: 0 }, "");
  },
  "Bun.serve(service)": async () => {
    const made = buildConformanceService("");
    return serve(made, Object.assign(made.service, { port: 0 }), "");
  },
  "export default service": async () => {
    const file = join(import.meta.dir, "fixtures/export_default.ts");
    const child = Bun.spawn([process.execPath, file], {
      env: { ...process.env, BUN_PORT: "0" },
      stdout: "pipe",
      stderr: "inherit",
    });
    const started = await new Lines(child.stdout).next();
    const url = /http:\S+/.exec(started)?.[0];
    assert(url !== undefined, started);
    return {
      basePath: "",
      fetch: (path, init) => fetch(new URL(path, url), init),
      stop: async () => {
        child.kill("SIGTERM");
        assertEquals(await child.exited, 0);
      },
    };
  },
  "Hono, mount()": async () => {
    const made = buildConformanceService("/sub");
    const app = new Hono().mount("/sub", made.service.fetch);
    return serve(made, { fetch: app.fetch, port: 0 }, "/sub");
  },
  "Hono, all()": async () => {
    const made = buildConformanceService("/sub");
    const app = new Hono().all("/sub/*", ({ req }) => made.service.fetch(req.raw));
    return serve(made, { fetch: app.fetch, port: 0 }, "/sub");
  },
  "Elysia, mount()": async () => {
    const made = buildConformanceService("/sub");
    const app = new Elysia().mount("/sub", made.service.fetch);
    return serve(made, { fetch: app.fetch, port: 0 }, "/sub");
  },
  "h3, mount()": async () => {
    const made = buildConformanceService("/sub");
    const app = new H3().mount("/sub", made.service.fetch);
    return serve(made, { fetch: app.fetch, port: 0 }, "/sub");
  },
  "a bare function": async () => {
    const { service } = buildConformanceService("/sub");
    return {
      basePath: "/sub",
      fetch: (path, init) => service.fetch(new Request(`http://localhost/sub${path}`, init)),
      stop: () => service.stop(),
    };
  },
};

const JSON_TYPE = { "content-type": "application/json" };

for (const [name, start] of Object.entries(SERVERS)) {
  describe(name, () => {
    let mount: Mount;
    const execute = (task: string, body: string | ReadableStream, init: RequestInit = {}) =>
      mount.fetch(`/api/v1/tasks/${task}/%24execute`, {
        method: "POST",
        headers: JSON_TYPE,
        body,
        ...init,
      });
    const parse = async (response: Response) => JSON.parse(await response.text());

    beforeAll(async () => {
      mount = await start();
    });
    afterAll(async () => {
      await mount.stop();
    });

    test("lists and describes tasks", async () => {
      const list = await parse(await mount.fetch("/api/v1/tasks?tag=greeting"));
      assertEquals(
        list.map(({ name }: { name: string }) => name),
        ["greet"],
      );
      const info = await parse(await mount.fetch("/api/v1/tasks/greet"));
      assertEquals(info.signature, '(name: string = "World")');
    });

    test("executes a task, with $ percent-encoded or not", async () => {
      const expected =
        '{"task_name":"greet","params":{"name":"Ånn"},"result":{"message":"Hello, Ånn!"},"error":null}';
      assertEquals(await (await execute("greet", '{"params":{"name":"Ånn"}}')).text(), expected);
      const plain = await mount.fetch("/api/v1/tasks/greet/$execute", { method: "POST" });
      assertEquals((await parse(plain)).result, { message: "Hello, World!" });
    });

    test("answers problems", async () => {
      const cases: [expected: number, Promise<Response>][] = [
        [400, execute("greet", "{")],
        [404, execute("nobody", "{}")],
        [404, mount.fetch("/api/v1/nothing")],
        [405, mount.fetch("/api/v1/tasks/greet", { method: "DELETE" })],
        [415, execute("greet", "{}", { headers: { "content-type": "text/plain" } })],
        [422, execute("greet", "[]")],
      ];
      for (const [expected, answer] of cases) {
        const response = await answer;
        assertEquals(response.status, expected);
        assertEquals(response.headers.get("content-type"), "application/problem+json");
        const problem = await parse(response);
        assertEquals(problem.status, expected);
      }
    });

    test("refuses another site's page", async () => {
      const response = await execute("greet", "{}", {
        headers: { ...JSON_TYPE, "sec-fetch-site": "cross-site" },
      });
      assertEquals(response.status, 403);
    });

    test("answers HEAD and OPTIONS", async () => {
      const head = await mount.fetch("/health", { method: "HEAD" });
      assertEquals([head.status, await head.text()], [200, ""]);
      const options = await mount.fetch("/api/v1/tasks", { method: "OPTIONS" });
      assertEquals(options.status, 204);
      assertEquals(options.headers.get("allow"), "GET, HEAD, OPTIONS");
    });

    test("takes large bodies, and refuses those over the limit", async () => {
      const text = "x".repeat(4 * 1024 * 1024);
      const large = await execute("measure", JSON.stringify({ params: { text } }));
      assertEquals((await parse(large)).result, { length: text.length });
      const stream = new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
        },
      });
      assertEquals((await execute("measure", stream)).status, 413);
    });

    test("takes artifacts as JSON, bytes and forms, and gives them along the links it names", async () => {
      const form = new FormData();
      form.append("tag", "form");
      form.append("file", new File(["0123456789"], "naïve.txt", { type: "text/plain" }));
      for (const init of [
        { body: '{"data":"0123456789"}', headers: JSON_TYPE },
        { body: "0123456789", headers: { "content-type": "text/plain" } },
        { body: form },
      ]) {
        const response = await mount.fetch("/api/v1/artifacts", { method: "POST", ...init });
        assertEquals(response.status, 201);
        const location = response.headers.get("location") ?? "";
        const { id } = await parse(response);
        assertEquals(location, `${mount.basePath}/api/v1/artifacts/${id}`);
        const path = location.slice(mount.basePath.length);
        const download = `${path}/%24download`;
        const part = await mount.fetch(download, { headers: { range: "bytes=-5" } });
        assertEquals(part.status, 206);
        const whole = await (await mount.fetch(download)).text();
        assertEquals(await part.text(), whole.slice(-5));
        const head = await mount.fetch(download, { method: "HEAD" });
        assertEquals(await head.text(), "");
        const etag = head.headers.get("etag") ?? "";
        const known = await mount.fetch(download, { headers: { "if-none-match": etag } });
        assertEquals([known.status, await known.text()], [304, ""]);
        assertEquals((await mount.fetch(path, { method: "DELETE" })).status, 204);
        assertEquals((await mount.fetch(path)).status, 404);
      }
    });

    test("takes and gives large artifacts as they come, and refuses those over the limit", async () => {
      const post = (megabytes: number) => {
        let sent = 0;
        const body = new ReadableStream<Uint8Array>({
          pull(controller) {
            if (sent === megabytes) return controller.close();
            controller.enqueue(new Uint8Array(1_000_000).fill(sent));
            sent += 1;
          },
        });
        const headers = { "content-type": "application/x-large" };
        return mount.fetch("/api/v1/artifacts", { method: "POST", headers, body });
      };
      const { id, size } = await parse(await post(5));
      assertEquals(size, 5_000_000);
      const bytes = await (await mount.fetch(`/api/v1/artifacts/${id}/$download`)).bytes();
      assertEquals([bytes.length, bytes[0], bytes.at(-1)], [5_000_000, 0, 4]);
      assertEquals((await post(20)).status, 413);
      const list = await parse(await mount.fetch("/api/v1/artifacts?page=1&size=5"));
      assertEquals([list.total, list.items[0].id], [1, id]);
      await mount.fetch(`/api/v1/artifacts/${id}`, { method: "DELETE" });
    });

    test("streams what an included handler streams, as it comes", async () => {
      const response = await mount.fetch("/ticks");
      assert(response.body !== null);
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      for (let tick = 0; tick < 3; tick++) {
        // The handler sends the next tick only when it is asked to, so none is held back.
        const { value } = await reader.read();
        assertEquals(decoder.decode(value), `tick ${tick}\n`);
        await mount.fetch("/ticks/next", { method: "POST" });
      }
      await reader.cancel();
    });

    test("a client that goes away aborts its task's signal", async () => {
      const controller = new AbortController();
      const aborted = execute("wait", "{}", { signal: controller.signal });
      aborted.catch(() => {});
      assertEquals((await parse(await execute("waiting", "{}"))).result, { waiting: true });
      controller.abort();
      assertEquals((await parse(await execute("aborted", "{}"))).result, { aborted: true });
    });
  });
}
