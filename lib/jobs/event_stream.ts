import { type EventMessage, eventStream, type Heartbeats } from "../http/mod.ts";
import { DatabaseClosedError, DatabaseUnavailableError } from "../storage/mod.ts";
import { JobNotFoundError, SchedulerStoppedError } from "./errors.ts";
import type { JobEvent } from "./record.ts";
import { recordToWire, type ToWireOptions } from "./to_wire.ts";

export interface JobEventStreamOptions extends ToWireOptions {
  readonly heartbeats: Heartbeats;
  /** Whether there may be nothing to tell for a while. */
  readonly quiet: boolean;
}

/** Server-Sent Events of a job: each state as it comes, up to the last one. */
export function jobEventStream(
  follow: (signal: AbortSignal) => AsyncGenerator<JobEvent, void>,
  { heartbeats, quiet, ...options }: JobEventStreamOptions,
): ReadableStream<Uint8Array> {
  const toMessage = (event: JobEvent) => toMessageOf(event, options);
  return eventStream(follow, { toMessage, isPassing, heartbeats, quiet });
}

/** Whether another connection may go on where this one has to end. */
function isPassing(error: unknown): boolean {
  return [
    SchedulerStoppedError,
    DatabaseClosedError,
    DatabaseUnavailableError,
    JobNotFoundError,
  ].some((type) => error instanceof type);
}

function toMessageOf(event: JobEvent, options: ToWireOptions): EventMessage {
  const data = event.status === "deleted" ? { status: "deleted" } : recordToWire(event, options);
  return { id: event.revision, data: JSON.stringify(data) };
}
