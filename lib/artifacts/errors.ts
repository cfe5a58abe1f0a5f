/** There is no artifact of this id, or no more. */
export class ArtifactNotFoundError extends Error {
  override readonly name = "ArtifactNotFoundError";
  readonly artifactId: string;

  constructor(id: string) {
    super(`There is no artifact "${id.length > 100 ? `${id.slice(0, 100)}…` : id}"`);
    this.artifactId = id;
  }
}

/** The id that was given in advance belongs to an artifact already. */
export class ArtifactExistsError extends Error {
  override readonly name = "ArtifactExistsError";
  readonly artifactId: string;

  constructor(id: string) {
    super(`Cannot save an artifact as ${id}: there is one. Update that one, or leave the id out`);
    this.artifactId = id;
  }
}

/** The artifact has others under it. */
export class ArtifactHasChildrenError extends Error {
  override readonly name = "ArtifactHasChildrenError";

  constructor(id: string) {
    super(
      `Cannot delete artifact ${id}: it has children. Delete or move them first, or delete it with all that is under it by { recursive: true }`,
    );
  }
}

/** The artifact would be under itself. */
export class ArtifactCycleError extends Error {
  override readonly name = "ArtifactCycleError";

  constructor(id: string, parentId: string) {
    super(
      id === parentId
        ? `Cannot move artifact ${id} under itself`
        : `Cannot move artifact ${id} under ${parentId}: that one is under it`,
    );
  }
}

/** The parent is none of the artifacts. */
export class UnknownParentError extends Error {
  override readonly name = "UnknownParentError";
  readonly parentId: string;

  constructor(parentId: string) {
    super(
      `Cannot put an artifact under "${parentId.length > 100 ? `${parentId.slice(0, 100)}…` : parentId}": there is no such artifact`,
    );
    this.parentId = parentId;
  }
}

/** What is to be saved is nothing that can be, or not as it is. */
export class InvalidArtifactError extends TypeError {
  override readonly name = "InvalidArtifactError";
  readonly issues: readonly { readonly path: (string | number)[]; readonly message: string }[];

  constructor(issues: InvalidArtifactError["issues"]) {
    const [first] = issues;
    super(
      first === undefined
        ? "Cannot use this artifact"
        : `Cannot use this artifact: ${[first.path.join("."), first.message].filter((text) => text !== "").join(": ")}`,
    );
    this.issues = issues;
  }
}

/** There are more bytes than `maxUpload` allows. Nothing of them is kept. */
export class ArtifactTooLargeError extends Error {
  override readonly name = "ArtifactTooLargeError";
  /** Bytes. */
  readonly most: number;

  constructor(most: number) {
    super(`Cannot save more than ${most} bytes as one artifact: save parts, or raise maxUpload`);
    this.most = most;
  }
}

/** Others took the process for dead and have removed what it had written so far. */
export class UploadLostError extends Error {
  override readonly name = "UploadLostError";

  constructor() {
    super(
      "Cannot go on with the upload: nothing was heard of this process for so long that others have removed what it had written. Was it suspended? Save it again",
    );
  }
}

/** The artifact was deleted, or got other data, while its bytes were read. */
export class ArtifactChangedError extends Error {
  override readonly name = "ArtifactChangedError";

  constructor(id: string) {
    super(
      `Cannot read on: artifact ${id} was deleted, or its data replaced, while it was read. Read it again`,
    );
  }
}
