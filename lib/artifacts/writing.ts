import type { Database, Session, Statements } from "../storage/mod.ts";

/** Writes in one short transaction: its own, or within that of a session. */
export function unit<T>(
  database: Database,
  session: Session | undefined,
  work: (statements: Statements) => Promise<T>,
): Promise<T> {
  return session === undefined ? database.unit(work) : session.unit(work);
}
