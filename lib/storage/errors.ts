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

/** An error rolled the whole transaction back, such as a full disk or `ON CONFLICT ROLLBACK`. */
export class TransactionLostError extends Error {
  override readonly name = "TransactionLostError";

  constructor(options?: ErrorOptions) {
    super(
      "An error rolled the whole transaction back (ON CONFLICT ROLLBACK, RAISE(ROLLBACK), a full disk): nothing that it wrote is kept. The cause is the error.",
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
export class DatabaseOpenError extends Error {
  override readonly name = "DatabaseOpenError";

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`Cannot open ${url}: ${reason}`, options);
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
