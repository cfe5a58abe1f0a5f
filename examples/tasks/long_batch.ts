import { ArtifactManager, defineTask, Scheduler } from "taskmount";
import { processStep } from "../process_step.ts";

const STEPS = 100;

/** Answers at once: a closure does the work in the background, and its job carries the artifact. */
export const longBatch = defineTask("long_batch", {
  description: "Spawns a job for what takes long, and tells where to ask for it.",
  tags: ["processing", "batch"],
  inject: [Scheduler, ArtifactManager],
  run: async (_params, scheduler, artifacts) => {
    const id = await scheduler.spawn(
      async ({ signal, progress }) => {
        const results: object[] = [];
        for (let step = 0; step < STEPS; step++) {
          signal.throwIfAborted();
          results.push(await processStep(step));
          progress((step + 1) / STEPS);
        }
        const artifact = await artifacts.save({ data: { results }, tags: ["long_batch"] });
        return { artifact_id: artifact.id };
      },
      { description: "Batch processing" },
    );
    return { job_id: id, check_at: `${scheduler.prefix}/${id}` };
  },
});
