import { EmbeddedEngine } from "../../lib/jobs/embedded/engine.ts";
import { FinishedJobs } from "../../lib/jobs/finished_jobs.ts";
import type { JobStatus, RetentionOptions } from "../../lib/jobs/mod.ts";
import { createRecords } from "../../lib/jobs/records.ts";
import { chooseRetention } from "../../lib/jobs/retention.ts";
import { StateMachine } from "../../lib/jobs/state_machine.ts";
import { Sweeper } from "../../lib/jobs/sweeper.ts";
import { firstUlid } from "../../lib/storage/mod.ts";
import { FakeClock } from "../../lib/testing/mod.ts";
import { RecordingLogger } from "../tasks/recording_logger.ts";
import { WrittenJobs } from "./http/written_jobs.ts";

/** Seconds. */
export const DAY = 24 * 60 * 60;

/** Counts what is read. */
class CountedJobs extends FinishedJobs {
  looks = 0;
  counts = 0;

  override async page(...args: Parameters<FinishedJobs["page"]>) {
    const page = await super.page(...args);
    this.looks += page.length;
    return page;
  }

  override async count(...args: Parameters<FinishedJobs["count"]>) {
    this.counts += 1;
    return await super.count(...args);
  }
}

/** Records of jobs that have ended, and sweepers of them. */
export class SweepBench implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly written: WrittenJobs;
  readonly reads: CountedJobs;
  readonly states: StateMachine;
  /** How many jobs each transaction has deleted. */
  readonly batches: number[] = [];
  /** Called before each of these. */
  beforeRemoval = async (_ids: readonly string[]): Promise<void> => {};
  readonly #sweepers: Sweeper[] = [];
  #number = 0;

  private constructor(written: WrittenJobs) {
    const { clock } = this;
    const { database } = written;
    const engine = new EmbeddedEngine({ database, clock, lease: 10, suspectAfter: 2 });
    this.written = written;
    this.reads = new CountedJobs(written.db);
    this.states = new StateMachine({
      records: createRecords(written.db),
      engine,
      clock,
      crashLimit: 3,
      lease: 10,
    });
  }

  static async create(): Promise<SweepBench> {
    return new SweepBench(await WrittenJobs.create());
  }

  sweeper(retention: RetentionOptions, { mostInVain = 25_000 } = {}): Sweeper {
    const sweeper = new Sweeper({
      kept: chooseRetention(retention),
      jobs: this.reads,
      clock: this.clock,
      logger: this.logger,
      mostInVain,
      remove: async (ids, only, pace) => {
        await this.beforeRemoval(ids);
        const deleted = await this.written.database.unit((tx) =>
          pace.time(ids.length, () => this.states.deleteMany(ids, only, tx)),
        );
        this.batches.push(deleted.length);
      },
    });
    this.#sweepers.push(sweeper);
    return sweeper;
  }

  /** Writes jobs that were submitted, and have ended, so many seconds ago; of those that have not, `ended` is null. */
  async add(
    status: JobStatus,
    {
      submitted,
      ended = submitted,
      count = 1,
    }: { submitted: number; ended?: number | null; count?: number },
  ): Promise<string[]> {
    const submittedAt = this.clock.date(-submitted).getTime();
    const finishedAt = ended === null ? null : this.clock.date(-ended).getTime();
    const ids: string[] = [];
    const id = () => {
      const next = firstUlid(submittedAt).slice(0, 10) + String(++this.#number).padStart(16, "0");
      ids.push(next);
      return next;
    };
    await this.written.add(count, { status, id, submittedAt, finishedAt });
    return ids;
  }

  /** The ids that are left, the oldest first. */
  async left(): Promise<string[]> {
    const rows = await this.written.db.selectFrom("jobs").select("id").orderBy("id").execute();
    return rows.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sweepers.map((sweeper) => sweeper.stop()));
    await this.written[Symbol.asyncDispose]();
  }
}
