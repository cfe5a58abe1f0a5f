import { ArtifactManager, defineTask } from "taskmount";
import * as v from "valibot";

const Name = v.pipe(v.string(), v.nonEmpty());

/** Keeps what it has found as an artifact, and answers where that is. */
export const storeAnalysisResults = defineTask("store_analysis_results", {
  description: "Stores the results of an analysis, and tells where they are.",
  tags: ["analytics", "storage"],
  params: v.object({ dataset_name: Name, analysis_type: Name }),
  inject: [ArtifactManager],
  run: async ({ dataset_name, analysis_type }, artifacts) => {
    const artifact = await artifacts.save({
      data: {
        dataset: dataset_name,
        type: analysis_type,
        metrics: { accuracy: 0.95, precision: 0.92, recall: 0.89 },
        timestamp: new Date().toISOString(),
      },
      metadata: { dataset: dataset_name, analysis_type },
    });
    return {
      status: "stored",
      artifact_id: artifact.id,
      retrieve_url: `${artifacts.prefix}/${artifact.id}`,
    };
  },
});
