import { describe, test } from "bun:test";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import type { Handler } from "../../../lib/http/mod.ts";
import { JobRouter } from "../../../lib/jobs/mod.ts";
import { TaskRouter } from "../../../lib/tasks/mod.ts";
import { EventReader } from "./event_reader.ts";
import { JobBench, recordOf, registerGreet } from "./job_bench.ts";

/** One way to serve the two routers. */
interface Mount extends AsyncDisposable {
  readonly tasks: (path: string, init?: RequestInit) => Promise<Response>;
  readonly jobs: (path: string, init?: RequestInit) => Promise<Response>;
}

function serve(handler: (request: Request, server: Bun.Server<undefined>) => ReturnType<Handler>) {
  return Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: handler });
}

const MOUNTS: Record<string, { basePath: string; mount: (bench: JobBench) => Mount }> = {
  "bare functions": {
    basePath: "",
    mount: ({ executor, scheduler }) => {
      const { fetch: tasks } = TaskRouter.create({ executor });
      const { fetch: jobs } = JobRouter.create({ scheduler });
      const request = (path: string, init?: RequestInit) => new Request(`http://x${path}`, init);
      return {
        tasks: (path, init) => tasks(request(path, init)),
        jobs: (path, init) => jobs(request(path, init)),
        [Symbol.asyncDispose]: async () => {},
      };
    },
  },
  "each alone in Bun.serve()": {
    basePath: "",
    mount: ({ executor, scheduler }) => {
      const tasks = serve(TaskRouter.create({ executor }).fetch);
      const jobs = serve(JobRouter.create({ scheduler }).fetch);
      return {
        tasks: (path, init) => fetch(new URL(path, tasks.url), init),
        jobs: (path, init) => fetch(new URL(path, jobs.url), init),
        [Symbol.asyncDispose]: async () => {
          await Promise.all([tasks.stop(true), jobs.stop(true)]);
        },
      };
    },
  },
  "in Hono under a prefix": {
    basePath: "/tools",
    mount: ({ executor, scheduler }) => {
      const basePath = "/tools";
      const tasks = TaskRouter.create({ executor, basePath });
      const jobs = JobRouter.create({ scheduler, basePath });
      const app = new Hono()
        .all("/tools/api/v1/tasks/*", ({ req }) => tasks.fetch(req.raw))
        .all("/tools/api/v1/jobs", ({ req }) => jobs.fetch(req.raw))
        .all("/tools/api/v1/jobs/*", ({ req }) => jobs.fetch(req.raw));
      const server = serve((request) => app.fetch(request));
      const send = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init);
      return {
        tasks: (path, init) => send(`/tools${path}`, init),
        jobs: send,
        [Symbol.asyncDispose]: () => server.stop(true),
      };
    },
  },
  "mounted in Hono, which takes the prefix off": {
    basePath: "/tools",
    mount: ({ executor, scheduler }) => {
      const basePath = "/tools";
      const tasks = TaskRouter.create({ executor, basePath });
      const jobs = JobRouter.create({ scheduler, basePath });
      const app = new Hono()
        .mount("/tools/api/v1/tasks", tasks.fetch, { replaceRequest: (request) => request })
        .mount("/tools", jobs.fetch);
      const server = serve((request) => app.fetch(request));
      const send = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init);
      return {
        tasks: (path, init) => send(`/tools${path}`, init),
        jobs: send,
        [Symbol.asyncDispose]: () => server.stop(true),
      };
    },
  },
};

describe.each(Object.keys(MOUNTS))("the routers, %s,", (name) => {
  test("submit, follow, list page by page, and delete, along the links they give", async () => {
    const way = MOUNTS[name];
    assert(way !== undefined);
    await using bench = new JobBench();
    registerGreet(bench);
    await using mount = way.mount(bench);
    const locations: string[] = [];
    for (const name of ["Alice", "Bob"]) {
      const response = await mount.tasks("/api/v1/tasks/greet/$submit", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ params: { name } }),
      });
      const location = response.headers.get("location") ?? "";
      const { id } = await recordOf(response, 202);
      assertEquals(location, `${way.basePath}/api/v1/jobs/${id}`);
      locations.push(location);
    }
    const [alice = "", bob = ""] = locations;
    const stream = new EventReader(await mount.jobs(`${alice}/$stream`));
    const last = (await stream.rest()).at(-1);
    assertEquals(last?.data.result, { message: "Hello, Alice!" });
    const headers = { "last-event-id": last?.id ?? "" };
    assertEquals((await mount.jobs(`${alice}/$stream`, { headers })).status, 204);
    const response = await mount.jobs(`${way.basePath}/api/v1/jobs?size=1`);
    const link = response.headers.get("link") ?? "";
    const [newest] = await recordOf(response, 200);
    assert(bob.endsWith(newest.id));
    const next = /^<([^>]+)>; rel="next"$/.exec(link)?.[1] ?? "";
    const [oldest] = await recordOf(await mount.jobs(next), 200);
    assert(alice.endsWith(oldest.id), next);
    assertEquals((await mount.jobs(alice, { method: "DELETE" })).status, 204);
    assertEquals((await mount.jobs(alice)).status, 404);
  });
});
