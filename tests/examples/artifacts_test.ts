import { afterAll, beforeAll, setDefaultTimeout, test } from "bun:test";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EventReader } from "../jobs/http/event_reader.ts";
import { recordOf } from "../jobs/http/job_bench.ts";
import { Example } from "./example.ts";

// Other processes take their time where the machine is busy.
setDefaultTimeout(60_000);

const ARTIFACTS = "/api/v1/artifacts";
let example: Example;

beforeAll(async () => {
  example = await Example.start({ script: "examples/artifacts.ts" });
});
afterAll(async () => {
  await example[Symbol.asyncDispose]();
});

/** The result of a task, which must have none but that. */
async function execute(task: string, params: object = {}) {
  const {
    task_name,
    params: sent,
    result,
    error,
  } = JSON.parse(await example.execute(task, params));
  assertEquals([task_name, sent, error], [task, params, null]);
  return result;
}

/** Follows a job to its end; its record, which must say that it has completed. */
async function follow(path: string) {
  const stream = new EventReader(await fetch(`${example.url}${path}/$stream`));
  const record = (await stream.rest()).at(-1)?.data;
  assertEquals(record?.status, "completed");
  return record;
}

async function get(path: string) {
  return await recordOf(await fetch(`${example.url}${path}`), 200);
}

test("each task is executed, its job followed, and its artifacts are fetched", async () => {
  // long_task leaves a run, with its steps under it.
  const long = await execute("long_task", { steps: 3 });
  assertEquals(long, {
    status: "complete",
    steps_completed: 3,
    results: [{ sum: 0 }, { sum: 1 }, { sum: 3 }],
  });
  const [run] = await get(`${ARTIFACTS}?tag=long_task&level=0`);
  assertEquals([run.data, run.metadata.job_id], [{ total: 3 }, null]);
  const { level_label, children } = await get(`${ARTIFACTS}/${run.id}/$tree`);
  assertEquals(level_label, "task_run");
  assertEquals(
    children.map(({ data, level_label }: Record<string, unknown>) => [data, level_label]),
    long.results.map((result: object, step: number) => [{ step, total: 3, result }, "step"]),
  );

  // long_batch answers at once, and its job carries the artifact.
  const { job_id, ...batch } = await execute("long_batch");
  assertEquals(batch, { check_at: `/api/v1/jobs/${job_id}` });
  const job = await follow(batch.check_at);
  assertEquals(
    [job?.description, job?.result],
    ["Batch processing", { artifact_id: job?.artifact_id }],
  );
  const { data } = await get(`${ARTIFACTS}/${job?.artifact_id}`);
  assertEquals([data.results.length, data.results[99]], [100, { sum: 4950 }]);

  // orchestrate_pipeline keeps its configuration, and its steps' results under that.
  const pipeline_config = { name: "nightly", rows: 100 };
  const pipeline = await execute("orchestrate_pipeline", { pipeline_config });
  const { config_artifact_id: configId, jobs } = pipeline;
  assertEquals(pipeline, {
    message: "Pipeline started",
    config_artifact_id: configId,
    jobs: { step_1: jobs.step_1, step_2: jobs.step_2 },
    monitor: { jobs: "/api/v1/jobs", artifacts: `${ARTIFACTS}/${configId}/$expand` },
  });
  const config = await get(pipeline.monitor.artifacts);
  assertEquals(
    [config.data, config.metadata, config.hierarchy, config.level_label],
    [pipeline_config, { type: "pipeline_config" }, "task_results", "task_run"],
  );
  for (const [step, id, numbers] of [
    [1, jobs.step_1, [1, 2, 3]],
    [2, jobs.step_2, [4, 5, 6]],
  ]) {
    const { artifact_id, description } = (await follow(`/api/v1/jobs/${id}`)) ?? {};
    assertEquals(description, `Pipeline Step ${step}`);
    const { data, metadata, parent_id } = await get(`${ARTIFACTS}/${artifact_id}`);
    assertEquals(data, { step, status: "completed", data: numbers });
    assertEquals([metadata, parent_id], [{ step, pipeline_config_id: configId }, configId]);
  }
  assertEquals((await get(`${ARTIFACTS}?parent_id=${configId}`)).length, 2);

  // store_analysis_results says where they are.
  const params = { dataset_name: "customer_churn", analysis_type: "classification" };
  const stored = await execute("store_analysis_results", params);
  assertEquals(stored, {
    status: "stored",
    artifact_id: stored.artifact_id,
    retrieve_url: `${ARTIFACTS}/${stored.artifact_id}`,
  });
  const analysis = await get(stored.retrieve_url);
  assertEquals(analysis.metadata, { dataset: "customer_churn", analysis_type: "classification" });
  const { timestamp, ...results } = analysis.data;
  assertEquals(results, {
    dataset: "customer_churn",
    type: "classification",
    metrics: { accuracy: 0.95, precision: 0.92, recall: 0.89 },
  });
  assertEquals(new Date(timestamp).toISOString(), timestamp);

  // plot_weather leaves an image to download.
  const plot = await execute("plot_weather");
  assertEquals(plot, {
    months: 48,
    artifact_id: plot.artifact_id,
    download_url: `${ARTIFACTS}/${plot.artifact_id}/$download`,
  });
  const image = await fetch(`${example.url}${plot.download_url}`);
  assertEquals(image.headers.get("content-type"), "image/svg+xml");
  assertEquals(image.headers.get("content-disposition"), 'attachment; filename="weather.svg"');
  const svg = await image.text();
  assertEquals([svg.startsWith("<svg "), svg.endsWith("</svg>\n")], [true, true]);
  assertStringIncludes(svg, "January 2012 to December 2015");
});

test("long_task as a job tells how far it is, and its run which job it was", async () => {
  const response = await fetch(`${example.url}/api/v1/tasks/long_task/$submit`, { method: "POST" });
  const { id } = await recordOf(response, 202);
  const { progress, progress_message, result } = (await follow(`/api/v1/jobs/${id}`)) ?? {};
  assertEquals([progress, progress_message, result.steps_completed], [1, "step 10 of 10", 10]);
  const runs: { id: string; metadata: { job_id: string | null } }[] = await get(
    `${ARTIFACTS}?tag=long_task&level=0`,
  );
  const run = runs.find(({ metadata }) => metadata.job_id === id);
  assert(run !== undefined);
  assertEquals((await get(`${ARTIFACTS}/${run.id}/$tree`)).children.length, 10);
});

test("the commands that it prints upload a file, as it is and as a form", async () => {
  const [asItIs = "", asForm = ""] = example.commands.slice(-2);
  for (const command of [asItIs, asForm]) {
    const curl = Bun.spawn(["sh", "-c", command], { stderr: "ignore" });
    const { filename, tags, size } = JSON.parse(await curl.stdout.text());
    assertEquals([filename, tags, size > 1_000], ["README.md", ["docs"], true]);
  }
});
