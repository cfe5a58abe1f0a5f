import { SQLiteError } from "bun:sqlite";
import {
  DatabaseCorruptError,
  DatabaseDiskError,
  DatabaseFullError,
  DatabaseReadOnlyError,
  type DatabaseUnavailableError,
} from "../errors.ts";

/** Whether another connection's lock was in the way, so that the same statement may be tried again. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(BUSY|PROTOCOL)/.test(error.code ?? "");
}

/**
 * What SQLite threw because the file can't be used, as the error that says what to do; undefined
 * for whatever else was thrown.
 *
 * @see https://www.sqlite.org/rescode.html
 */
export function namedErrorOf(error: unknown, url: string): DatabaseUnavailableError | undefined {
  if (!(error instanceof SQLiteError)) return undefined;
  const { code = "", message } = error;
  const options = { cause: error };
  if (code === "SQLITE_FULL") return new DatabaseFullError(url, options);
  if (code.startsWith("SQLITE_READONLY")) return new DatabaseReadOnlyError(url, options);
  // Where a virtual table finds fault with its own content, the file is sound.
  const isDamaged = code.startsWith("SQLITE_CORRUPT") && code !== "SQLITE_CORRUPT_VTAB";
  if (isDamaged || code === "SQLITE_NOTADB") return new DatabaseCorruptError(url, message, options);
  // Of a file that could not be attached it says something else.
  const isNotOpened = code === "SQLITE_CANTOPEN" && message === "unable to open database file";
  if (code.startsWith("SQLITE_IOERR") || isNotOpened) {
    return new DatabaseDiskError(url, `${code}: ${message}`, options);
  }
  return undefined;
}
