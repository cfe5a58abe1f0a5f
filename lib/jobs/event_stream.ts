import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { SchedulerStoppedError } from "./errors.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { JobEvent } from "./record.ts";
import { recordToWire, type ToWireOptions } from "./to_wire.ts";

/** Seconds; Bun and many proxies close a connection that is silent for ten, or more. */
const HEARTBEAT_EVERY = 5;
/** Milliseconds after which a client shall connect again when the service has stopped. */
const RETRY_AFTER = 1_000;

const heartbeats = new Heartbeats(HEARTBEAT_EVERY);

/**
 * Server-Sent Events of a job: each state as it comes, comments in between,
 * and the end after the last one. `follow` is told when the client has gone.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream(
  follow: (signal: AbortSignal) => AsyncIterator<JobEvent>,
  options: ToWireOptions,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const events = follow(gone.signal);
  let beating: Disposable | undefined;
  const messages = new ReadableStream<ServerSentEventMessage>({
    start: (controller) => {
      beating = heartbeats.add(() => {
        // A client that doesn't read needs no signs of life.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue({ comment: "" });
      });
    },
    pull: async (controller) => {
      const message = await next(events, options);
      if (message !== undefined) controller.enqueue(message);
      if (message?.data !== undefined) return;
      beating?.[Symbol.dispose]();
      controller.close();
    },
    cancel: () => {
      beating?.[Symbol.dispose]();
      gone.abort();
    },
  });
  return messages.pipeThrough(new ServerSentEventStream());
}

/** The next message; one without data, or none, is the last. */
async function next(
  events: AsyncIterator<JobEvent>,
  options: ToWireOptions,
): Promise<ServerSentEventMessage | undefined> {
  try {
    const { done, value } = await events.next();
    return done ? undefined : toMessage(value, options);
  } catch (error) {
    if (error instanceof SchedulerStoppedError) return { retry: RETRY_AFTER };
    throw error;
  }
}

function toMessage({ revision, record }: JobEvent, options: ToWireOptions): ServerSentEventMessage {
  const data = record === null ? { status: "deleted" } : recordToWire(record, options);
  return { id: revision, data: JSON.stringify(data) };
}
