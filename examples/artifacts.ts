/**
 * A service whose tasks leave artifacts behind, an image among them:
 *
 * ```sh
 * DATABASE_URL=artifacts.db bun run examples/artifacts.ts
 * curl -X POST 'http://127.0.0.1:8000/api/v1/tasks/plot_weather/$execute'
 * curl -OJ 'http://127.0.0.1:8000/api/v1/artifacts/ARTIFACT_ID/$download'
 * ```
 *
 * The second command answers with the id to put into the third one, which saves `weather.svg`.
 * Left out, `DATABASE_URL` is `:memory:`, and the artifacts go with the process. `HOST` and `PORT`
 * say where it listens.
 *
 * @module
 */
import { ArtifactHierarchy, Database, registry, ServiceBuilder } from "taskmount";
import { artifactCommands } from "./artifact_commands.ts";
import { listen } from "./listen.ts";
import { readSettings } from "./settings.ts";
import { longBatch } from "./tasks/long_batch.ts";
import { longTask } from "./tasks/long_task.ts";
import { orchestratePipeline } from "./tasks/orchestrate_pipeline.ts";
import { plotWeather } from "./tasks/plot_weather.ts";
import { storeAnalysisResults } from "./tasks/store_analysis_results.ts";

// When `bun --hot` runs this file again, its tasks are registered again.
registry.clear();
for (const task of [longTask, longBatch, orchestratePipeline, storeAnalysisResults, plotWeather]) {
  registry.register(task);
}

const hierarchy = new ArtifactHierarchy({
  name: "task_results",
  levelLabels: { 0: "task_run", 1: "step" },
});

try {
  const settings = readSettings(process.env);
  const service = new ServiceBuilder({
    id: "taskmount-artifacts-example",
    displayName: "taskmount artifacts example",
  })
    .withDatabase(Database.open(settings.databaseUrl))
    .withTasks()
    .withJobs({ maxConcurrency: 5 })
    .withArtifacts({ hierarchy })
    .withHealth()
    .build();
  const server = listen(service, settings);
  await service.start();
  console.log(artifactCommands(server.url.origin));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
