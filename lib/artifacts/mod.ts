export type {
  Artifact,
  ArtifactBytes,
  ArtifactChanges,
  ArtifactFilter,
  ArtifactPage,
  ArtifactStats,
  ArtifactTree,
  ExpandedArtifact,
  ListArtifactsOptions,
  NewArtifact,
  PageOptions,
} from "./artifact.ts";
export {
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
export { ArtifactHierarchy, type ArtifactHierarchyOptions } from "./hierarchy.ts";
export { ArtifactManager } from "./manager.ts";
export type {
  ArtifactManagerOptions,
  DeleteArtifactOptions,
  ReadArtifactOptions,
  SaveArtifactOptions,
  StreamArtifactOptions,
} from "./manager_options.ts";
export { ArtifactRouter, type ArtifactRouterOptions } from "./routes.ts";
