import { rm } from "node:fs/promises";
import { type JobRecord, Scheduler } from "../../../lib/jobs/mod.ts";
import type { JobTables } from "../../../lib/jobs/tables.ts";
import { Database } from "../../../lib/storage/mod.ts";
import { TemporaryFolder } from "../../storage/databases.ts";
import { type AccountTables, createTables } from "./fixtures/tables.ts";
import { WorkerProcess, type WorkerSettings } from "./worker_process.ts";

/** Where a job has begun to run, as its runs themselves have noted it. */
type Start = Omit<AccountTables["starts"], "job">;

/** A database in a file for the workers of one test, seen from a process that runs no jobs. */
export class JobFile implements AsyncDisposable {
  readonly path: string;
  readonly database: Database;
  /** Submits and reads; it holds no lease, and takes nothing over. */
  readonly scheduler: Scheduler;
  readonly #folder: TemporaryFolder;
  readonly #workers: WorkerProcess[] = [];

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.path = folder.file("app.db");
    this.database = Database.sqlite(this.path);
    this.scheduler = new Scheduler({ database: this.database });
  }

  /** Goes with the test. */
  get folder(): string {
    return this.#folder.path;
  }

  static async create(): Promise<JobFile> {
    const file = new JobFile(await TemporaryFolder.create());
    await file.database.migrate();
    await createTables(file.database);
    return file;
  }

  /** A worker process on this file, that ends with the test at the latest. */
  async worker(settings: WorkerSettings = {}): Promise<WorkerProcess> {
    const worker = new WorkerProcess(this.path, settings);
    this.adopt(worker);
    await worker.says("ready");
    return worker;
  }

  /** Ends a worker process with the test. */
  adopt(worker: WorkerProcess): void {
    this.#workers.push(worker);
  }

  /** The runs of a job that have begun. */
  async starts(job: string): Promise<Start[]> {
    return await this.#db
      .selectFrom("starts")
      .select(["attempt", "pid"])
      .where("job", "=", job)
      .orderBy("attempt")
      .execute();
  }

  /** The attempts whose `complete()` was committed. */
  async effects(job: string): Promise<number[]> {
    const rows = await this.#db
      .selectFrom("effects")
      .select("attempt")
      .where("job", "=", job)
      .execute();
    return rows.map(({ attempt }) => attempt);
  }

  /** How many entries are left in the queue: none when all jobs have ended. */
  async queued(): Promise<number> {
    const rows = await this.database
      .own<{ job_queue: { id: string } }>()
      .selectFrom("job_queue")
      .select("id")
      .execute();
    return rows.length;
  }

  /** Deletes the leases of all processes. */
  async forgetWorkers(): Promise<void> {
    for (const suffix of ["", "-wal", "-shm"]) await rm(`${this.path}-workers${suffix}`);
  }

  /** Waits until the job has ended. */
  async end(job: string): Promise<JobRecord> {
    return await this.scheduler.wait(job);
  }

  /** Waits until all jobs that are known now have ended. */
  async allEnd(): Promise<void> {
    const jobs = await this.database
      .own<JobTables>()
      .selectFrom("jobs")
      .select("id")
      .where("status", "in", ["pending", "running"])
      .execute();
    await Promise.all(jobs.map(({ id }) => this.end(id)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()));
    await this.scheduler.stop();
    await this.database.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  get #db() {
    return this.database.kysely<AccountTables>();
  }
}
