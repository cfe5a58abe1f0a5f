/**
 * What the example of artifacts prints once it listens: where, and commands to paste into a shell.
 *
 * Single quotes keep the shell away from `$execute`, and from the brackets of an IPv6 address.
 */
export function artifactCommands(origin: string): string {
  const tasks = `${origin}/api/v1/tasks`;
  const artifacts = `${origin}/api/v1/artifacts`;
  const json = "-H 'content-type: application/json'";
  return `Listening at ${origin}

Draw the weather, and download the image that the answer names:
  curl -X POST '${tasks}/plot_weather/$execute'
  curl -OJ '${artifacts}/ARTIFACT_ID/$download'

Work step by step, with an artifact for each step, and see them as a tree:
  curl -X POST '${tasks}/long_task/$submit'
  curl '${artifacts}?tag=long_task&level=0'
  curl '${artifacts}/ARTIFACT_ID/$tree'

Store results, and start a pipeline of jobs that leave artifacts behind:
  curl -X POST '${tasks}/store_analysis_results/$execute' ${json} -d '{"params": {"dataset_name": "customer_churn", "analysis_type": "classification"}}'
  curl -X POST '${tasks}/orchestrate_pipeline/$execute' ${json} -d '{"params": {"pipeline_config": {"rows": 100}}}'

Upload a file, as it is or as a form:
  curl -X POST '${artifacts}?filename=README.md&tag=docs' -H 'content-type: text/markdown' --data-binary @README.md
  curl -X POST '${artifacts}' -F 'file=@README.md' -F 'tag=docs' -F 'metadata={"pages": 3}'
`;
}
