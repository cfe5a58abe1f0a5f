export { Database, type DatabaseOptions } from "./database.ts";
export {
  DatabaseBusyError,
  DatabaseClosedError,
  DatabaseOpenError,
  MultipleStatementsError,
  NestedWriteError,
  SessionClosedError,
  TransactionLostError,
  TransactionStatementError,
  TransactionTimeoutError,
  UnsupportedDatabaseError,
} from "./errors.ts";
export { Session } from "./session.ts";
export { isUlid, ulid } from "./ulid.ts";
