import { ServerSentEventStream } from "@std/http/server-sent-event-stream";
import { waitLong } from "./handler.ts";
import type { Heartbeats } from "./heartbeats.ts";

/** What goes over the stream; the built types can't name that of `@std`. */
export interface EventMessage {
  readonly comment?: string;
  readonly data?: string;
  readonly id?: number;
  /** Milliseconds. */
  readonly retry?: number;
}

/** Makes a client connect again after so many milliseconds. */
const COME_AGAIN: EventMessage = { retry: 1_000 };
/** What a client passes over. */
const SIGN_OF_LIFE: EventMessage = { comment: "" };

export interface EventStreamOptions<Event> {
  readonly toMessage: (event: Event) => EventMessage;
  /** Whether another connection may go on where an error ends this one. */
  readonly isPassing: (error: unknown) => boolean;
  readonly heartbeats: Heartbeats;
  /** Whether there may be nothing to tell for a while. */
  readonly quiet: boolean;
}

/**
 * Server-Sent Events: each event as it comes, comments in between, and the end
 * after the last one. `follow` is told when the client has gone.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function eventStream<Event>(
  follow: (signal: AbortSignal) => AsyncGenerator<Event, void>,
  { toMessage, isPassing, heartbeats, quiet }: EventStreamOptions<Event>,
): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const events = follow(gone.signal);
  let beating: Disposable | undefined;
  const messages = new ReadableStream<EventMessage>({
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
        if (!done) return controller.enqueue(toMessage(value));
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

/** The answer that sends an event stream. */
export function sendEvents(
  body: ReadableStream<Uint8Array>,
  request: Parameters<typeof waitLong>[0],
): Response {
  waitLong(request);
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Else nginx keeps the events back.
      "x-accel-buffering": "no",
    },
  });
}
