import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How a client has ended. */
export type Fate = "answered" | "died";

/** Several chunks of an artifact. */
const BYTES = "0123456789abcdef".repeat(64 * 1024);
/** Where what was made is. */
const LOCATION = /^location: \S*\/(jobs|artifacts)\/([0-9A-Z]{26})\r$/im;
const BODY = JSON.stringify({ params: { text: "x".repeat(2_000) } });

/** A client that sends one request of any kind, and may die at any moment of it. */
export class MortalClient {
  readonly #port: number;
  /** The ids of the job and the artifact that were made last. */
  #job = "";
  #artifact = "";

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
      received += text;
      if (received.length > 4_000) received = received.slice(0, 2_000) + received.slice(-1_000);
      if (isWhole(received)) answer();
    });
    socket.on("error", () => {
      // "close" follows; a client that dies makes no fuss.
    });
    socket.on("close", () => close());
    // What has no end is left at some moment.
    const isMortal = oneIn(2) || request.includes("$stream");
    if (isMortal) await this.#die(socket, request);
    else {
      socket.write(request);
      await Promise.race([answered, closed]);
      const [, collection, id = ""] = LOCATION.exec(received) ?? [];
      if (collection === "jobs") this.#job = id;
      if (collection === "artifacts") this.#artifact = id;
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
      const piece = Math.ceil(sent.length / 8);
      for (let start = 0; start < sent.length; start += piece) {
        socket.write(sent.slice(start, start + piece));
        await sleep(2);
      }
    } else socket.write(sent);
    await sleep(Math.random() * 150);
    if (oneIn(2)) socket.resetAndDestroy();
    else socket.destroy();
  }

  #request(): string {
    const kind = Math.floor(Math.random() * 9);
    if (kind === 0) return get("/health/$stream");
    if (kind === 1 && this.#job !== "") return get(`/api/v1/jobs/${this.#job}/$stream`);
    if (kind === 2) return get("/api/v1/jobs?size=20");
    if (kind === 4) {
      // Replaced, since the file shall not grow.
      const [method, path] = this.#artifact === "" ? ["POST", ""] : ["PUT", `/${this.#artifact}`];
      return `${method} /api/v1/artifacts${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: ${BYTES.length}\r\n\r\n${BYTES}`;
    }
    if (kind === 5 && this.#artifact !== "")
      return get(`/api/v1/artifacts/${this.#artifact}/$download`);
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

/** Whether an answer has come to its end, which its beginning and its end tell well enough here. */
function isWhole(received: string): boolean {
  return received.includes("\r\n\r\n") && /([\]}]|abcdef|\r\n0\r\n\r\n)$/.test(received);
}

function oneIn(times: number): boolean {
  return Math.random() * times < 1;
}
