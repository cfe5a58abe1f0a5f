import { HttpProblem } from "../http/mod.ts";
import { databaseProblemOf } from "../tasks/mod.ts";
import {
  ArtifactChangedError,
  ArtifactCycleError,
  ArtifactExistsError,
  ArtifactHasChildrenError,
  ArtifactNotFoundError,
  ArtifactTooLargeError,
  InvalidArtifactError,
  UnknownParentError,
  UploadLostError,
} from "./errors.ts";

/** What artifacts throw, as a problem document where the client can do something about it. */
export function toProblem(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const detail = error.message;
  if (error instanceof ArtifactNotFoundError) {
    return new HttpProblem(404, "artifact-not-found", { detail });
  }
  if (error instanceof ArtifactExistsError) {
    return new HttpProblem(409, "artifact-exists", { detail });
  }
  if (error instanceof ArtifactHasChildrenError) {
    // The message says how to do it in code.
    const hint = `${detail.slice(0, detail.indexOf(":"))}: it has children. With ?recursive=true they go with it`;
    return new HttpProblem(409, "artifact-has-children", { detail: hint });
  }
  if (error instanceof ArtifactCycleError) {
    return new HttpProblem(409, "artifact-cycle", { detail });
  }
  if (error instanceof ArtifactTooLargeError) {
    return new HttpProblem(413, "content-too-large", { detail });
  }
  if (error instanceof UnknownParentError) {
    const issues = [{ path: ["parent_id"], message: "Expected the id of an artifact" }];
    return new HttpProblem(422, "unknown-parent", { detail, issues });
  }
  if (error instanceof InvalidArtifactError) {
    const issues = error.issues.map(({ path, message }) => ({ path: toWirePath(path), message }));
    return new HttpProblem(422, "invalid-request", { detail, issues });
  }
  if (error instanceof ArtifactChangedError || error instanceof UploadLostError) {
    return new HttpProblem(503, "unavailable", { detail, headers: { "retry-after": "1" } });
  }
  return databaseProblemOf(error) ?? error;
}

/** The names of fields are ours; what is below them is the user's. */
function toWirePath([field, ...rest]: readonly (string | number)[]): (string | number)[] {
  if (field === undefined) return [];
  return [typeof field === "string" ? toSnakeCase(field) : field, ...rest];
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
