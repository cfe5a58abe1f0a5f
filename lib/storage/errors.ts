/** An open transaction outlived `transactionTimeout` and was rolled back. */
export class TransactionTimeoutError extends Error {
  override readonly name = "TransactionTimeoutError";

  constructor(seconds: number) {
    super(
      `The transaction was still open after ${seconds} seconds and was rolled back. Keep slow work (HTTP calls, shell commands) out of transactions, await only statements of the transaction inside it, or raise transactionTimeout.`,
    );
  }
}

/**
 * The database can't be used as it is now, which is no fault of what was asked of it. What failed
 * has written nothing. Over HTTP it is a 503.
 */
export abstract class DatabaseUnavailableError extends Error {
  /** Ends the `type` of its problem document, `urn:taskmount:error:{code}`. */
  abstract readonly code: string;
}

/** Another process held the database's write lock for longer than `busyTimeout`. */
export class DatabaseBusyError extends DatabaseUnavailableError {
  override readonly name = "DatabaseBusyError";
  readonly code = "unavailable";

  constructor(url: string, seconds: number, options?: ErrorOptions) {
    super(
      `Another process kept ${url} locked for more than ${seconds} seconds. Nothing was written; try again, or raise busyTimeout.`,
      options,
    );
  }
}

/** There is no room on the disk, or within a quota, for what was to be written. */
export class DatabaseFullError extends DatabaseUnavailableError {
  override readonly name = "DatabaseFullError";
  readonly code = "database-full";

  constructor(url: string, options?: ErrorOptions) {
    super(
      `There is no room left to write to ${url}. Nothing was written; make room on its disk, and it goes on by itself.`,
      options,
    );
  }
}

/** The database may be read, but not written: by its mode, its owner, or how its disk is mounted. */
export class DatabaseReadOnlyError extends DatabaseUnavailableError {
  override readonly name = "DatabaseReadOnlyError";
  readonly code = "database-read-only";

  constructor(url: string, options?: ErrorOptions) {
    super(
      `${url} can only be read. Nothing was written; let this user write to the file and to its folder, where SQLite keeps files beside it, and start again.`,
      options,
    );
  }
}

/** What is in the file is damaged. */
export class DatabaseCorruptError extends DatabaseUnavailableError {
  override readonly name = "DatabaseCorruptError";
  readonly code = "database-corrupt";

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `${url} is damaged (${reason}). Nothing was written; stop whatever uses it, keep a copy of it, and restore a backup.`,
      options,
    );
  }
}

/** The system failed to read or write the file. */
export class DatabaseDiskError extends DatabaseUnavailableError {
  override readonly name = "DatabaseDiskError";
  readonly code = "database-disk";

  /** `reason` is SQLite's code and message. */
  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `The system could not read or write ${url} (${reason}). Nothing was written; look at its disk, limits on the size of files, and the system's log.`,
      options,
    );
  }
}

/** The file was deleted, moved or replaced while it was open. */
export class DatabaseMovedError extends DatabaseUnavailableError {
  override readonly name = "DatabaseMovedError";
  readonly code = "database-moved";

  constructor(url: string) {
    super(
      `${url} was deleted, moved or replaced while it was in use: what is written now is in no file of this name. Stop whatever uses it, put the file in its place, and start again.`,
    );
  }
}

/** A newer version of taskmount has changed the tables. Nothing was changed. */
export class DatabaseSchemaError extends DatabaseUnavailableError {
  override readonly name = "DatabaseSchemaError";
  readonly code = "database-schema";

  /** The names of migrations: those that this version doesn't know, and the newest that it does. */
  constructor(url: string, { unknown, newest }: { unknown: readonly string[]; newest: string }) {
    super(
      `Cannot use ${url}: a newer version of taskmount has brought its tables to "${unknown.join('", "')}", and this one knows them up to "${newest}". Nothing was changed; run that version, or a newer one, or restore a backup from before.`,
    );
  }
}

/** A write bypassed the transaction that its own run has open, and would have waited for itself. */
export class NestedWriteError extends Error {
  override readonly name = "NestedWriteError";

  constructor() {
    super(
      "This bypasses the transaction that is open around it and would wait for itself. Use the session that the innermost transaction's callback was given, or wait until that transaction has ended.",
    );
  }
}

/** A session, or a transaction's session, was used after it had ended. */
export class SessionClosedError extends Error {
  override readonly name = "SessionClosedError";

  constructor(what: "run" | "transaction") {
    super(
      `This session ended with its ${what}. Await every statement before the ${what} ends, and don't keep a session for later.`,
    );
  }
}

/** An error rolled the whole transaction back, such as that of `ON CONFLICT ROLLBACK`. */
export class TransactionLostError extends Error {
  override readonly name = "TransactionLostError";

  constructor(options?: ErrorOptions) {
    super(
      "An error rolled the whole transaction back (ON CONFLICT ROLLBACK, RAISE(ROLLBACK)): nothing that it wrote is kept. The cause is the error.",
      options,
    );
  }
}

/** A statement begins or ends a transaction by hand, or means nothing inside one. Nothing was run. */
export class TransactionStatementError extends Error {
  override readonly name = "TransactionStatementError";

  constructor(sql: string, reason: string) {
    super(`Cannot run "${excerpt(sql)}": ${reason}`);
  }
}

/** One text held several statements, of which only the first would have run. Nothing was run. */
export class MultipleStatementsError extends Error {
  override readonly name = "MultipleStatementsError";

  constructor(second: string) {
    super(
      `Cannot run several statements as one: "${excerpt(second)}" follows the first. Execute them one by one.`,
    );
  }
}

/** The database was used after `close()`. */
export class DatabaseClosedError extends Error {
  override readonly name = "DatabaseClosedError";

  constructor(url: string) {
    super(`${url} is closed.`);
  }
}

/** The database can't be opened: its folder is missing, it can't be read, or it is no database. */
export class DatabaseOpenError extends DatabaseUnavailableError {
  override readonly name = "DatabaseOpenError";
  readonly code = "unavailable";

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`Cannot open ${url}: ${reason}`, options);
  }
}

/** No backup was made, and there is none under the name that was given. */
export class DatabaseBackupError extends Error {
  override readonly name = "DatabaseBackupError";

  constructor(url: string, path: string, reason: string, options?: ErrorOptions) {
    super(`Cannot back up ${url} to "${path}": ${reason}`, options);
  }
}

/** This process's lease ended although it wasn't released: others may have taken over what it held. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";

  constructor(seconds: number) {
    super(
      `Nothing was heard of this process for ${seconds} seconds, so others may have taken over its work, and what it still writes is refused. Was it suspended, its disk full, or the file of the leases deleted? Where a busy machine is the reason, raise the lease.`,
    );
  }
}

/** The URL given to `Database.open()` names no database that taskmount knows. */
export class UnsupportedDatabaseError extends Error {
  override readonly name = "UnsupportedDatabaseError";

  constructor(url: string, hint: string) {
    super(`Cannot open the database "${url}": ${hint}`);
  }
}

function excerpt(sql: string): string {
  const text = sql.trim();
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
