/**
 * Messages of the Server-Sent Events protocol, written as a client's `EventSource` reads them.
 *
 * Source: the HTML standard, 9.2, "Server-sent events".
 *
 * @module
 */

const LINE_BREAK = /\r\n|\r|\n/g;
const encoder = new TextEncoder();

/** A message; a field that is left out is not sent, one that is empty or 0 is. */
export interface ServerSentEventMessage {
  /** What the client passes over, as to keep a connection open; of any number of lines. */
  comment?: string;
  /** The type of the event, of one line; the client's own default is `message`. */
  event?: string;
  /**
   * The data of the event, of any number of lines; without it the client gets no event.
   *
   * A line loses a space that it begins with: the client takes it for the one that may follow the
   * field's colon.
   */
  data?: string;
  /** What the client reports as the last event's id when it connects again; of one line. */
  id?: string | number;
  /** How long the client waits before it connects again, in milliseconds. */
  retry?: number;
}

function multiLineField(name: string, value: string): string {
  return `${name}:${value.replace(LINE_BREAK, `\n${name}:`)}`;
}

function singleLineField(name: "event" | "id", value: string | number): string {
  const text = value.toString();
  if (text.search(LINE_BREAK) !== -1) {
    throw new SyntaxError(`Cannot serialize message: \`message.${name}\` cannot contain a newline`);
  }
  return `${name}:${text}`;
}

function serialize({ comment, event, data, id, retry }: ServerSentEventMessage): string {
  const fields: string[] = [];
  if (comment !== undefined) fields.push(multiLineField("", comment));
  if (event !== undefined) fields.push(singleLineField("event", event));
  if (data !== undefined) fields.push(multiLineField("data", data));
  if (id !== undefined) fields.push(singleLineField("id", id));
  if (retry !== undefined) fields.push(`retry:${retry}`);
  return `${fields.join("\n")}\n\n`;
}

/**
 * A stream that turns each message into the bytes that a client reads it from, one chunk a message.
 *
 * A line break in the `event` or `id` of a message, which would begin another field, fails the
 * stream with a `SyntaxError`.
 *
 * @example
 * ```ts
 * import { ServerSentEventStream } from "@std/http/server-sent-event-stream";
 *
 * const stream = new ServerSentEventStream();
 * const response = new Response(stream.readable, {
 *   headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
 * });
 * const writer = stream.writable.getWriter();
 * await writer.write({ id: 1, data: "hello\nthere" }); // id:1, data:hello, data:there
 * ```
 */
export class ServerSentEventStream extends TransformStream<ServerSentEventMessage, Uint8Array> {
  constructor() {
    super({
      transform(message, controller) {
        controller.enqueue(encoder.encode(serialize(message)));
      },
    });
  }
}
