/** What one block of an event stream says; a block of comments alone is none. */
export interface StreamEvent {
  /** The id that the client reports from now on. */
  readonly id: string;
  readonly type: string;
  /** The JSON of the event; what it holds is for the test to know. */
  readonly data: ReturnType<typeof JSON.parse>;
}

/**
 * Reads an event stream as the HTML standard, 9.2.6, "Interpreting an event
 * stream", tells a browser to.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class EventReader {
  /** What `Last-Event-ID` says when the client connects again. */
  lastEventId: string;
  /** How long it waits before that, in milliseconds; undefined while nothing was told. */
  retry: number | undefined;
  /** How many comments came. */
  comments = 0;
  readonly #reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;
  readonly #decoder = new TextDecoder();
  #text = "";
  #ended = false;
  #id: string;
  #type = "";
  #data: string[] = [];
  #commented = Promise.withResolvers<void>();

  constructor(response: Response, lastEventId = "") {
    if (response.body === null) throw new Error("The response has no body");
    this.#reader = response.body.getReader();
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<StreamEvent | undefined> {
    for (;;) {
      const line = await this.#line();
      if (line === undefined) return undefined;
      if (line !== "") {
        this.#take(line);
        continue;
      }
      this.lastEventId = this.#id;
      const data = this.#data.join("\n");
      const type = this.#type || "message";
      this.#data = [];
      this.#type = "";
      if (data !== "") return { id: this.lastEventId, type, data: JSON.parse(data) };
    }
  }

  /** The next event, which must come. */
  async event(): Promise<StreamEvent> {
    const event = await this.next();
    if (event === undefined) throw new Error("The stream has ended");
    return event;
  }

  /** All events that are left. */
  async rest(): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) {
      events.push(event);
    }
    return events;
  }

  /** Resolves when the next comment has come; something must be reading meanwhile. */
  async commented(): Promise<void> {
    await this.#commented.promise;
  }

  /** Goes away. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  #take(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.comments += 1;
      this.#commented.resolve();
      this.#commented = Promise.withResolvers();
      return;
    }
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  /** The next line; undefined at the end, where half a line is dropped. */
  async #line(): Promise<string | undefined> {
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(this.#text);
      if (match !== null) {
        const line = this.#text.slice(0, match.index);
        this.#text = this.#text.slice(match.index + match[0].length);
        return line;
      }
      if (this.#ended) return undefined;
      const { done, value } = await this.#reader.read();
      if (done) this.#ended = true;
      else this.#text += this.#decoder.decode(value, { stream: true });
    }
  }
}
