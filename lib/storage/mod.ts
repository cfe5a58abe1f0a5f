export { afterCommit } from "./after_commit.ts";
export { Database, type DatabaseOptions } from "./database.ts";
export {
  DatabaseBackupError,
  DatabaseBusyError,
  DatabaseClosedError,
  DatabaseCorruptError,
  DatabaseDiskError,
  DatabaseFullError,
  DatabaseMovedError,
  DatabaseOpenError,
  DatabaseReadOnlyError,
  DatabaseSchemaError,
  DatabaseUnavailableError,
  LeaseLostError,
  MultipleStatementsError,
  NestedWriteError,
  SessionClosedError,
  TransactionLostError,
  TransactionStatementError,
  TransactionTimeoutError,
  UnsupportedDatabaseError,
} from "./errors.ts";
export { jsonValues } from "./json_values.ts";
export type { Lease, LeaseOptions } from "./lease.ts";
export {
  type Parameter,
  type Prepared,
  type PreparedInsert,
  prepare,
  prepareInsert,
} from "./prepared.ts";
export type { Reads, Statements } from "./scope.ts";
export { Session } from "./session.ts";
export { firstUlid, isUlid, UlidSequence, ulid } from "./ulid.ts";
