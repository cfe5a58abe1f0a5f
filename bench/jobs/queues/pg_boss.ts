import { SQL } from "bun";
import { PgBoss } from "pg-boss";
import { Countdown } from "../countdown.ts";
import { CONCURRENCY, type JobQueue, PARAMS } from "../job_queue.ts";

export async function open(): Promise<JobQueue> {
  const connectionString = process.env["POSTGRES_URL"] ?? "";
  const sql = new SQL(connectionString);
  const schema = `taskmount_bench_${process.pid}_${Date.now()}`;
  const boss = new PgBoss({ connectionString, schema, supervise: false, schedule: false });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue("nothing");
  const settings: { name: string; setting: string }[] = await sql`
    SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') ORDER BY name`;
  const durability = settings.map(({ name, setting }) => `${name}=${setting}`).join(", ");
  return {
    durability: `PostgreSQL, ${durability}`,
    addOne: () => boss.send("nothing", PARAMS),
    addMany: (count) => boss.insert("nothing", new Array(count).fill({ data: PARAMS })),
    work: async (count, onStart = () => {}) => {
      const ran = new Countdown(count);
      await boss.work(
        "nothing",
        // Its shortest poll.
        { pollingIntervalSeconds: 0.5, batchSize: CONCURRENCY },
        async (jobs) => {
          for (const _ of jobs) {
            onStart();
            ran.count();
          }
        },
      );
      await ran.over;
      // Waits for the last batch to be written.
      await boss.offWork("nothing", { wait: true });
    },
    close: async () => {
      await boss.stop();
      await sql.unsafe(`DROP SCHEMA ${schema} CASCADE`);
      await sql.close();
    },
  };
}
