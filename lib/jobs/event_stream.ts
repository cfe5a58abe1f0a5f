import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { DatabaseBusyError, DatabaseClosedError } from "../storage/mod.ts";
import { JobNotFoundError, SchedulerStoppedError } from "./errors.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { JobEvent } from "./record.ts";
import { recordToWire, type ToWireOptions } from "./to_wire.ts";

/** Makes a client connect again after so many milliseconds. */
const COME_AGAIN: ServerSentEventMessage = { retry: 1_000 };
/** What a client passes over. */
const SIGN_OF_LIFE: ServerSentEventMessage = { comment: "" };

export interface EventStreamOptions extends ToWireOptions {
  readonly heartbeats: Heartbeats;
  /** Whether there may be nothing to tell for a while. */
  readonly quiet: boolean;
}

/**
 * Server-Sent Events of a job: each state as it comes, comments in between,
 * and the end after the last one. `follow` is told when the client has gone.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream(
  follow: (signal: AbortSignal) => AsyncGenerator<JobEvent, void>,
  { heartbeats, quiet, ...options }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const events = follow(gone.signal);
  let beating: Disposable | undefined;
  const messages = new ReadableStream<ServerSentEventMessage>({
    start: (controller) => {
      // Bun sends no headers before the first byte, and a client shall know that it is connected.
      if (quiet) controller.enqueue(SIGN_OF_LIFE);
      beating = heartbeats.add(() => {
        // A client that doesn't read needs no signs of life.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(SIGN_OF_LIFE);
      });
    },
    pull: async (controller) => {
      try {
        const { done, value } = await events.next();
        if (!done) return controller.enqueue(toMessage(value, options));
      } catch (error) {
        beating?.[Symbol.dispose]();
        if (!isPassing(error)) throw error;
        controller.enqueue(COME_AGAIN);
      }
      beating?.[Symbol.dispose]();
      controller.close();
    },
    cancel: async () => {
      beating?.[Symbol.dispose]();
      // The one ends a wait for the next change, the other what waits to be taken.
      gone.abort();
      await events.return().catch(() => {
        // It ended by this very abort.
      });
    },
  });
  return messages.pipeThrough(new ServerSentEventStream());
}

/** Whether another connection may go on where this one has to end. */
function isPassing(error: unknown): boolean {
  return [SchedulerStoppedError, DatabaseClosedError, DatabaseBusyError, JobNotFoundError].some(
    (type) => error instanceof type,
  );
}

function toMessage(event: JobEvent, options: ToWireOptions): ServerSentEventMessage {
  const data = event.status === "deleted" ? { status: "deleted" } : recordToWire(event, options);
  return { id: event.revision, data: JSON.stringify(data) };
}
