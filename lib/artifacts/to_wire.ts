import type { Artifact, ArtifactTree, ExpandedArtifact } from "./artifact.ts";

/** An artifact, as it goes over HTTP; times are ISO 8601 in UTC. */
export function artifactToWire(artifact: Artifact): Record<string, unknown> {
  return {
    id: artifact.id,
    data: artifact.data,
    metadata: artifact.metadata,
    content_type: artifact.contentType,
    size: artifact.size,
    sha256: artifact.sha256,
    filename: artifact.filename,
    parent_id: artifact.parentId,
    level: artifact.level,
    tags: artifact.tags,
    created_at: artifact.createdAt,
    updated_at: artifact.updatedAt,
  };
}

/** An artifact with what its level is called. */
export function expandedToWire(artifact: ExpandedArtifact): Record<string, unknown> {
  return { ...labelledToWire(artifact), children: artifact.children };
}

/** A tree as JSON text, in pieces of one node or less: it may be deeper than any function can call itself. */
export function* treeToJson(tree: ArtifactTree): Generator<string, void> {
  /** The nodes whose children are being written, from the root down. */
  const open = [{ children: tree.children.values(), written: 0 }];
  yield beginNode(tree);
  for (let parent = open.at(-1); parent !== undefined; parent = open.at(-1)) {
    const { done, value: child } = parent.children.next();
    if (done) {
      yield "]}";
      open.pop();
      continue;
    }
    yield parent.written === 0 ? beginNode(child) : `,${beginNode(child)}`;
    parent.written += 1;
    open.push({ children: child.children.values(), written: 0 });
  }
}

/** A node up to its children. */
function beginNode(node: ArtifactTree): string {
  return `${JSON.stringify(labelledToWire(node)).slice(0, -1)},"children":[`;
}

function labelledToWire(artifact: ExpandedArtifact | ArtifactTree): Record<string, unknown> {
  return {
    ...artifactToWire(artifact),
    level_label: artifact.levelLabel,
    hierarchy: artifact.hierarchy,
  };
}
