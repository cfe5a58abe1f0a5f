/** The id of the artifact that a result is, or names as its `artifact_id`; null where it does neither. */
export function artifactIdOf(result: unknown): string | null {
  if (typeof result !== "object" || result === null) return null;
  if ("artifact_id" in result && typeof result.artifact_id === "string") return result.artifact_id;
  const isArtifact = "level" in result && "sha256" in result && "id" in result;
  return isArtifact && typeof result.id === "string" ? result.id : null;
}
