/** An open transaction outlived `transactionTimeout` and was rolled back. */
export class TransactionTimeoutError extends Error {
  override readonly name = "TransactionTimeoutError";

  constructor(seconds: number) {
    super(
      `The transaction was still open after ${seconds} seconds and was rolled back. Keep slow work (HTTP calls, shell commands) out of transactions, await only statements of the transaction inside it, or raise transactionTimeout.`,
    );
  }
}

/** Another process held the database's write lock for longer than `busyTimeout`. */
export class DatabaseBusyError extends Error {
  override readonly name = "DatabaseBusyError";

  constructor(url: string, seconds: number, options?: ErrorOptions) {
    super(
      `Another process kept ${url} locked for more than ${seconds} seconds. Nothing was written; try again, or raise busyTimeout.`,
      options,
    );
  }
}

/** A write bypassed the transaction that its own run has open, and would have waited for itself. */
export class NestedWriteError extends Error {
  override readonly name = "NestedWriteError";

  constructor() {
    super(
      "This statement bypasses the transaction that is open around it and would wait for itself. Use the session that the transaction's callback was given.",
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

/** The transaction ended by other means than its own commit, as by a raw COMMIT or an `ON CONFLICT ROLLBACK`. */
export class TransactionLostError extends Error {
  override readonly name = "TransactionLostError";

  constructor(options?: ErrorOptions) {
    super(
      "SQLite ended this transaction: by a raw COMMIT or ROLLBACK statement, or by an error that rolls back (disk full, ON CONFLICT ROLLBACK). Begin and end transactions with session.transaction() alone.",
      options,
    );
  }
}

/** A statement began a transaction by hand. */
export class TransactionStatementError extends Error {
  override readonly name = "TransactionStatementError";

  constructor(sql: string) {
    super(
      `Cannot run "${sql.trim().slice(0, 100)}" by itself: a transaction begins and ends with session.transaction() or Kysely's transaction().`,
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
export class DatabaseOpenError extends Error {
  override readonly name = "DatabaseOpenError";

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`Cannot open ${url}: ${reason}`, options);
  }
}

/** The URL given to `Database.open()` names no database that taskmount knows. */
export class UnsupportedDatabaseError extends Error {
  override readonly name = "UnsupportedDatabaseError";

  constructor(url: string, hint: string) {
    super(`Cannot open the database "${url}": ${hint}`);
  }
}
