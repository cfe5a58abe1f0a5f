export interface ArtifactHierarchyOptions {
  /** What the hierarchy is called, such as `task_results`. */
  name: string;
  /** What its levels are called, from 0 at the roots. A level without a label is called `level_N`. */
  levelLabels?: Readonly<Record<number, string>> | undefined;
}

/**
 * Names the levels of artifacts.
 *
 * @example
 * ```ts
 * const hierarchy = new ArtifactHierarchy({
 *   name: "task_results",
 *   levelLabels: { 0: "task_run", 1: "step" },
 * });
 * hierarchy.labelOf(1); // "step"
 * hierarchy.labelOf(2); // "level_2"
 * ```
 */
export class ArtifactHierarchy {
  readonly name: string;
  readonly #labels: ReadonlyMap<number, string>;

  /** @throws {TypeError} where a label belongs to no level. */
  constructor({ name, levelLabels = {} }: ArtifactHierarchyOptions) {
    const labels = new Map<number, string>();
    for (const [level, label] of Object.entries(levelLabels)) {
      if (!/^(0|[1-9]\d*)$/.test(level)) {
        throw new TypeError(
          `Cannot label the level "${level}": levels are whole numbers, from 0 at the roots`,
        );
      }
      labels.set(Number(level), label);
    }
    this.name = name;
    this.#labels = labels;
  }

  labelOf(level: number): string {
    return this.#labels.get(level) ?? levelName(level);
  }
}

/** What a level is called that nobody has labelled. */
export function levelName(level: number): string {
  return `level_${level}`;
}
