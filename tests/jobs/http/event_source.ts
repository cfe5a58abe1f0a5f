import { EventReader, type StreamEvent } from "./event_reader.ts";

/**
 * Follows an event stream as the HTML standard, 9.2.2 and 9.2.3, tells a
 * browser's `EventSource` to: connects again after the end of a stream and
 * after a network error, with the last event's id, and never again after an
 * answer other than 200.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class FetchedEventSource {
  /** Resolves when it will never connect again. */
  readonly closed: Promise<void>;
  readonly events: StreamEvent[] = [];
  readonly #url: string;
  readonly #wait: (milliseconds: number | undefined) => Promise<void>;
  #waiting: { resolve: () => void; count: number } | undefined;
  #lastEventId = "";
  #retry: number | undefined;

  /** Waits with `wait` before it connects again, for as long as the server has said. */
  constructor(url: string, wait: (milliseconds: number | undefined) => Promise<void>) {
    this.#url = url;
    this.#wait = wait;
    this.closed = this.#follow();
  }

  /** Resolves when so many events have come in all. */
  async received(count: number): Promise<void> {
    if (this.events.length >= count) return;
    await new Promise<void>((resolve) => {
      this.#waiting = { resolve, count };
    });
  }

  async #follow(): Promise<void> {
    while (await this.#connect()) await this.#wait(this.#retry);
  }

  /** Whether to connect again. */
  async #connect(): Promise<boolean> {
    let reader: EventReader | undefined;
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.#lastEventId !== "") headers["last-event-id"] = this.#lastEventId;
      const response = await fetch(this.#url, { headers, cache: "no-store" });
      const type = response.headers.get("content-type")?.split(";")[0];
      if (response.status !== 200 || type !== "text/event-stream") return false;
      reader = new EventReader(response, this.#lastEventId);
      for (let event = await reader.next(); event !== undefined; event = await reader.next()) {
        this.events.push(event);
        if (this.events.length === this.#waiting?.count) this.#waiting.resolve();
      }
    } catch (error) {
      // A network error; fetch() gives no other.
      if (!(error instanceof TypeError || (error instanceof Error && "code" in error))) throw error;
    }
    this.#lastEventId = reader?.lastEventId ?? this.#lastEventId;
    this.#retry = reader?.retry ?? this.#retry;
    return true;
  }
}
