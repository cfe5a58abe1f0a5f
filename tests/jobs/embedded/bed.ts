import { Database as File } from "bun:sqlite";
import { EmbeddedEngine } from "../../../lib/jobs/embedded/engine.ts";
import { Database, type Lease, type LeaseOptions } from "../../../lib/storage/mod.ts";
import { FakeClock } from "../../../lib/testing/mod.ts";
import { TemporaryFolder } from "../../storage/databases.ts";
import type { EngineBed, EngineProcess } from "../engine_worker.ts";

/** Seconds; so many that no lease ends by time within a test. */
const LEASE = 600;

/** A queue in memory, whose processes share one database. */
export class MemoryBed implements EngineBed {
  readonly clock = new FakeClock();
  readonly database: Database;

  private constructor(database: Database) {
    this.database = database;
  }

  static async create(): Promise<MemoryBed> {
    const database = Database.sqlite(":memory:");
    await database.migrate();
    return new MemoryBed(database);
  }

  open(): EngineProcess {
    return openProcess(this.database, this.clock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
  }
}

/** A queue in a file, which each process opens for itself. */
export class FileBed implements EngineBed {
  readonly clock = new FakeClock();
  readonly path: string;
  readonly #folder: TemporaryFolder;
  readonly #databases: Database[] = [];

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
    this.path = folder.file("app.db");
  }

  static async create(): Promise<FileBed> {
    const bed = new FileBed(await TemporaryFolder.create());
    await bed.openDatabase().migrate();
    return bed;
  }

  /** The database as another process would have it; the bed closes it. */
  openDatabase(): Database {
    const database = Database.sqlite(this.path);
    this.#databases.push(database);
    return database;
  }

  open(): EngineProcess {
    return openProcess(this.openDatabase(), this.clock);
  }

  readonly endLeaseOf = async (id: string): Promise<void> => {
    using queue = new File(this.path, { readonly: true });
    const row = queue
      .query<{ worker: string }, [string]>("SELECT worker FROM taskmount_job_queue WHERE id = ?")
      .get(id);
    using leases = new File(`${this.path}-workers`, { readwrite: true });
    leases.run("PRAGMA busy_timeout = 5000");
    leases.run("DELETE FROM leases WHERE id = ?", [row?.worker ?? ""]);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const database of this.#databases) await database.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

function openProcess(database: Database, clock: FakeClock): EngineProcess {
  return {
    engine: new EmbeddedEngine({ database, clock, lease: LEASE, suspectAfter: 2 }),
    transact: (work) => database.unit(work),
  };
}

/** The leases of a database, which the test ends, or refuses. */
export class HandLeases {
  /** Why there are none to be had; undefined while there are. */
  refusal: Error | undefined;
  /** Those that were acquired and not released. */
  readonly held = new Map<Lease, LeaseOptions>();

  constructor(database: Database) {
    const acquire = database.lease.bind(database);
    database.lease = async (options) => {
      if (this.refusal !== undefined) throw this.refusal;
      const lease = await acquire(options);
      const { id } = lease;
      const held: Lease = {
        id,
        ended: (ids) => lease.ended(ids),
        release: async () => {
          this.held.delete(held);
          await lease.release();
        },
      };
      this.held.set(held, options);
      return held;
    };
  }

  /** Ends all that are held, as if nothing had been heard of this process for too long. */
  async lose(): Promise<void> {
    for (const [lease, { onLost }] of [...this.held]) {
      await lease.release();
      onLost();
    }
  }
}
