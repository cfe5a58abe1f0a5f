import { existsSync, statSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  DatabaseBackupError,
  DatabaseBusyError,
  DatabaseCorruptError,
  DatabaseOpenError,
} from "../errors.ts";
// @ts-expect-error It is imported as text, which TypeScript can't know.
import source from "./backup_thread.ts" with { type: "text" };
import type { Order, Report } from "./backup_thread.ts";

export interface BackupOptions {
  /** Ends it; then there is no backup. */
  readonly signal?: AbortSignal | undefined;
}

interface Backup extends BackupOptions {
  /** The database's, for error messages. */
  readonly url: string;
  /** The database file. */
  readonly from: string;
  /** The file that is to be made. */
  readonly to: string;
  /** Seconds. */
  readonly busyTimeout: number;
}

/**
 * Copies a database that may be in use: as it is at one moment, compacted, and
 * on the disk when it resolves. Under its name there is all of it, or nothing:
 * it is written to a file `{to}.….partial` beside it.
 *
 * @throws {DatabaseOpenError} where there is no such database.
 * @throws {DatabaseCorruptError} where it is damaged.
 * @throws {DatabaseBusyError} where another process locks everybody out.
 * @throws {DatabaseBackupError} where the backup can't be written, or there is a file of that name.
 */
export async function backUp({ url, from, to, busyTimeout, signal }: Backup): Promise<void> {
  signal?.throwIfAborted();
  if (!existsSync(from)) throw new DatabaseOpenError(url, "there is no such file");
  const refuse = (reason: string, cause?: unknown) =>
    new DatabaseBackupError(url, to, reason, { cause });
  const isTaken = "there is a file of that name already. Give another name, or move it away.";
  if (existsSync(to)) throw refuse(isTaken);
  const folder = dirname(to);
  if (!existsSync(folder)) throw refuse(`the folder "${folder}" doesn't exist`);
  const partial = `${to}.${crypto.randomUUID().slice(0, 8)}.partial`;
  try {
    // Whoever may not read the database shall not read its copy.
    await (await open(partial, "wx", statSync(from).mode & 0o777)).close();
    signal?.throwIfAborted();
    const report = await copy({ from, to: partial, patience: busyTimeout * 1_000 }, signal);
    if (report.kind === "failed") {
      const { code, reason } = report;
      if (code === "SQLITE_FULL") throw refuse("there is no room left on its disk");
      if (code?.startsWith("SQLITE_BUSY")) throw new DatabaseBusyError(url, busyTimeout);
      if (code?.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB") {
        throw new DatabaseCorruptError(url, reason);
      }
      throw refuse(code === undefined ? reason : `${reason} (${code})`);
    }
    await sync(partial, "r+");
    signal?.throwIfAborted();
    await publish(partial, to);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw refuse(isTaken, error);
    if (codeOf(error) === undefined) throw error;
    throw refuse(error instanceof Error ? error.message : String(error), error);
  } finally {
    await remove(partial);
  }
  await sync(folder, "r").catch(() => {
    // Not every system lets a folder be synced; then its name may be lost with the power.
  });
}

/** @throws The signal's reason; SQLite can't be interrupted, so the thread ends later, and removes what it has made. */
function copy(order: Order, signal: AbortSignal | undefined): Promise<Report> {
  // As text it is found wherever this file is: in node_modules, in a bundle, in an executable.
  const script = URL.createObjectURL(new File([source], "backup_thread.ts"));
  const thread = new Worker(script, { name: "taskmount backup", smol: true });
  const { promise, resolve, reject } = Promise.withResolvers<Report>();
  const end = (report: Report) => {
    resolve(report);
    URL.revokeObjectURL(script);
    signal?.removeEventListener("abort", abort);
    thread.terminate();
    // It may have made the file after it was removed.
    if (signal?.aborted === true) {
      void remove(order.to).catch(() => {
        // Who asked for the backup has gone; a file that stays is named as what it is.
      });
    }
  };
  const fail = (reason: string) => end({ kind: "failed", code: undefined, reason });
  const abort = () => {
    thread.unref();
    reject(signal?.reason);
  };
  thread.onmessage = ({ data }: MessageEvent<Report>) => end(data);
  thread.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };
  thread.addEventListener("close", () => fail("its thread ended"));
  signal?.addEventListener("abort", abort);
  thread.postMessage(order);
  return promise;
}

/** With what SQLite keeps beside it until it is done. */
async function remove(partial: string): Promise<void> {
  for (const path of [partial, `${partial}-journal`]) await rm(path, { force: true });
}

/** Waits until what was written is on the disk. */
async function sync(path: string, flags: "r" | "r+"): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives the file its name, which another one may have by now. */
async function publish(partial: string, to: string): Promise<void> {
  try {
    await link(partial, to);
  } catch (error) {
    // A file system without links, such as FAT.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error) ?? "")) throw error;
    await rename(partial, to);
  }
}

/** The system's code of an error, such as `EEXIST`. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && "code" in error && "syscall" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
