import type { Database } from "../storage/mod.ts";

/** A scheduler, as others on the same `Database` know it. */
export interface Neighbour {
  /** These jobs were changed by another one. */
  hear(ids: readonly string[]): void;
}

const neighbours = new WeakMap<Database, Set<Neighbour>>();

/**
 * Lets schedulers on one `Database` hear of each other's commits, of which the
 * file tells them nothing: they have the same connection. What is returned
 * tells the others.
 */
export function joinNeighbours(
  database: Database,
  own: Neighbour,
): (ids: readonly string[]) => void {
  const all = neighbours.get(database) ?? new Set();
  neighbours.set(database, all);
  all.add(own);
  return (ids) => {
    if (all.size === 1) return;
    for (const each of all) if (each !== own) each.hear(ids);
  };
}
