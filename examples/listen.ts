import type { Service } from "taskmount";
import type { Settings } from "./settings.ts";

/** The address can't be listened at. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Serves at an address; port 0 is any that is free.
 *
 * @throws {ListenError}
 */
export function listen(
  service: Service,
  { hostname, port }: Pick<Settings, "hostname" | "port">,
): Bun.Server<undefined> {
  try {
    return Bun.serve({ ...service, hostname, port });
  } catch (cause) {
    const reason = isPortTaken(cause)
      ? "the port is taken. Choose another by PORT, or PORT=0 for any that is free"
      : cause instanceof Error
        ? cause.message
        : String(cause);
    throw new ListenError(`Cannot listen at ${hostname}:${port}: ${reason}`, { cause });
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
