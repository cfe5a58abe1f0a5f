import { ArtifactManager, defineTask, Scheduler } from "taskmount";
import * as v from "valibot";

/** Keeps a pipeline's configuration, and runs its steps as jobs, whose results stand under it. */
export const orchestratePipeline = defineTask("orchestrate_pipeline", {
  description: "Starts the steps of a pipeline as jobs, and tells where to follow them.",
  tags: ["pipeline", "orchestration"],
  params: v.object({ pipeline_config: v.record(v.string(), v.unknown()) }),
  inject: [Scheduler, ArtifactManager],
  run: async ({ pipeline_config }, scheduler, artifacts) => {
    const config = await artifacts.save({
      data: pipeline_config,
      metadata: { type: "pipeline_config" },
    });
    const spawn = (step: number, data: number[]) =>
      scheduler.spawn(
        async () => {
          const result = { step, status: "completed", data };
          const artifact = await artifacts.save({
            data: result,
            metadata: { step, pipeline_config_id: config.id },
            parentId: config.id,
          });
          return { ...result, artifact_id: artifact.id };
        },
        { description: `Pipeline Step ${step}` },
      );
    const jobs = { step_1: await spawn(1, [1, 2, 3]), step_2: await spawn(2, [4, 5, 6]) };
    return {
      message: "Pipeline started",
      config_artifact_id: config.id,
      jobs,
      monitor: {
        jobs: scheduler.prefix,
        artifacts: `${artifacts.prefix}/${config.id}/$expand`,
      },
    };
  },
});
