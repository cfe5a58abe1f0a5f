import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How a client has ended. */
export type Fate = "answered" | "died";

const STREAMS = ["/health/$stream", "/api/v1/jobs/ID/$stream"];
const BODY = JSON.stringify({ params: { text: "x".repeat(2_000) } });

/** A client that sends one request of any kind, and may die at any moment of it. */
export class MortalClient {
  readonly #port: number;
  /** The job that was submitted last. */
  #job = "";

  constructor(port: number) {
    this.#port = port;
  }

  async live(): Promise<Fate> {
    const request = this.#request();
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    let received = "";
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      // The beginning will do, and how it ends.
      received = received.length < 2_000 ? received + text : received.slice(0, 1_000) + text;
      if (isWhole(received)) answer();
    });
    socket.on("error", () => {
      // "close" follows; a client that dies makes no fuss.
    });
    socket.on("close", () => close());
    const isMortal =
      oneIn(2) || request.startsWith("GET /health/$s") || request.includes("/$stream");
    if (isMortal) await this.#die(socket, request);
    else {
      socket.write(request);
      await Promise.race([answered, closed]);
      this.#job = /"id":"([0-9A-Z]{26})"/.exec(received)?.[1] ?? this.#job;
      socket.end();
    }
    await closed;
    return isMortal ? "died" : "answered";
  }

  /** Sends a part or all of the request, takes a part of the answer or none, and is gone. */
  async #die(socket: Socket, request: string): Promise<void> {
    if (oneIn(3)) socket.pause();
    const sent = oneIn(2) ? request : request.slice(0, Math.floor(Math.random() * request.length));
    if (oneIn(3)) {
      // In pieces.
      for (let start = 0; start < sent.length; start += 700) {
        socket.write(sent.slice(start, start + 700));
        await sleep(2);
      }
    } else socket.write(sent);
    await sleep(Math.random() * 150);
    if (oneIn(2)) socket.resetAndDestroy();
    else socket.destroy();
  }

  #request(): string {
    const kind = Math.floor(Math.random() * 7);
    if (kind === 0) return get(STREAMS[0] ?? "");
    if (kind === 1 && this.#job !== "") return get((STREAMS[1] ?? "").replace("ID", this.#job));
    if (kind === 2) return get("/api/v1/jobs?size=20");
    const task = ["echo", "large", "wait"][Math.floor(Math.random() * 3)];
    const action = kind === 3 ? "$submit" : "$execute";
    const head = `POST /api/v1/tasks/${task}/${action} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    return oneIn(4)
      ? `${head}Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
      : `${head}Content-Length: ${BODY.length}\r\n\r\n${BODY}`;
  }
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** Whether a JSON answer has come to its end, which its beginning and its end tell well enough here. */
function isWhole(received: string): boolean {
  return received.includes("\r\n\r\n") && /[\]}]$/.test(received);
}

function oneIn(times: number): boolean {
  return Math.random() * times < 1;
}
