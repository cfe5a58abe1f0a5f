/**
 * Copies a database in a thread of its own, since SQLite does so in one call, which takes seconds
 * for each gigabyte.
 *
 * It is started from its text (see `backup.ts`), so nothing but `bun:*` can be imported here.
 */
import { Database, SQLiteError } from "bun:sqlite";

/** What the main thread tells this one, once. */
export interface Order {
  readonly from: string;
  /** An empty file. */
  readonly to: string;
  /** Milliseconds for which another process's lock is awaited. */
  readonly patience: number;
}

/** What this thread tells the main one, once. */
export type Report =
  | { readonly kind: "copied" }
  | { readonly kind: "failed"; readonly code: string | undefined; readonly reason: string };

/** The thread's own scope, which looks like a Worker from within. */
declare const self: Pick<Worker, "onmessage">;

function copy({ from, to, patience }: Order): void {
  using database = new Database(from, { readwrite: true });
  database.run(`PRAGMA busy_timeout = ${patience}`);
  // It reads one state of the database, beside whoever writes.
  database.prepare("VACUUM INTO ?").run(to);
}

function report(report: Report): void {
  postMessage(report);
}

self.onmessage = ({ data: order }: MessageEvent<Order>) => {
  try {
    copy(order);
    report({ kind: "copied" });
  } catch (error) {
    const code = error instanceof SQLiteError ? error.code : undefined;
    report({ kind: "failed", code, reason: error instanceof Error ? error.message : `${error}` });
  }
};
