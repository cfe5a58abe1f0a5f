import { Database } from "../../lib/storage/mod.ts";
import { TaskExecutor, TaskRegistry } from "../../lib/tasks/mod.ts";
import { RecordingLogger } from "./recording_logger.ts";

/** The table that tests write to, through `createEntries()`. */
export interface Tables {
  entries: { text: string };
}

/** An executor on a registry, an in-memory database and a logger of its own; all end with the test. */
export class TestExecutor implements AsyncDisposable {
  readonly registry = new TaskRegistry();
  readonly database = Database.sqlite(":memory:");
  readonly logger = new RecordingLogger();
  readonly executor: TaskExecutor;

  constructor() {
    const { registry, database, logger } = this;
    this.executor = new TaskExecutor({ registry, database, logger });
  }

  async createEntries(): Promise<void> {
    await this.database
      .kysely<Tables>()
      .schema.createTable("entries")
      .addColumn("text", "text", (column) => column.notNull())
      .execute();
  }

  async entries(): Promise<string[]> {
    const rows = await this.database
      .kysely<Tables>()
      .selectFrom("entries")
      .select("text")
      .execute();
    return rows.map(({ text }) => text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.executor.stop({ grace: 0, abortGrace: 0.01 });
    await this.database.close();
  }
}
