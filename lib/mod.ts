/**
 * Tasks for Bun: functions that can be discovered, validated and run over
 * HTTP, on Web standards alone.
 *
 * @module
 */
export type { Handler, RequestServer } from "./http/mod.ts";
export * from "./service/mod.ts";
export * from "./shell/mod.ts";
export {
  Database,
  DatabaseBusyError,
  DatabaseClosedError,
  DatabaseOpenError,
  type DatabaseOptions,
  MultipleStatementsError,
  NestedWriteError,
  Session,
  SessionClosedError,
  TransactionLostError,
  TransactionStatementError,
  TransactionTimeoutError,
  UnsupportedDatabaseError,
} from "./storage/mod.ts";
export * from "./tasks/mod.ts";
