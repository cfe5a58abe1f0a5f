import type { Artifact, ArtifactTree } from "./artifact.ts";

/** What a tree says of each level. */
export interface LevelNames {
  readonly hierarchy: string | null;
  labelOf(level: number): string;
}

/**
 * Puts artifacts together to the tree of which `id` is the root; undefined where that is missing.
 * Without recursion: a tree may be deeper than the stack.
 */
export function growTree(
  artifacts: readonly Artifact[],
  id: string,
  { hierarchy, labelOf }: LevelNames,
): ArtifactTree | undefined {
  const nodes = new Map<string, ArtifactTree & { children: ArtifactTree[] }>();
  for (const artifact of artifacts) {
    const levelLabel = labelOf(artifact.level);
    nodes.set(artifact.id, { ...artifact, levelLabel, hierarchy, children: [] });
  }
  for (const node of nodes.values()) {
    if (node.id !== id && node.parentId !== null) nodes.get(node.parentId)?.children.push(node);
  }
  for (const { children } of nodes.values()) {
    if (children.some(({ id }, index) => id < (children[index - 1]?.id ?? ""))) {
      children.sort((a, b) => (a.id < b.id ? -1 : 1));
    }
  }
  return nodes.get(id);
}
