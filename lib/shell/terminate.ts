import { setTimeout as delay } from "node:timers/promises";
import type { ProcessTree } from "./process_tree.ts";

/** How long to wait for processes to die of SIGKILL, in milliseconds; some hang in the kernel. */
const killPatience = 1000;

/** How long dead processes may wait for their parents to take note, in milliseconds. */
const reapPatience = 50;

/** Longest pause between two looks at the tree, in milliseconds. */
const longestPause = 20;

/**
 * Ends a process tree: asks it to (SIGTERM), and kills what is left after `grace` milliseconds
 * (SIGKILL). Resolves as soon as no process of it is alive.
 */
export async function terminate(tree: ProcessTree, grace: number): Promise<void> {
  await tree.signal("SIGTERM");
  if (await isGoneWithin(grace, tree)) return;
  const end = performance.now() + killPatience;
  do {
    // Again and again, since a process that was just being forked may have been overlooked.
    await tree.signal("SIGKILL");
  } while (!(await isGoneWithin(longestPause, tree)) && performance.now() < end);
}

async function isGoneWithin(patience: number, tree: ProcessTree): Promise<boolean> {
  const start = performance.now();
  let reapBy = Number.POSITIVE_INFINITY;
  for (let pause = 1; ; pause = Math.min(2 * pause, longestPause)) {
    const remains = await tree.remains();
    const now = performance.now();
    if (remains === "nothing" || now >= reapBy) return true;
    if (remains === "unreaped") reapBy = Math.min(reapBy, now + reapPatience);
    else if (now >= start + patience) return false;
    await delay(pause);
  }
}
