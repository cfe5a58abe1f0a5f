import { JobNotFoundError, type JobRecord, type Scheduler } from "../jobs/mod.ts";
import type { TaskExecutor } from "../tasks/mod.ts";

/** A scheduler that stands still. */
export interface Standing {
  readonly scheduler: Scheduler;
  readonly executor: TaskExecutor;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The jobs that run here: each waits for others, which are named by their ids. */
  readonly waits: ReadonlyMap<string, readonly string[]>;
}

/** What keeps a job from ending while its scheduler stands still. */
export interface Obstacle {
  /** Such as "it is pending, and …". */
  readonly reason: string;
  /** What may take it away. */
  readonly goesBy: "others" | "time" | "nothing";
}

const NO_SLOTS = "the maxConcurrency of its scheduler is 0, so that no job goes on";

/** `waiting` are jobs that wait for this one, one for the other. */
export async function obstacleOf(
  job: JobRecord,
  standing: Standing,
  waiting: readonly string[] = [],
): Promise<Obstacle> {
  if (job.status !== "running") return await obstacleOfPending(job, standing, waiting);
  const awaited = standing.waits.get(job.id);
  if (awaited === undefined) return { reason: "it runs in another worker", goesBy: "others" };
  if (standing.scheduler.maxConcurrency === 0) {
    return { reason: `it is running, and waits; ${NO_SLOTS}`, goesBy: "nothing" };
  }
  const obstacles = await obstaclesTo(awaited, standing, [...waiting, job.id]);
  return {
    reason: `it is running, and waits for ${list(obstacles)}`,
    goesBy: anyOf(obstacles),
  };
}

async function obstacleOfPending(
  { id, taskName, runAt }: JobRecord,
  standing: Standing,
  waiting: readonly string[],
): Promise<Obstacle> {
  const { scheduler, executor, now } = standing;
  const pending = (reason: string, goesBy: Obstacle["goesBy"]): Obstacle => ({
    reason: `it is pending, and ${reason}`,
    goesBy,
  });
  if (scheduler.maxConcurrency === 0) {
    return pending(NO_SLOTS, "nothing");
  }
  if (taskName !== null && !executor.registry.has(taskName)) {
    return pending(
      `no task "${taskName}" is registered in the registry of its executor`,
      "nothing",
    );
  }
  if (runAt.getTime() > now) return pending(`due at ${runAt.toISOString()}`, "time");
  if (taskName === null) return pending("its closure belongs to another scheduler", "others");
  const holders = await scheduler.list({ status: "running", task: taskName });
  if (holders.length === 0) return pending("its scheduler claims no jobs any more", "nothing");
  const ids = holders.map((holder) => holder.id);
  const obstacles = await obstaclesTo(ids, standing, [...waiting, id]);
  return pending(
    `as many of "${taskName}" run as its concurrency, or the job's concurrencyKey, allows: ${list(obstacles)}`,
    anyOf(obstacles),
  );
}

/** What keeps each of these from ending, as one may say it after "waits for". */
async function obstaclesTo(
  ids: readonly string[],
  standing: Standing,
  waiting: readonly string[],
): Promise<Obstacle[]> {
  const obstacles: Obstacle[] = [];
  for (const id of ids) {
    const { reason, goesBy } = waiting.includes(id)
      ? { reason: "which waits for it in turn", goesBy: "nothing" as const }
      : await obstacleTo(id, standing, waiting);
    obstacles.push({ reason: `job ${id} (${reason})`, goesBy });
  }
  return obstacles;
}

async function obstacleTo(
  id: string,
  standing: Standing,
  waiting: readonly string[],
): Promise<Obstacle> {
  try {
    return await obstacleOf(await standing.scheduler.get(id), standing, waiting);
  } catch (error) {
    if (!(error instanceof JobNotFoundError)) throw error;
    return { reason: "it was deleted", goesBy: "time" };
  }
}

/** Who waits for several may not need all of them. */
function anyOf(obstacles: readonly Obstacle[]): Obstacle["goesBy"] {
  const ways = obstacles.map(({ goesBy }) => goesBy);
  return ways.find((way) => way === "others") ?? ways.find((way) => way === "time") ?? "nothing";
}

function list(obstacles: readonly Obstacle[]): string {
  return obstacles.map(({ reason }) => reason).join(", ");
}
