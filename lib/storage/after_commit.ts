import type { Session } from "./session.ts";

/** Calls `listener` once what was written has committed: at once, or with the transaction of a session. */
export function afterCommit(session: Session | undefined, listener: () => void): void {
  if (session === undefined) listener();
  else session.afterCommit(listener);
}
