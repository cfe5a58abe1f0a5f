import type { JobFile } from "./job_file.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { compileWorker, WorkerProcess, type WorkerSettings } from "./worker_process.ts";

export interface MortalWorkersOptions {
  readonly file: JobFile;
  readonly settings: WorkerSettings & { readonly lease: number };
  readonly random: SeededRandom;
  /** What each process submits when it is ready, and how many of these. */
  readonly load: { readonly kind: "count" | "transfer"; readonly size: number };
  /** One process in so many is not killed at once, but stopped past its lease first; null for none. */
  readonly stopOneIn: number | null;
}

/** How many run at a time. */
const ALIVE = 2;
/** Milliseconds. */
const LONGEST_START = 200;
const LONGEST_REST = 25;

/**
 * Worker processes on one file, two at a time, each killed with `kill -9` at a
 * random moment and followed by another one at once.
 */
export class MortalWorkers {
  /** The jobs whose submission was acknowledged, by a process that may be dead by now. */
  readonly acknowledged: string[] = [];
  readonly #options: MortalWorkersOptions;
  #killed = 0;
  #stopped = 0;

  constructor(options: MortalWorkersOptions) {
    this.#options = options;
  }

  get killed(): number {
    return this.#killed;
  }

  /** How many were stopped past their lease, and went on, before they were killed. */
  get stopped(): number {
    return this.#stopped;
  }

  /** Kills so many, and leaves those that follow them alive; resolves when they have submitted their load. */
  async kill(times: number): Promise<void> {
    const { file, settings } = this.#options;
    const script = await compileWorker(file.folder);
    let left = times;
    const lane = async () => {
      const ends: Promise<void>[] = [];
      let worker = new WorkerProcess(file.path, settings, script);
      while (left > 0) {
        left -= 1;
        await this.#live(worker);
        worker.signal("SIGKILL");
        this.#killed += 1;
        ends.push(this.#end(worker));
        worker = new WorkerProcess(file.path, settings, script);
      }
      file.adopt(worker);
      await worker.says("ready");
      this.#load(worker);
      await worker.says("loaded");
      this.acknowledged.push(...worker.hasSaid("submitted"));
      await Promise.all(ends);
    };
    await Promise.all(Array.from({ length: ALIVE }, lane));
  }

  async #live(worker: WorkerProcess): Promise<void> {
    const { random, settings, load, stopOneIn } = this.#options;
    // Some die while they start.
    if (random.oneIn(10)) return await pause(random.below(LONGEST_START));
    await worker.says("ready");
    this.#load(worker);
    // By what it has done, not by the clock: a busy machine has it live longer.
    for (let submissions = random.below(load.size); submissions > 0; submissions -= 1) {
      this.acknowledged.push(await worker.says("submitted"));
    }
    await pause(random.below(LONGEST_REST));
    if (stopOneIn === null || !random.oneIn(stopOneIn)) return;
    worker.signal("SIGSTOP");
    await pause(settings.lease * 1_500);
    worker.signal("SIGCONT");
    this.#stopped += 1;
    await pause(random.below(LONGEST_REST));
  }

  #load(worker: WorkerProcess): void {
    const { random, load } = this.#options;
    worker.tell(`load ${load.kind} ${random.below(2 ** 32)} ${load.size}`);
  }

  async #end(worker: WorkerProcess): Promise<void> {
    await worker.ended();
    this.acknowledged.push(...worker.hasSaid("submitted"));
  }
}

// The moment of a death is no event that could be waited for.
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
