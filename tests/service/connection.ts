import { connect, type Socket } from "node:net";

/** What came back for one request, as the bytes on the wire tell it. */
export interface RawAnswer {
  /**
   * `whole`: up to the end that its head announces; `cut`: a part of it, and then the connection
   * ended; `nothing`: not one byte; `refused`: there was no connection; `silence`: nothing more
   * came in time.
   */
  readonly came: "whole" | "cut" | "nothing" | "refused" | "silence";
  /** 0 where there was no head. */
  readonly status: number;
  readonly headers: Headers;
  /** What has come of it, without its framing. */
  readonly body: string;
}

interface Head {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/**
 * A client's connection that sends bytes as they are, one request after the other, and tells an
 * answer that is whole from one that was cut off; `fetch` doesn't always.
 */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  #received = "";
  #isConnected = false;
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    // One character a byte, so that lengths are those of the head.
    this.#socket.setEncoding("latin1");
    this.#socket.on("connect", () => {
      this.#isConnected = true;
      this.#hasChanged();
    });
    this.#socket.on("data", (text) => {
      this.#received += text;
      this.#hasChanged();
    });
    this.#socket.on("error", () => {
      // "close" follows, and the bytes that came say what is lost.
    });
    this.#socket.on("close", () => {
      this.#isClosed = true;
      this.#hasChanged();
    });
  }

  /** Whether another request can be sent. */
  get isOpen(): boolean {
    return !this.#isClosed;
  }

  /** Sends bytes, and waits for nothing. */
  write(bytes: string | Uint8Array): void {
    if (typeof bytes === "string") this.#socket.write(bytes, "latin1");
    else this.#socket.write(bytes);
  }

  /** Takes nothing more from the server until {@linkcode resume}. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves when the first bytes of an answer have come. */
  async begins(): Promise<void> {
    while (this.#received === "" && !this.#isClosed) await this.#changed.promise;
  }

  /** Sends bytes, and resolves to what is answered; `seconds` without an end are `silence`. */
  async send(
    bytes: string | Uint8Array,
    { seconds = 30, method = "" }: { seconds?: number; method?: string } = {},
  ): Promise<RawAnswer> {
    this.write(bytes);
    return await this.answer({ seconds, method });
  }

  /** Resolves to the next answer; that of a HEAD has no body. */
  async answer({
    seconds = 30,
    method = "",
  }: {
    seconds?: number;
    method?: string;
  } = {}): Promise<RawAnswer> {
    const deadline = performance.now() + seconds * 1_000;
    for (;;) {
      const head = readHead(this.#received);
      const framed = head === undefined ? undefined : readBody(head, method === "HEAD");
      if (head !== undefined && framed?.rest !== undefined) {
        this.#received = framed.rest;
        // The head of what is to come, such as 100 Continue.
        if (head.status >= 100 && head.status < 200) continue;
        return { came: "whole", status: head.status, headers: head.headers, body: framed.body };
      }
      const left = deadline - performance.now();
      if (this.#isClosed || left <= 0) {
        const came = this.#isClosed ? this.#ending() : "silence";
        const { status = 0, headers = new Headers() } = head ?? {};
        return { came, status, headers, body: framed?.body ?? "" };
      }
      const late = setTimeout(() => this.#hasChanged(), left);
      await this.#changed.promise;
      clearTimeout(late);
    }
  }

  /** Resets the connection. */
  [Symbol.dispose](): void {
    this.#socket.resetAndDestroy();
  }

  #ending(): RawAnswer["came"] {
    if (!this.#isConnected) return "refused";
    return this.#received === "" ? "nothing" : "cut";
  }

  #hasChanged(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** A request of JSON, or without a body, as it goes over the wire. */
export function requestText(
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Readonly<Record<string, string>> } = {},
): string {
  const text = body === undefined ? "" : JSON.stringify(body);
  const framing =
    body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": text.length };
  const lines = Object.entries({ Host: "localhost", ...framing, ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${head}\r\n${text}`;
}

function readHead(received: string): Head | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [statusLine = "", ...lines] = received.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { status, headers, body: received.slice(end + 4) };
}

/** The body without its framing, and what follows it; no `rest` where its end has not come. */
function readBody(
  { status, headers, body }: Head,
  hasNone: boolean,
): { readonly body: string; readonly rest?: string } {
  if (hasNone || status < 200 || status === 204 || status === 304) return { body: "", rest: body };
  if (headers.get("transfer-encoding") === "chunked") return readChunks(body);
  const length = Number(headers.get("content-length") ?? 0);
  if (body.length < length) return { body };
  return { body: body.slice(0, length), rest: body.slice(length) };
}

function readChunks(framed: string): { readonly body: string; readonly rest?: string } {
  let body = "";
  for (let start = 0; ; ) {
    const end = framed.indexOf("\r\n", start);
    if (end === -1) return { body };
    const length = Number.parseInt(framed.slice(start, end), 16);
    // A server that is sent nonsense meanwhile may say so in the midst of its answer.
    if (Number.isNaN(length)) return { body };
    const next = end + 2 + length + 2;
    body += framed.slice(end + 2, Math.min(next - 2, framed.length));
    if (framed.length < next) return { body };
    if (length === 0) return { body, rest: framed.slice(next) };
    start = next;
  }
}
