import { ArtifactManager, defineTask, TaskContext } from "taskmount";
import * as v from "valibot";
import { processStep } from "../process_step.ts";

/** Leaves an artifact for the run, and one under it for each step as soon as that is done. */
export const longTask = defineTask("long_task", {
  description: "Works step by step, and leaves each step's result behind as an artifact.",
  tags: ["processing", "batch"],
  params: v.object({
    steps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000)), 10),
  }),
  inject: [ArtifactManager, TaskContext],
  run: async ({ steps }, artifacts, { jobId, executionId, progress, signal }) => {
    const run = await artifacts.save({
      data: { total: steps },
      metadata: { task: "long_task", job_id: jobId, execution_id: executionId },
      tags: ["long_task"],
    });
    const results: object[] = [];
    for (let step = 0; step < steps; step++) {
      signal.throwIfAborted();
      const result = await processStep(step);
      results.push(result);
      await artifacts.save({
        data: { step, total: steps, result },
        tags: ["long_task", "progress"],
        parentId: run.id,
      });
      progress((step + 1) / steps, `step ${step + 1} of ${steps}`);
    }
    return { status: "complete", steps_completed: steps, results };
  },
});
