import { Database } from "bun:sqlite";
import { ulid } from "../../../lib/storage/mod.ts";
import { Folder } from "../folder.ts";
import { CONCURRENCY, type JobQueue, PARAMS } from "../job_queue.ts";

/** More than this in one transaction gains nothing. */
const GROUP = 1_000;

/**
 * The ceiling: the least that a durable queue on bun:sqlite can do. Prepared statements, ULIDs as keys, one row a job
 * with what a record is asked for, one commit for what arrives together. It checks nothing and recovers nothing.
 */
export async function open(): Promise<JobQueue> {
  const folder = new Folder();
  const db = new Database(folder.file("jobs.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run(`CREATE TABLE jobs (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, task TEXT NOT NULL, tags TEXT NOT NULL, attempt INTEGER NOT NULL,
    priority INTEGER NOT NULL, submitted_at INTEGER NOT NULL, run_at INTEGER NOT NULL, started_at INTEGER,
    finished_at INTEGER, params TEXT NOT NULL, result TEXT, error TEXT
  ) WITHOUT ROWID`);
  db.run("CREATE INDEX jobs_pending ON jobs (priority DESC, run_at, id) WHERE status = 'pending'");
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insert = db.prepare(
    `INSERT INTO jobs (id, status, task, tags, attempt, priority, submitted_at, run_at, params)
     VALUES (?, 'pending', 'nothing', '[]', 0, 0, ?, ?, ?)`,
  );
  const claim = db.prepare<{ id: string; params: string }, [number, number, number]>(
    `UPDATE jobs SET status = 'running', attempt = attempt + 1, started_at = ? WHERE id IN (
       SELECT id FROM jobs WHERE status = 'pending' AND run_at <= ? ORDER BY priority DESC, run_at, id LIMIT ?
     ) RETURNING id, params`,
  );
  const complete = db.prepare(
    "UPDATE jobs SET status = 'completed', finished_at = ?, result = ? WHERE id = ? AND status = 'running'",
  );

  function together(work: () => void): void {
    begin.run();
    work();
    commit.run();
  }

  function addOne(): void {
    const now = Date.now();
    insert.run(ulid(now), now, now, JSON.stringify(PARAMS));
  }

  let waiting: (() => void)[] = [];

  function flush(): void {
    const group = waiting.splice(0, GROUP);
    together(() => {
      for (const _ of group) addOne();
    });
    for (const resolve of group) resolve();
    if (waiting.length > 0) queueMicrotask(flush);
  }

  return {
    durability: "SQLite, WAL, synchronous=NORMAL",
    addOne: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === 1) queueMicrotask(flush);
      }),
    addMany: (count) =>
      together(() => {
        for (let index = 0; index < count; index++) addOne();
      }),
    work: async (count, onStart = () => {}) => {
      for (let done = 0; done < count; ) {
        const now = Date.now();
        const claimed = claim.all(now, now, CONCURRENCY);
        for (const { params } of claimed) {
          JSON.parse(params);
          onStart();
        }
        if (claimed.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        else {
          together(() => {
            for (const { id } of claimed) complete.run(Date.now(), "null", id);
          });
        }
        done += claimed.length;
      }
    },
    close: async () => {
      waiting = [];
      db.close();
      folder[Symbol.dispose]();
    },
  };
}
