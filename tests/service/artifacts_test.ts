import { test } from "bun:test";
import { assertEquals, assertThrows } from "@std/assert";
import {
  ArtifactHierarchy,
  ArtifactManager,
  optional,
  type Service,
  ServiceBuilder,
  ServiceConfigurationError,
  Session,
  TaskRegistry,
} from "../../lib/mod.ts";
import { TestService } from "../../lib/testing/mod.ts";
import { recordOf } from "../jobs/http/job_bench.ts";
import { problemOf } from "../tasks/test_router.ts";

const QUIET = { displayName: "Artifacts", signals: false, grace: 0 };

function send(service: Service, path: string, init?: RequestInit): Promise<Response> {
  return service.fetch(new Request(`http://localhost${path}`, init));
}

test("withArtifacts() adds the routes of artifacts, on what service.artifacts keeps", async () => {
  await using service = new ServiceBuilder(QUIET).withArtifacts().build();
  const response = await send(service, "/api/v1/artifacts", { method: "POST", body: "hello" });
  const { id } = await recordOf(response, 201);
  assertEquals((await service.artifacts.get(id)).size, 5);
  assertEquals(await recordOf(await send(service, "/api/v1/artifacts/$stats"), 200), {
    total: 1,
    levels: [{ level: 0, label: "level_0", count: 1 }],
    contents: 1,
    bytes: 5,
  });
});

test("without withArtifacts() there are no routes of artifacts, and nothing to inject", async () => {
  const registry = new TaskRegistry();
  registry.register("has_artifacts", {
    inject: [optional(ArtifactManager)],
    run: (_params, artifacts) => ({ has: artifacts !== undefined }),
  });
  await using service = new ServiceBuilder(QUIET).withTasks({ registry }).build();
  await problemOf(await send(service, "/api/v1/artifacts"), 404);
  assertThrows(() => service.artifacts, TypeError, "build it with withArtifacts()");
  assertEquals(await service.executor.execute("has_artifacts"), { has: false });
  assertEquals(Object.keys(service).includes("maxRequestBodySize"), false);
});

test("withArtifacts() takes the manager's options, its prefix too, and serves under the base path", async () => {
  const hierarchy = new ArtifactHierarchy({ name: "runs", levelLabels: { 0: "run" } });
  await using service = new ServiceBuilder({ ...QUIET, basePath: "/tools" })
    .withArtifacts({ hierarchy, maxUpload: 5, prefix: "/things" })
    .build();
  const response = await send(service, "/tools/things", { method: "POST", body: "hello" });
  const { id } = await recordOf(response, 201);
  assertEquals(response.headers.get("location"), `/tools/things/${id}`);
  const expanded = await recordOf(await send(service, `/things/${id}/$expand`), 200);
  assertEquals([expanded.level_label, expanded.hierarchy], ["run", "runs"]);
  await problemOf(await send(service, "/things", { method: "POST", body: "hello!" }), 413);
});

test("build() names what is wrong with the options of withArtifacts()", () => {
  for (const [artifacts, reason] of [
    [{ maxUpload: -1 }, "as maxUpload"],
    [{ prefix: "things" }, '"things" as a path'],
  ] as const) {
    const builder = new ServiceBuilder(QUIET).withArtifacts(artifacts);
    assertThrows(() => builder.build(), ServiceConfigurationError, reason);
  }
});

test("tasks are given the service's artifacts, which outlive their runs, and jobs carry what they made", async () => {
  const registry = new TaskRegistry();
  registry.register("store", {
    inject: [ArtifactManager],
    run: (_params, artifacts) => artifacts.save({ data: { found: 42 } }),
  });
  registry.register("store_with_rows", {
    inject: [ArtifactManager, Session],
    run: async (_params, artifacts, session) => {
      await session.transaction(async (tx) => {
        await artifacts.save({ data: "gone" }, { session: tx });
        throw new Error("changed my mind");
      });
    },
  });
  await using service = new ServiceBuilder(QUIET)
    .withTasks({ registry })
    .withJobs()
    .withArtifacts()
    .build();
  const submitted = await send(service, "/api/v1/tasks/store/$submit", { method: "POST" });
  const { id } = await recordOf(submitted, 202);
  const { artifactId } = await service.scheduler.wait(id);
  const record = await recordOf(await send(service, `/api/v1/jobs/${id}`), 200);
  assertEquals(record.artifact_id, artifactId);
  const artifact = await recordOf(await send(service, `/api/v1/artifacts/${artifactId}`), 200);
  assertEquals(artifact.data, { found: 42 });
  const failed = await send(service, "/api/v1/tasks/store_with_rows/$execute", { method: "POST" });
  assertEquals((await recordOf(failed, 200)).error.message, "changed my mind");
  assertEquals((await service.artifacts.stats()).total, 1);
  const spawned = await service.scheduler.spawn(async () => {
    const { id } = await service.artifacts.save({ data: "later" });
    return { artifact_id: id };
  });
  const job = await service.scheduler.wait(spawned);
  assertEquals((await service.artifacts.get(job.artifactId ?? "")).data, "later");
});

test("maxRequestBodySize lets Bun take what maxUpload allows, and a form around it", () => {
  const maxUpload = 5 * 1024 ** 3;
  const service = new ServiceBuilder(QUIET).withArtifacts({ maxUpload }).build();
  const { maxRequestBodySize = 0 } = { ...service };
  assertEquals(maxRequestBodySize > maxUpload + 10 * 1024 ** 2, true);
});

test("stop() lets a download that has begun be sent to its end, within the grace", async () => {
  const service = new ServiceBuilder({ ...QUIET, grace: 60 }).withArtifacts().build();
  await service.start();
  const { id, size } = await service.artifacts.save({ data: new Uint8Array(4 * 1024 * 1024) });
  const download = `/api/v1/artifacts/${id}/$download`;
  const reader = (await send(service, download)).body?.getReader();
  let received = (await reader?.read())?.value?.byteLength ?? 0;
  // Nobody reads this one, and nobody waits for it.
  await send(service, download);
  const stopping = service.stop();
  await problemOf(await send(service, download), 503);
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) break;
    received += value.byteLength;
  }
  assertEquals(received, size ?? -1);
  await stopping;
});

test("TestService gives artifacts the time of its clock", async () => {
  const builder = new ServiceBuilder(QUIET).withArtifacts();
  await using service = await TestService.start(builder, { now: new Date("2030-01-01T00:00:00Z") });
  const response = await service.fetch("/api/v1/artifacts", { json: { data: 1 } });
  const { created_at } = await recordOf(response, 201);
  assertEquals(created_at, "2030-01-01T00:00:00.000Z");
  assertEquals((await service.artifacts.stats()).total, 1);
});
